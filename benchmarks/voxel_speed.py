"""Steerable networks against ordinary CNNs of the same channels: `python -m benchmarks.voxel_speed`.

Writes its section of docs/results/steerable3d.md.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.made import made_with
from benchmarks.sections import PAGE, write_section
from steerable3d import NETWORKS, SteerableClassifier
from steerable3d.dense import DenseClassifier

CASES = {"tetris": (20, 8), "shrec17": (64, 1)}
"""Network -> voxels of a side, samples of a step."""


def forward(model: nn.Module, fields: Tensor) -> Callable[[], None]:
    """Evaluation mode, without gradients: the expanded kernels are kept."""

    def run() -> None:
        model.eval()
        with torch.no_grad():
            model(fields)

    return run


def step(model: nn.Module, fields: Tensor) -> Callable[[], None]:
    """Forward and backward in training mode."""

    def run() -> None:
        model.train()
        model.zero_grad()
        model(fields).square().sum().backward()

    return run


def medians(one: Callable[[], None], other: Callable[[], None], repeats: int) -> tuple[float, float]:
    """Seconds, in turns, so that what disturbs the machine disturbs both; the first of each does not count."""
    times: tuple[list[float], list[float]] = ([], [])
    for index in range(repeats + 1):
        for run, found in zip((one, other), times, strict=True):
            start = time.perf_counter()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if index:
                found.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=CASES, help="one network")
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = []
    for name in [options.only] if options.only else CASES:
        size, batch = CASES[name]
        torch.manual_seed(0)
        models = [kind(NETWORKS[name]()).to(device) for kind in (SteerableClassifier, DenseClassifier)]
        fields = torch.rand(batch, 1, size, size, size, device=device)
        for what, make in (("forward", forward), ("training step", step)):
            ours, dense = medians(*(make(m, fields) for m in models), options.repeats)
            rows.append(f"| {name}, {batch} x {size}^3 | {what} | {ours:.3f} s | {dense:.3f} s | {ours / dense:.2f} |")
            print(rows[-1], flush=True)
    used = torch.cuda.get_device_name() if device == "cuda" else f"{torch.get_num_threads()} CPU threads"
    where = made_with(("torch", "e3nn"), used)
    head = "| network | what | steerable | ordinary | ratio |\n|---|---|---|---|---|\n"
    write_section(
        "Speed",
        f"Made by `python -m benchmarks.voxel_speed` with {where}, "
        f"float32; medians of {options.repeats} runs in turns. The ordinary CNN has the same layers, kernels and "
        "channels (not the gates) and plain strides.\n\n" + head + "\n".join(rows),
        options.output,
    )


if __name__ == "__main__":
    main()
