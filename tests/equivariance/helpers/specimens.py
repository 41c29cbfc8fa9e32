"""Specimens for the tests of the tester: seeded inputs, and layers that are sound or broken in a known way."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normal numbers, the same for the same seed, whatever the state of the global generator."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


class Scale(nn.Module):
    """Sound: channels of vectors [..., C, 3], mixed by a matrix without bias."""

    irreps_in = irreps_out = "1x1o"

    def __init__(self, channels: int = 4, seed: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(normal(channels, channels, seed=seed) / channels**0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.weight.to(x) @ x


class Mix(Scale):
    """Broken under rotation: a matrix near the identity acts on the components x, y, z of each vector."""

    def __init__(self, size: float = 0.1, seed: int = 0) -> None:
        super().__init__(3, seed)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return x + self.size * x @ self.weight.to(x)


class Applied(nn.Module):
    """A function of vectors as a layer."""

    irreps_in = irreps_out = "1x1o"

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Stack(nn.Module):
    """Layers one after the other, as ``layers.0``, ``layers.1``, ..."""

    irreps_in = irreps_out = "1x1o"

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


def relative(positions: Tensor) -> Tensor:
    """Sound: positions [..., N, 3] relative to the centroid."""
    return positions - positions.mean(-2, keepdim=True)
