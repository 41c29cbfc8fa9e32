"""Steerable networks against ordinary CNNs of the same channels: `python -m benchmarks.voxel_speed`.

Writes its section of docs/results/steerable3d.md. escnn's R3Conv takes part where escnn is installed.
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from e3nn import o3
from torch import Tensor, nn

from benchmarks.made import made_with
from benchmarks.sections import PAGE, write_section
from equivariance_zoo.steerable3d import NETWORKS, Gated, NetworkConfig, Stage, SteerableClassifier, SteerableConv3d
from equivariance_zoo.steerable3d.dense import DenseClassifier, dense_layer
from equivariance_zoo.steerable3d.model import SteerableLayer

CASES = {"tetris": (20, 8), "shrec17": (64, 1)}
"""Network -> voxels of a side, samples of a step."""

IRREPS, TAPS, SIZE, BATCH = "4x0e + 4x1e + 2x2e", 5, 20, 8
"""Of the single layers."""


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


def seconds(runs: list[Callable[[], None]], repeats: int) -> list[float]:
    """Medians, in turns, so that what disturbs the machine disturbs all; the first of each does not count."""
    times: list[list[float]] = [[] for _ in runs]
    for index in range(repeats + 1):
        for run, found in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if index:
                found.append(time.perf_counter() - start)
    return [statistics.median(found) for found in times]


class OnTensors(nn.Module):
    """escnn's convolution between fields of irreps of SO(3), on tensors."""

    def __init__(self, irreps_in: o3.Irreps, irreps_out: o3.Irreps) -> None:
        super().__init__()
        from escnn import gspaces
        from escnn import nn as escnn

        space = gspaces.rot3dOnR3(maximum_frequency=4)
        self.given, made = (
            escnn.FieldType(space, [space.irrep(block.ir.l) for block in irreps for _ in range(block.mul)])
            for irreps in (irreps_in, irreps_out)
        )
        self.wrap = escnn.GeometricTensor
        self.conv = escnn.R3Conv(self.given, made, TAPS, padding=TAPS // 2, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        return self.conv(self.wrap(fields, self.given)).tensor


def cases(device: str) -> Iterator[tuple[str, list[nn.Module], Tensor]]:
    """Yields the measured layers: ours, the ordinary one and, if there is one, escnn's."""
    irreps, gated = o3.Irreps(IRREPS), Gated(IRREPS).irreps_in
    fields = torch.rand(BATCH, irreps.dim, SIZE, SIZE, SIZE, device=device)
    convolutions = [SteerableConv3d(irreps, gated, TAPS), nn.Conv3d(irreps.dim, gated.dim, TAPS, 1, TAPS // 2)]
    if importlib.util.find_spec("escnn"):
        convolutions.append(OnTensors(irreps, gated))
    yield f"convolution {irreps.dim} to {gated.dim}, {BATCH} x {SIZE}^3", convolutions, fields
    layer = SteerableLayer(IRREPS, IRREPS, TAPS, 1, NetworkConfig(1, (Stage(IRREPS),)))
    yield (
        f"layer {irreps.dim} to {irreps.dim}, {BATCH} x {SIZE}^3",
        [layer, dense_layer(irreps.dim, irreps.dim, TAPS, 1)],
        fields,
    )
    for name, (size, batch) in CASES.items():
        models = [kind(NETWORKS[name]()) for kind in (SteerableClassifier, DenseClassifier)]
        yield f"{name}, {batch} x {size}^3", models, torch.rand(batch, 1, size, size, size, device=device)


def rows(device: str, repeats: int, only: str) -> Iterator[str]:
    """Lines of the table."""
    for name, models, fields in cases(device):
        if only not in name:
            continue
        for what, make in (("forward", forward), ("training step", step)):
            ours, dense, *other = seconds([make(m.to(device), fields) for m in models], repeats)
            escnn = f"{other[0]:.3f} s" if other else "-"
            yield f"| {name} | {what} | {ours:.3f} s | {dense:.3f} s | {ours / dense:.2f} | {escnn} |"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="cases that have this in their names; writes no page")
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    found = []
    for row in rows(device, options.repeats, options.only):
        print(row, flush=True)
        found.append(row)
    if not options.only:
        write_section("Speed", text(found, options.repeats, device), options.output)


def text(found: list[str], repeats: int, device: str) -> str:
    """The section."""
    names = ("torch", "e3nn", *(["escnn"] if importlib.util.find_spec("escnn") else []))
    where = made_with(
        names, torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    )
    head = "| what | | steerable3d | ordinary | ratio | escnn's R3Conv |\n|---|---|---|---|---|---|\n"
    return (
        f"Made by `python -m benchmarks.voxel_speed --repeats {repeats}` with {where}, "
        f"float32, alone on the machine; medians of {repeats} runs in turns. A training step is forward and backward, "
        "the expansion of the kernels and its gradient included; in the forward pass expanded kernels are kept. The "
        "ordinary networks have the same layers and channels (without the gates), batch normalization and ReLU, and "
        "plain strides with kernels of 5 taps; ours have 3 taps and a low-pass filter there, together 4.\n\n"
        + head
        + "\n".join(found)
    )


if __name__ == "__main__":
    main()
