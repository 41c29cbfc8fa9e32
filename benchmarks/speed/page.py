"""Figures as a page of Markdown; nothing is measured here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.speed.case import Case
from benchmarks.speed.equivariant import Row
from benchmarks.speed.floor import Machine, forward_floor
from benchmarks.speed.plan import PARTS, Figures, missing

# Measured before this network was written: 2 threads, torch 2.13, float32; seconds, seconds, MiB. The original has no
# licence, so that it cannot be part of this; NVIDIA's block is measured here where it is at hand.
ORIGINAL = {1: Figures(5.7, 15.1, 5.3 * 1024), 3: Figures(18.5, 44.9, 15.1 * 1024)}
HEAD = "| | forward, ms | training step, ms | peak of the step, MiB |\n|---|---:|---:|---:|"


@dataclass(frozen=True)
class Conditions:
    """How it was measured: the command, the machine, and how many threads PyTorch had."""

    command: str
    where: str
    threads: int
    machine: Machine


def page(found: Mapping[Case, Figures], checks: Sequence[Row], conditions: Conditions) -> str:
    """The whole page."""
    machine = conditions.machine
    rates = f"{machine.flops / 1e9:.0f} GFLOP/s in matrix products, {machine.bytes / 1e9:.0f} GB/s"
    parts = [
        "# Speed",
        f"Made by `{conditions.command}` with {conditions.where}, {conditions.threads} threads: {rates} in copies.\n"
        "Every figure is the median over rounds of medians, each from a fresh process, the cases in turn; float32\n"
        "unless said. The forward pass is without gradients, neighbours and sampling included; the step is forward,\n"
        "backward and Adam; the peak is the resident memory of the process, Python and PyTorch (350 MiB) included.",
        "## The U-Net of the published size",
        _network(found),
        "## One block and one layer",
        _block(found),
        _layer(found, conditions.machine),
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
    for batch, original in ORIGINAL.items():
        ours = Case("network", batch=batch)
        title = f"{batch} cloud{'s' * (batch > 1)} of 1,024 points"
        rows.append(_line(f"the original, as reported (2 threads), {title}", original))
        rows += _cases({f"the same on DGL, our code, {title}": Case("published", batch=batch)}, found)
        keeping = {f"ours with `keep_freed_memory`, {title}": Case("network", batch=batch, keeps=True)}
        rows += _cases({f"ours, {title}": ours, **keeping}, found)
        if ours in found:
            figures = found[ours]
            ratios = [f"{getattr(original, name) / getattr(figures, name):.1f} times" for name in ("forward", "step")]
            rows.append(f"| the original over ours | {' | '.join(ratios)} | {original.peak / figures.peak:.1f} times |")
    return "\n".join(rows)


def _block(found: Mapping[Case, Figures]) -> str:
    ours, nvidia = Case("block"), Case("nvidia")
    labels = {"block of three attention layers, ours": ours, "NVIDIA's: two and a convolution": nvidia}
    rows = [HEAD, *_cases(labels, found)]
    if ours in found and nvidia in found:
        one, other = found[ours], found[nvidia]
        rows.append(
            f"| NVIDIA's over ours | {other.forward / one.forward:.1f} times | {other.step / one.step:.1f} times | "
            f"{other.peak / one.peak:.1f} times |"
        )
    return "\n".join(rows)


def _layer(found: Mapping[Case, Figures], machine: Machine) -> str:
    case = Case("layer")
    if case not in found:
        return "The layer was not measured."
    products, traffic = forward_floor(case, machine)
    taken = found[case].forward
    return (
        f"One attention layer on 40,960 edges takes {1e3 * taken:.1f} ms forward. Its floor is\n"
        f"{1e3 * (products + traffic):.1f} ms: {1e3 * products:.1f} ms for the matrix products, "
        f"{1e3 * traffic:.1f} ms for reading and writing once what each\n"
        f"operation takes. The layer is at {taken / (products + traffic):.1f} times its floor; "
        f"a step takes {1e3 * found[case].step:.1f} ms."
    )


def _sizes(found: Mapping[Case, Figures]) -> list[str]:
    parts = []
    titles = {
        "points": "points", "batch": "batch", "neighbours": "neighbours", "channels": "channels", "degree": "degree",
    }  # fmt: skip
    for part, attribute in titles.items():
        cases = {str(getattr(case, attribute)): case for case in PARTS[part]}
        table = "\n".join([HEAD.replace("| |", f"| {attribute} |", 1), *_cases(cases, found)])
        parts += [f"## Over {part}", table]
        if part == "points":
            parts.append(_fit([case for case in PARTS[part] if case in found], found))
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
