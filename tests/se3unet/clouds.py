"""Clouds that neighbour searches, samplings and layers meet, and what they are moved by."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tests.se3unet.so3_oracle import haar_rotations, matrix

# On a dyadic grid, so that adding it to a cloud on such a grid is exact.
FAR = torch.tensor([512.0, -256.0, 640.0], dtype=torch.float64)


def random_cloud(points: int = 60, seed: int = 0) -> Tensor:
    """[N, 3] float64, normal, on a grid of 2^-20."""
    cloud = np.random.default_rng(seed).normal(size=(points, 3))
    return torch.from_numpy(np.round(cloud * 2**20) / 2**20)


def lattice() -> Tensor:
    """[48, 3]: a 4 x 4 x 4 lattice with a quarter of its points taken out, so that no symmetry is left."""
    axis = torch.arange(4, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis, axis)
    kept = np.sort(np.random.default_rng(5).permutation(64)[:48])
    return points[torch.from_numpy(kept)]


def duplicated() -> Tensor:
    """[60, 3]: twelve points, each five times."""
    return random_cloud(12).repeat(5, 1)


def collinear() -> Tensor:
    """[60, 3] on the x axis."""
    return random_cloud() * torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)


def coplanar() -> Tensor:
    """[60, 3] with y = 0."""
    return random_cloud() * torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)


CLOUDS = {
    "random": random_cloud,
    "lattice": lattice,
    "duplicated": duplicated,
    "collinear": collinear,
    "coplanar": coplanar,
}


def motions() -> list[tuple[Tensor, Tensor]]:
    """Rotations [3, 3] and translations [3]: far translations alone, Haar rotations and those of the cube."""
    identity, still = torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    return [(identity, FAR), *((matrix(rotation), still) for rotation in haar_rotations(2))]
