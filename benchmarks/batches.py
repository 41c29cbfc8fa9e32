"""The saving by batches of transforms if a layer is run alone: `python -m benchmarks.batches`.

Writes a section of docs/results/costs.md.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor

import equivariance as eq
from benchmarks.costs import LAYERS, PAGE, SEED, THREADS, GraphLayer, GraphNet, seconds
from benchmarks.made import made_with
from benchmarks.sections import write_section
from equivariance._engine.causes import experiment
from equivariance._engine.measurement import isolation, rounding_floors, transformed_runs

HEADING = "Layers in batches of transforms"
SIZES = ((8, 8), (16, 16), (32, 32), (48, 64))
TRANSFORMS, ROUNDS = 16, 9


class Stopwatch:
    """CPU seconds within a function that does not call itself; where given, only while ``within`` another runs."""

    def __init__(self, within: Stopwatch | None = None) -> None:
        self.total, self.running, self.within = 0.0, False, within

    def around(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """``run``, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            start, self.running = time.process_time(), True
            try:
                return run(*args, **kwargs)
            finally:
                self.running = False
                if self.within is None or self.within.running:
                    self.total += time.process_time() - start

        return timed


@contextmanager
def watched() -> Iterator[tuple[Stopwatch, Stopwatch, Stopwatch]]:
    """Times runs of layers alone, the calls of the layers in them, and the answers that these are given."""
    runs = Stopwatch()
    calls, answers = Stopwatch(runs), Stopwatch(runs)
    make = isolation._answer

    def answering(*args: Any) -> Callable[..., Any]:
        return answers.around(make(*args))

    with ExitStack() as stack:
        for module in (transformed_runs, rounding_floors, experiment):
            stack.enter_context(mock.patch.object(module, "run_isolated", runs.around(module.run_isolated)))
        stack.enter_context(mock.patch.object(isolation, "call_with", calls.around(isolation.call_with)))
        stack.enter_context(mock.patch.object(isolation, "_answer", answering))
        yield runs, calls, answers


def inputs(nodes: int, channels: int, *batch: int) -> tuple[Tensor, Tensor]:
    """Features and positions in float64."""
    generator = torch.Generator().manual_seed(SEED)
    shapes = (*batch, nodes, channels), (*batch, nodes, 3)
    features, positions = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    return features, positions


def shares(nodes: int, channels: int) -> tuple[float, float]:
    """Of the time of a diagnosis: that of all layers run alone, and that of their own statements."""
    torch.manual_seed(SEED)
    network = GraphNet(channels, True, LAYERS).double().eval()
    found = []
    for _ in range(3):
        with watched() as (runs, calls, answers):
            whole = seconds(lambda: eq.diagnose(network, inputs(nodes, channels), [None, "cartesian_points"]))
        found.append((runs.total / whole, (calls.total - answers.total) / whole))
    return statistics.median(f[0] for f in found), statistics.median(f[1] for f in found)


def gain(nodes: int, channels: int) -> float:
    """Returns the speed of a layer on a batch over that on its inputs one by one; both take turns."""
    torch.manual_seed(SEED)
    layer = GraphLayer(channels, False).double().eval()
    features, positions = inputs(nodes, channels, TRANSFORMS)
    ratios = []
    with torch.no_grad():
        for _ in range(ROUNDS):
            turns = seconds(lambda: [layer(h, x) for h, x in zip(features, positions, strict=True)])
            ratios.append(turns / seconds(lambda: torch.func.vmap(layer)(features, positions)))
    return statistics.median(ratios)


def line(nodes: int, channels: int) -> str:
    """One line of the table."""
    (runs, own), times = shares(nodes, channels), gain(nodes, channels)
    saved = max(0.0, own * (1 - 1 / times))
    return f"| {nodes} | {channels} | {runs:.0%} | {own:.1%} | {times:.2g} | {saved:.1%} |"


def main() -> None:
    """Measure, print, write."""
    argparse.ArgumentParser(prog="python -m benchmarks.batches", description=__doc__).parse_args()
    torch.set_num_threads(THREADS)
    rows = [line(*size) for size in SIZES]
    where = made_with(("torch", "numpy"), "CPU", f"{THREADS} thread")
    text = (
        f"Made by `python -m benchmarks.batches` with {where}.\n\n"
        "The harness runs a layer alone under one transform after another: for the benefit of the doubt, for\n"
        "curves, for the smallest element. What would it save to stack the transforms as a batch? The graph\n"
        f"network of {LAYERS} layers in float64, one of which clips components, `eq.diagnose` with translations and\n"
        "rotations. *alone*: the share of a diagnosis that these runs take. *own*: the share that the layers' own\n"
        "statements take in them; the rest is spent on exact values and comparisons, which differ for each\n"
        f"transform. *batch*: how many times as fast `torch.func.vmap` runs the layer under {TRANSFORMS} transforms\n"
        "at once as in turn. *saved*: what is left of a diagnosis to save, at most.\n\n"
        "| nodes | channels | alone | own | batch, times as fast | saved, at most |\n"
        "| ---: | ---: | ---: | ---: | ---: | ---: |\n"
        f"{chr(10).join(rows)}\n\n"
        "Small layers run faster in a batch, but they are not what a diagnosis of them waits for; larger ones\n"
        "run no faster, as a batch does not fit the caches. So layers are run in turn, which asks nothing of them.\n"
    )
    print(text)
    write_section(HEADING, text, PAGE)


if __name__ == "__main__":
    main()
