"""Samples points on grids: densities of atoms and of surfaces."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

_CHUNK = 1024
"""Number of atoms that are summed at once."""


def of_atoms(positions: Tensor, channels: Tensor, count: int, size: int, spacing: float, width: float) -> Tensor:
    """Computes sums of Gaussians, one channel for each kind of atom.

    Args:
        positions: [N, 3], the origin in the middle of the grid.
        channels: [N] integers; atoms with other values than 0 ... count - 1 are left out.
        count: Number of channels.
        size: Voxels along each axis.
        spacing: Spacing of voxels, in the units of the positions.
        width: Sigma of every Gaussian, in the same units.

    Returns:
        [count, size, size, size] float32, 1 at the centre of a lone atom.
    """
    axis = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2) * spacing
    field = torch.zeros(count, size, size, size, dtype=torch.float64)
    for channel in range(count):
        for chunk in positions[channels == channel].double().split(_CHUNK):
            factors = torch.exp(-0.5 * ((chunk[:, :, None] - axis) / width) ** 2)
            planes = (factors[:, 0, :, None] * factors[:, 1, None, :]).flatten(1)
            field[channel] += (planes.T @ factors[:, 2]).view(size, size, size)
    return field.float()


def of_points(positions: np.ndarray, weights: np.ndarray, size: int, width: float) -> Tensor:
    """Distributes points to the eight voxels around each, and filters by a Gaussian.

    Args:
        positions: [N, 3] in voxels, the origin in the middle of the grid; points outside are left out.
        weights: [N].
        size: Voxels along each axis.
        width: Sigma of the filter, in voxels.

    Returns:
        [1, size, size, size] float32; its sum is that of the weights, except at the border.
    """
    places = positions + (size - 1) / 2
    first = np.floor(places).astype(np.int64)
    part = places - first
    field = np.zeros(size**3)
    for corner in np.ndindex(2, 2, 2):
        cell = first + corner
        inside = ((cell >= 0) & (cell < size)).all(axis=1)
        share = np.prod(np.where(corner, part, 1 - part), axis=1) * weights
        flat = np.ravel_multi_index(tuple(cell[inside].T), (size, size, size))
        field += np.bincount(flat, share[inside], size**3)
    filtered = ndimage.gaussian_filter(field.reshape(size, size, size), width, mode="constant")
    return torch.from_numpy(np.asarray(filtered)).float()[None]
