"""Figures as a page of Markdown; nothing is measured here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.speed.case import Case
from benchmarks.speed.equivariant import Row
from benchmarks.speed.floor import Machine, forward_floor, network_floor
from benchmarks.speed.peers import missing
from benchmarks.speed.plan import PARTS, SIZES, Figures

# Reported before this network was written: 2 threads, torch 2.13, float32; seconds, seconds, MiB.
ORIGINAL = {1: Figures(5.7, 15.1, 5.3 * 1024), 3: Figures(18.5, 44.9, 15.1 * 1024)}
# Times faster than the original that was aimed at.
AIM = 60
HEAD = "| | forward, ms | training step, ms | peak of the step, MiB |\n|---|---:|---:|---:|"


@dataclass(frozen=True)
class Conditions:
    """Conditions of the measurement: the command, the versions and threads, and the rates of the machine."""

    command: str
    where: str
    machine: Machine


def page(found: Mapping[Case, Figures], checks: Sequence[Row], conditions: Conditions) -> str:
    """The whole page."""
    machine = conditions.machine
    rates = f"{machine.flops / 1e9:.0f} GFLOP/s in matrix products, {machine.bytes / 1e9:.0f} GB/s"
    parts = [
        "# Speed",
        f"Made by `{conditions.command}` with {conditions.where}: {rates} in copies.\n"
        "Every figure is the median over rounds of medians, each from a fresh process, the cases of a part in turn;\n"
        "a process repeats each for at most 30 s. float32 unless said. The forward pass is without gradients,\n"
        "neighbours and sampling included; the step is forward, backward and Adam; the peak is the resident memory\n"
        "of the process, Python and PyTorch (350 MiB) included.",
        "## The U-Net of the published size",
        _network(found),
        "## One block and one layer",
        _block(found),
        _layer(found, conditions.machine),
        _target(found, conditions.machine),
        *_sizes(found),
        "## Equivariance",
        _checks(checks),
    ]
    return "\n\n".join(parts) + "\n"


def _line(name: str, figures: Figures) -> str:
    return f"| {name} | {1e3 * figures.forward:,.1f} | {1e3 * figures.step:,.1f} | {figures.peak:,.0f} |"


def _cases(cases: Mapping[str, Case], found: Mapping[Case, Figures]) -> list[str]:
    return [
        _line(label, found[case]) if case in found else f"| {label} | {missing(case) or 'not measured'} | | |"
        for label, case in cases.items()
    ]


def _network(found: Mapping[Case, Figures]) -> str:
    rows = [HEAD]
    for batch, reported in ORIGINAL.items():
        ours, original = Case("network", batch=batch), Case("original", batch=batch)
        title = f"{batch} cloud{'s' * (batch > 1)} of 1,024 points"
        rows.append(_line(f"the original, as reported (another machine, 2 threads), {title}", reported))
        cases = {
            "the original": original,
            "the same on DGL, our code": Case("published", batch=batch),
            "ours": ours,
            "ours with `keep_freed_memory`": replace(ours, keeps=True),
        }
        rows += _cases({f"{name}, {title}": case for name, case in cases.items()}, found)
        rows += _ratio("the original, as reported, over ours", reported, found.get(ours))
        rows += _ratio("**the original over ours**", found.get(original), found.get(ours))
    return "\n".join(rows)


def _block(found: Mapping[Case, Figures]) -> str:
    ours, nvidia, lucidrains = Case("block"), Case("nvidia"), Case("lucidrains")
    labels = {
        "three attention layers, ours": ours,
        "two and a convolution, NVIDIA's": nvidia,
        "one between two convolutions, lucidrains'; finds the neighbours too": lucidrains,
    }
    return "\n".join(
        [
            HEAD,
            *_cases(labels, found),
            *_ratio("**NVIDIA's over ours**", found.get(nvidia), found.get(ours)),
            *_ratio("lucidrains' over ours", found.get(lucidrains), found.get(ours)),
        ]
    )


def _ratio(label: str, other: Figures | None, ours: Figures | None) -> list[str]:
    if other is None or ours is None:
        return []
    ratios = [f"{getattr(other, name) / getattr(ours, name):.1f} times" for name in ("forward", "step", "peak")]
    return [f"| {label} | {' | '.join(ratios)} |"]


def _layer(found: Mapping[Case, Figures], machine: Machine) -> str:
    case = Case("layer")
    if case not in found:
        return "The layer was not measured."
    products, traffic = forward_floor(case, machine)
    taken = found[case].forward
    compiled = Case("e3nn", compiled=True)
    labels = {"ours": case, "e3nn's tensor products": Case("e3nn"), "the same, compiled": compiled}
    table = [HEAD, *_cases(labels, found), *_ratio("e3nn's, compiled, over ours", found.get(compiled), found[case])]
    return "\n".join(table) + (
        "\n\n"
        f"One attention layer on 40,960 edges takes {1e3 * taken:.1f} ms forward. Its floor is\n"
        f"{1e3 * (products + traffic):.1f} ms: {1e3 * products:.1f} ms for the matrix products, "
        f"{1e3 * traffic:.1f} ms for reading and writing once what each\n"
        f"operation takes. The layer is at {taken / (products + traffic):.1f} times its floor; "
        f"a step takes {1e3 * found[case].step:.1f} ms."
    )


def _target(found: Mapping[Case, Figures], machine: Machine) -> str:
    """Returns the lines on the factor that was aimed at."""
    ours, original = Case("network", batch=3), Case("original", batch=3)
    if not {ours, original} <= found.keys():
        return "How far the U-Net is from its floor was not measured."
    floor, taken, theirs = network_floor(ours, machine), found[ours].forward, found[original].forward
    return (
        f"The same floor of eight of the U-Net's nine layers is {1e3 * floor:.0f} ms for three clouds, which take\n"
        f"{1e3 * taken:.0f} ms, neighbours and sampling included. {AIM} times faster than the original would be "
        f"{1e3 * theirs / AIM:.0f} ms,\n"
        f"{theirs / AIM / floor:.1f} times this floor."
    )


def _sizes(found: Mapping[Case, Figures]) -> list[str]:
    parts = []
    for part in SIZES:
        cases = {str(getattr(case, part)): case for case in PARTS[part]}
        table = "\n".join([HEAD.replace("| |", f"| {part} |", 1), *_cases(cases, found)])
        parts += [f"## Over {part}", table]
        if part == "points":
            parts.append(_fit([case for case in PARTS[part] if case in found], found))
        parts.append(f"![Time and memory over {part}](../images/speed_{part}.png)")
    precisions = {_precision(case): case for case in PARTS["precision"]}
    return [*parts, "## Precision", "\n".join([HEAD, *_cases(precisions, found)])]


def _precision(case: Case) -> str:
    return case.precision + (", compiled" if case.compiled else "")


def _fit(cases: Sequence[Case], found: Mapping[Case, Figures]) -> str:
    if len(cases) < 2:
        return "Too few sizes were measured for a fit."
    exponents = {name: _slope([(c.points, getattr(found[c], name)) for c in cases]) for name in ("forward", "step")}
    return f"Least squares in logarithms: forward ~ N^{exponents['forward']:.2f}, step ~ N^{exponents['step']:.2f}."


def _slope(pairs: Sequence[tuple[float, float]]) -> float:
    logs = [(math.log(x), math.log(y)) for x, y in pairs]
    centre = [sum(values) / len(logs) for values in zip(*logs, strict=True)]
    above = sum((x - centre[0]) * (y - centre[1]) for x, y in logs)
    return above / sum((x - centre[0]) ** 2 for x, _ in logs)


def _checks(checks: Sequence[Row]) -> str:
    head = "| | largest relative error | rounding floor | harness |\n|---|---:|---:|---|"
    rows = [f"| {row.name} | {row.error:.1e} | {row.floor:.1e} | {row.found} |" for row in checks]
    return "\n".join([head, *rows]) if rows else "Not examined."
