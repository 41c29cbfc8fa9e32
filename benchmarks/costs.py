"""The cost of a diagnosis, in forward passes: `python -m benchmarks.costs`, a section of docs/results/costs.md."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn

import equivariance as eq
from benchmarks.made import made_with
from benchmarks.sections import write_section
from equivariance import Contract
from equivariance._engine.diagnosis import localizer
from equivariance._engine.measurement import survey

PAGE = Path(__file__).parent.parent / "docs" / "results" / "costs.md"
THREADS, SEED, LAYERS, ROUNDS = 1, 0, 12, 3
SAMPLES, SYMMETRIES = 16, 2
HEADING = f"Networks of {LAYERS} layers"
PLACE = LAYERS // 2
"""The layer of the broken networks that is at fault."""


class GraphLayer(nn.Module):
    """Features and positions updated by messages between all pairs (Satorras et al. 2021, eq. 3 to 6)."""

    def __init__(self, channels: int, broken: bool) -> None:
        super().__init__()
        self.broken = broken
        self.message = nn.Sequential(
            nn.Linear(2 * channels + 1, channels), nn.SiLU(), nn.Linear(channels, channels), nn.SiLU()
        )
        self.weight = nn.Linear(channels, 1)
        self.update = nn.Sequential(nn.Linear(2 * channels, channels), nn.SiLU(), nn.Linear(channels, channels))

    def forward(self, h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """New features [N, C] and positions [N, 3]."""
        edges, size = x[:, None] - x, len(x)
        pairs = torch.cat(
            [h[:, None].expand(-1, size, -1), h.expand(size, -1, -1), edges.square().sum(-1, keepdim=True)], -1
        )
        messages = self.message(pairs)
        step = self.weight(messages) * edges
        if self.broken:
            step = step.clamp(-0.1, 0.1)
        return h + self.update(torch.cat([h, messages.mean(1)], -1)), x + step.mean(1)


class GraphNet(nn.Module):
    """Layers on plain tensors; nothing inside is declared."""

    def __init__(self, channels: int, broken: bool, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(GraphLayer(channels, broken and i == PLACE) for i in range(depth))

    def forward(self, h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features [N, C] and positions [N, 3]."""
        for layer in self.layers:
            h, x = layer(h, x)
        return h, x


class TensorLayer(nn.Module):
    """Tensor products with the harmonics of edges, weighted by the distance (Thomas et al. 2018)."""

    irreps = o3.Irreps("16x0e+16x1o+8x2e")

    def __init__(self, broken: bool) -> None:
        super().__init__()
        self.broken = broken
        self.irreps_in = self.irreps_out = self.irreps
        self.product = o3.FullyConnectedTensorProduct(self.irreps, "1x0e+1x1o+1x2e", self.irreps)

    def forward(self, features: Tensor, x: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """New features [N, 104]."""
        edges = x[target] - x[source]
        harmonics = o3.spherical_harmonics("1x0e+1x1o+1x2e", edges, True) * torch.exp(-edges.norm(dim=-1, keepdim=True))
        messages = self.product(features[source], harmonics)
        if self.broken:
            messages = messages.clamp(-0.1, 0.1)
        return features + torch.zeros_like(features).index_add(0, target, messages) / 8


class TensorNet(nn.Module):
    """Layers of e3nn, which state their irreps."""

    def __init__(self, broken: bool, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TensorLayer(broken and i == PLACE) for i in range(depth))

    def forward(self, features: Tensor, x: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Features [N, 104]."""
        for layer in self.layers:
            features = layer(features, x, source, target)
        return features


@dataclass(frozen=True)
class Subject:
    """A kind of network, its arguments, and the keywords of the diagnosis; no contracts where they are inferred."""

    name: str
    make: Callable[[bool, int], nn.Module]
    args: tuple[Tensor, ...]
    irreps_in: list[object]
    irreps_out: object
    contracts: Mapping[str, Contract] = field(default_factory=dict)

    def network(self, broken: bool, dtype: torch.dtype, depth: int = LAYERS) -> tuple[nn.Module, tuple[Tensor, ...]]:
        """With seeded weights, in a dtype."""
        torch.manual_seed(SEED)
        torch.set_default_dtype(dtype)  # constants that are cast later would be rounded to float32
        try:
            made = self.make(broken, depth).eval()
        finally:
            torch.set_default_dtype(torch.float32)
        return made, tuple(a.to(dtype) if a.is_floating_point() else a for a in self.args)


def subjects() -> list[Subject]:
    """Two kinds, one of them of two widths: comparing costs what memory does, a pass what its products do."""
    generator = torch.Generator().manual_seed(SEED)
    x = torch.randn(48, 3, generator=generator)
    source, target = torch.randint(0, 48, (2, 384), generator=generator)
    scalars, features = torch.randn(48, 128, generator=generator), torch.randn(48, 104, generator=generator)
    points, irreps = "cartesian_points", str(TensorLayer.irreps)
    return [
        *(
            Subject(
                f"graph network, {channels} channels", partial(GraphNet, channels), (scalars[:, :channels], x),
                [None, points], [None, points],
            )
            for channels in (64, 128)
        ),
        Subject(
            "tensor products of e3nn", TensorNet, (features, x, source, target), [irreps, points, None, None], irreps
        ),
    ]  # fmt: skip


def seconds(run: Callable[[], Any]) -> float:
    """Of one call."""
    start = time.process_time()
    run()
    return time.process_time() - start


def line(subject: Subject, dtype: torch.dtype) -> str:
    """One line of the table; sound and broken, few and many samples take turns."""
    sound, args = subject.network(False, dtype)
    broken, _ = subject.network(True, dtype)
    double, doubles = subject.network(False, torch.float64)
    found: dict[str, list[float]] = {
        name: [] for name in ("forward", "double", "sample", "whole", "broken", "statement")
    }
    for _ in range(ROUNDS):
        with torch.no_grad():
            found["forward"] += [seconds(lambda: sound(*args)) for _ in range(10)]
            found["double"] += [seconds(lambda: double(*doubles)) for _ in range(10)]
        with sampled(0) as samples:
            found["whole"].append(seconds(lambda: diagnosed(subject, sound, args, SAMPLES)))
        found["sample"] += samples
        with _timed(found["statement"]):
            found["broken"].append(seconds(lambda: diagnosed(subject, broken, args, SAMPLES, 1)))
    forward, exact, sample, whole, broken_whole, statement = (statistics.median(times) for times in found.values())
    costs = sample, whole - SAMPLES * SYMMETRIES * sample, statement, broken_whole - whole
    passes = [cost / exact for cost in costs]
    cells = [
        subject.name,
        str(dtype)[6:],
        f"{1e3 * forward:.1f} ms",
        f"{1e3 * exact:.1f} ms",
        *(f"{p:.2g}" if p < 10 else f"{p:.0f}" for p in passes),
    ]
    return f"| {' | '.join(cells)} |"


def diagnosed(
    subject: Subject, network: nn.Module, args: tuple[Tensor, ...], samples: int, findings: int = 0, **options: Any
) -> None:
    """Diagnose, and see to it that there are so many findings."""
    report = eq.diagnose(
        network, args, subject.irreps_in, subject.irreps_out, contracts=subject.contracts, samples=samples, **options
    )
    if len(report.findings) != findings:
        raise SystemExit(f"{subject.name}: expected {findings} findings, got\n{report}")


@contextmanager
def sampled(full: int) -> Iterator[list[float]]:
    """The seconds of each sample of a survey; of the first ``full`` the accumulated errors are measured too.

    By default that is done for two samples. Where neither is asked for, the samples that do both are left out.
    """
    found: list[float] = []
    kept, measure = (survey._TESTED, survey._TESTED_APART, survey._PLAIN), survey.SymmetrySurvey._measure

    def timed(surveyor: survey.SymmetrySurvey, trial: Any, result: Any, passes: Any, layers: Any = None) -> None:
        taken = seconds(lambda: measure(surveyor, trial, result, passes, layers))
        if any(passes) == (full > 0):
            found.append(taken)

    survey._TESTED, survey._TESTED_APART, survey._PLAIN = (full, full, kept[2]) if full else (kept[0], kept[1], 0)
    survey.SymmetrySurvey._measure = timed  # type: ignore[method-assign]
    try:
        yield found
    finally:
        survey._TESTED, survey._TESTED_APART, survey._PLAIN = kept
        survey.SymmetrySurvey._measure = measure  # type: ignore[method-assign]


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    """Note how long the search for the statements takes."""
    search = localizer.violations_of

    def timed(*args: Any) -> Any:
        start = time.process_time()
        found = search(*args)
        into.append(time.process_time() - start)
        return found

    localizer.violations_of = timed
    try:
        yield
    finally:
        localizer.violations_of = search


def main() -> None:
    """Measure, print, write."""
    argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__).parse_args()
    torch.set_num_threads(THREADS)
    rows = [line(subject, dtype) for subject in subjects() for dtype in (torch.float64, torch.float32)]
    where = made_with(("torch", "e3nn", "numpy", "scipy"), "CPU", f"{THREADS} thread")
    text = (
        f"Made by `python -m benchmarks.costs` with {where}.\n\n"
        f"Networks of {LAYERS} layers, `eq.diagnose` with translations and rotations, contracts of inner layers\n"
        "inferred or read off the modules. Costs are CPU times divided by that of one forward pass of the\n"
        "network in float64, in which the harness runs it whatever its dtype (a pass in the dtype itself stands\n"
        f"beside it); medians of {ROUNDS} rounds in which all take turns. *sample*: one of "
        f"{SAMPLES} sampled elements of a\n"
        "symmetry, as all but two are measured. *constant*: the rest of a diagnosis of the sound network.\n"
        "*statement*: the search for the statement at fault, where one layer clips components. *finding*: all\n"
        "that the broken network costs beyond the sound one: statement, cause with its evidence, curves,\n"
        "counterexample. Comparing costs what memory does, so that wider layers, whose passes are spent in\n"
        "products, pay less for it.\n\n"
        "| network | dtype | a pass in it | a pass in float64 | sample | constant | statement | finding |\n"
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        f"{chr(10).join(rows)}\n"
    )
    print(text)
    write_section(HEADING, text, PAGE)


if __name__ == "__main__":
    main()
