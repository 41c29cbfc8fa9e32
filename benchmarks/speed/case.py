"""The measured networks and layers with their inputs, each by name, built in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from equivariance_zoo import faces

POINTS, NEIGHBOURS, LANDMARKS, FACES = 1024, 40, 68, 4


@dataclass(frozen=True)
class Case:
    """One measurement.

    Attributes:
        subject: what runs, a key of `subjects.SUBJECTS`.
        points, batch, neighbours, channels, degree: its size.
        precision: 'float32', 'float64' or 'bfloat16' (autocast).
        compiled: through torch.compile.
        keeps: after `equivariance_zoo.training.memory.keep_freed_memory`.
    """

    subject: str
    points: int = POINTS
    batch: int = 1
    neighbours: int = NEIGHBOURS
    channels: int = 5
    degree: int = 2
    precision: str = "float32"
    compiled: bool = False
    keeps: bool = False


@dataclass(frozen=True)
class Runnable:
    """A case that has been built: the forward pass, the parameters, and what to optimize."""

    forward: Callable[[], Any]
    loss: Callable[[Any], Tensor]
    parameters: list[nn.Parameter] = field(default_factory=list)


def cloud(points: int, batch: int) -> Tensor:
    """[batch, points, 3] float32: faces of 1,024 points; at other sizes a bumpy sheet, as dense as these."""
    if points == POINTS:
        sample = faces.sample(min(batch, FACES)).positions
        return sample.repeat(-(-batch // len(sample)), 1, 1)[:batch]
    generator = torch.Generator().manual_seed(points)
    flat = torch.rand(batch, points, 2, generator=generator) * 2 * (points / POINTS) ** 0.5
    height = 0.3 * torch.sin(3 * flat[..., :1]) * torch.cos(2 * flat[..., 1:])
    return torch.cat([flat, height], -1)
