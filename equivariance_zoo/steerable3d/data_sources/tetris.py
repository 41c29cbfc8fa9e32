"""Renders the eight Tetris shapes on a grid in any rotation."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

SHAPES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "chiral 1": ((0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 1, 0)),
    "chiral 2": ((0, 0, 0), (0, 0, 1), (1, 0, 0), (1, -1, 0)),
    "square": ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)),
    "line": ((0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 0, 3)),
    "corner": ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)),
    "L": ((0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 0)),
    "T": ((0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 1)),
    "zigzag": ((0, 0, 0), (1, 0, 0), (1, 1, 0), (2, 1, 0)),
}
"""Corners of the four unit blocks of each shape (Weiler et al. 2018, figure 2); the first two are mirror images."""


def blocks() -> Tensor:
    """Returns centres of the blocks of every shape about its centroid, [8, 4, 3] float64, in blocks."""
    corners = torch.tensor(list(SHAPES.values()), dtype=torch.float64)
    return corners - corners.mean(1, keepdim=True)


def render(
    centres: Tensor, rotation: Rotation, size: int, block: float = 3.0, blur: float = 1.0, shift: Tensor | None = None
) -> Tensor:
    """Renders a shape, antialiased exactly: cubes filtered by an isotropic Gaussian, which commutes with rotations.

    In the frame of the cube the filtered cube is a product of differences of error functions.

    Args:
        centres: [4, 3] in blocks, about the middle of the grid.
        rotation: Applied to the shape.
        size: Voxels along each axis.
        block: Side of a block, in voxels.
        blur: Sigma of the Gaussian, in voxels.
        shift: [3] in voxels, added after the rotation.

    Returns:
        [1, size, size, size] float32, between 0 and 1.
    """
    axis = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    positions = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    if shift is not None:
        positions = positions - shift
    own = positions @ torch.from_numpy(rotation.as_matrix())  # x R, which is R^-1 x
    offsets = own[..., None, :] - block * centres
    scale = 1 / (math.sqrt(2) * blur)
    slabs = 0.5 * (torch.erf((offsets + block / 2) * scale) - torch.erf((offsets - block / 2) * scale))
    return slabs.prod(-1).sum(-1)[None].float()


def render_fixed(size: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Renders every shape `count` times without rotation, at random places less than a voxel from the middle.

    Returns:
        Fields [8 count, 1, size, size, size] and labels [8 count].
    """
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(len(SHAPES)).repeat(count)
    shifts = 2 * torch.rand(len(labels), 3, generator=generator, dtype=torch.float64) - 1
    made = [
        render(blocks()[k], Rotation.identity(), size, shift=s) for k, s in zip(labels.tolist(), shifts, strict=True)
    ]
    return torch.stack(made), labels


def render_rotated(size: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Renders all shapes in `count` Haar-uniform rotations: fields [8 count, 1, size, size, size], labels [8 count]."""
    rotations = Rotation.random(count * len(SHAPES), rng=np.random.default_rng(seed))
    labels = torch.arange(len(SHAPES)).repeat(count)
    return torch.stack([render(blocks()[k], r, size) for k, r in zip(labels.tolist(), rotations, strict=True)]), labels
