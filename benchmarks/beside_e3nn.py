"""Costs beside e3nn's assertion: `python -m benchmarks.beside_e3nn`, a section of docs/results/costs.md.

e3nn's `assert_equivariant` transforms one callable as a whole, in one state and one precision. With 8 trials it takes
as many elements as `equivariance` does.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from e3nn.util.test import assert_equivariant
from torch import Tensor, nn

import equivariance as eq
from benchmarks.costs import PAGE, ROUNDS, THREADS, Subject, TensorNet, seconds, subjects
from benchmarks.made import made_with
from benchmarks.sections import write_section
from equivariance import Contract

HEADING = "Beside e3nn's assertion"
DEPTHS = (2, 12)
TRIALS = (1, 8)
GROUP = "e3"
SYMMETRIES = 3
BUDGETS = {"check": 12 * SYMMETRIES + 20, "diagnose": 25 * SYMMETRIES + 40}
"""Passes at most, for 8 samples of each symmetry of a sound network whose representations are declared."""


@dataclass(frozen=True)
class Cost:
    """The cost of one call.

    Attributes:
        passes: Calls of the network's `forward`.
        seconds: CPU seconds, the median of the rounds.
    """

    passes: int
    seconds: float


@contextmanager
def counting(kind: type[nn.Module]) -> Iterator[list[int]]:
    """Counts the passes of all networks of one class, also of copies."""
    found, forward = [0], kind.forward

    def counted(self: nn.Module, *args: Any) -> Any:
        found[0] += 1
        return forward(self, *args)

    kind.forward = counted  # type: ignore[method-assign]
    try:
        yield found
    finally:
        kind.forward = forward  # type: ignore[method-assign]


def contracts_of(subject: Subject) -> Mapping[str, Contract]:
    """Returns the contracts of the layers of a network: everything is declared."""
    points = "cartesian_points"
    if subject.irreps_in[0] is None:
        return {"layers.*": Contract({"h": None, "x": points}, [None, points])}
    names = "features", "x", "source", "target"
    return {"layers.*": Contract(dict(zip(names, subject.irreps_in, strict=True)), subject.irreps_out)}


def tools(subject: Subject, network: nn.Module, args: tuple[Tensor, ...]) -> dict[str, Callable[[], Any]]:
    """Returns name -> call of each tool on one network."""
    given = network, args, subject.irreps_in, subject.irreps_out
    assertions: dict[str, Callable[[], Any]] = {
        f"e3nn, ntrials={trials}": partial(assert_equivariant, network, list(args), *given[2:], ntrials=trials)
        for trials in TRIALS
    }
    ours = {
        "check": partial(eq.check, *given, group=GROUP, progress=False),
        "diagnose": partial(eq.diagnose, *given, group=GROUP, contracts=contracts_of(subject), progress=False),
    }
    return assertions | {name: partial(sound, run) for name, run in ours.items()}


def sound(run: Callable[[], eq.Report]) -> None:
    """Runs a tool of ours and requires that all symmetries hold."""
    report = run()
    if not (report.ok and report.complete):
        raise SystemExit(f"expected a sound network, got\n{report}")


def measured(subject: Subject, dtype: torch.dtype, depth: int, rounds: int = ROUNDS) -> tuple[float, dict[str, Cost]]:
    """Returns the seconds of one pass in float64, and the cost of each tool. All take turns."""
    network, args = subject.network(False, dtype, depth)
    double, doubles = subject.network(False, torch.float64, depth)
    passes, taken, single = dict[str, int](), dict[str, list[float]](), list[float]()
    calls = tools(subject, network, args)
    for _ in range(rounds):
        with torch.no_grad():
            single += [seconds(lambda: double(*doubles)) for _ in range(10)]
        for name, run in calls.items():
            with counting(type(network)) as found:
                taken.setdefault(name, []).append(seconds(run))
            passes[name] = found[0]
    costs = {name: Cost(passes[name], statistics.median(times)) for name, times in taken.items()}
    return statistics.median(single), costs


def rows_of(name: str, dtype: torch.dtype, single: float, costs: Mapping[str, Cost]) -> Iterator[str]:
    """Yields one line of the table for each tool."""
    peers = [costs[f"e3nn, ntrials={trials}"].seconds for trials in TRIALS]
    for tool, cost in costs.items():
        budget = f"{BUDGETS[tool]}" if tool in BUDGETS else ""
        ratios = [f"{cost.seconds / peer:.1f}" for peer in peers]
        cells = [
            name, str(dtype)[6:], tool, f"{cost.passes}", budget, f"{cost.seconds:.2f}", f"{cost.seconds / single:.0f}",
            *ratios,
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Measures, prints and writes."""
    argparse.ArgumentParser(prog="python -m benchmarks.beside_e3nn", description=__doc__).parse_args()
    torch.set_num_threads(THREADS)
    kinds = [subject for subject in subjects() if subject.make is TensorNet or subject.name.endswith("64 channels")]
    lines = [
        row
        for subject in kinds
        for depth in DEPTHS
        for dtype in (torch.float64, torch.float32)
        for row in rows_of(f"{subject.name}, {depth} layers", dtype, *measured(subject, dtype, depth))
    ]
    where = made_with(("torch", "e3nn", "numpy", "scipy"), "CPU", f"{THREADS} thread")
    text = (
        f"Made by `python -m benchmarks.beside_e3nn` with {where}.\n\n"
        "One network, all representations declared, under translations, rotations and inversion. `eq.check` and\n"
        "`eq.diagnose` take 8 samples of each symmetry, spread over given and perturbed weights; they measure\n"
        "rounding floors, and run a float32 network in float64, too. e3nn's `assert_equivariant` has one state, one\n"
        "precision and a fixed tolerance. *passes*: calls of the network's `forward`. *budget*: passes at most.\n"
        f"*seconds*: CPU time, medians of {ROUNDS} rounds in which all take turns. *pass times*: seconds divided by\n"
        "those of one pass in float64. The last columns: how many times as long as e3nn with 1 and with 8 trials.\n\n"
        "| network | dtype | call | passes | budget | seconds | pass times | x ntrials=1 | x ntrials=8 |\n"
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        f"{chr(10).join(lines)}\n"
    )
    print(text)
    write_section(HEADING, text, PAGE)


if __name__ == "__main__":
    main()
