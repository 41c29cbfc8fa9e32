"""The time that one attention layer cannot go below on this machine, operation by operation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from benchmarks.speed.case import Case
from se3unet.config import SE3UnetConfig
from se3unet.geometry.frames import frame_rows
from se3unet.geometry.radial import SPLINES
from se3unet.geometry.sampling import kept_points

FLOAT = 4
GEMM_SIZE, STREAM_SIZE, REPEATS = 1024, 2**25, 7


@dataclass(frozen=True)
class Machine:
    """Rates measured with as many threads as PyTorch is set to.

    Attributes:
        flops: float32 operations per second of a matrix product of 1,024 x 1,024.
        bytes: bytes per second, read and written, of a copy of 128 MiB.
    """

    flops: float
    bytes: float


def measure() -> Machine:
    """Time a matrix product and a copy."""
    a, b = torch.randn(2, GEMM_SIZE, GEMM_SIZE)
    source, target = torch.randn(2, STREAM_SIZE)
    return Machine(
        flops=2 * GEMM_SIZE**3 / _least(lambda: a @ b),
        bytes=2 * FLOAT * STREAM_SIZE / _least(lambda: target.copy_(source)),
    )


def _least(run: Callable[[], Any]) -> float:
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def forward_floor(case: Case, machine: Machine) -> tuple[float, float]:
    """Seconds of the matrix products, and of reading and writing once what each operation of a forward pass takes.

    Per edge, with F features in, S splines, P rows of frames: gather, turn, spline products, contraction to values and
    keys, turning back, logits and weighted sums.
    """
    edges = case.batch * case.points * case.neighbours
    features = case.channels * (case.degree + 1) ** 2
    rows = [case.channels * (case.degree + 1 - order) for order in range(case.degree + 1)]
    macs = sum(
        (1 if order == 0 else 4) * SPLINES * (count + (order == 0)) * 2 * count for order, count in enumerate(rows)
    )
    frames, both = frame_rows(case.degree), 2 * features
    gathered, turned = 2 * features + 2, 2 * features + frames
    products = (features + 1) * (1 + 2 * SPLINES) + SPLINES
    attended = both + frames + both + features + features
    floats = gathered + turned + products + both + attended
    return 2 * macs * edges / machine.flops, FLOAT * floats * edges / machine.bytes


def network_floor(case: Case, machine: Machine) -> float:
    """Seconds of a forward pass of the U-Net, all that is no layer between hidden fibers left out."""
    config = SE3UnetConfig()
    coarse = replace(case, points=kept_points(case.points, config.pool_ratio))
    # A transformer down, one up and one between them; the first layer has fewer channels.
    layers = ((2 * config.blocks - 1, case), (config.blocks, coarse))
    return sum(count * sum(forward_floor(layer, machine)) for count, layer in layers)
