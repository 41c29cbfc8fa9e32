"""Interpolates fields between the cells of a grid by B-splines of degree 5 or 1.

Degree 5 transforms fields. Its difference from degree 1 estimates the uncertainty: it is small if the grid resolves the
field.

Called by `representations.lattice` for elements that do not map cells to cells. The module knows no group elements.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage, sparse

FINE, COARSE = 5, 1
"""Degrees of the splines."""

_BORDER = 12
"""Number of cells added at each border before the spline is fitted; the effect of a border decays as 0.43^n."""


def interpolate(fields: np.ndarray, positions: np.ndarray, degree: int, periodic: bool) -> np.ndarray:
    """Interpolates fields at given positions.

    Args:
        fields: [C, *grid] float64.
        positions: [*new grid, d] in cells; the first cell is at 0.
        degree: Odd degree of the spline.
        periodic: True continues the field periodically. False continues it with its value at the border.

    Returns:
        [C, *new grid] float64.
    """
    grid = fields.shape[1:]
    around = [(0, 0), *[(_BORDER, _BORDER)] * len(grid)]
    padded = fields if periodic else np.pad(fields, around, mode="edge")
    if degree > 1:
        for axis in range(1, padded.ndim):
            padded = ndimage.spline_filter1d(padded, degree, axis, mode="grid-wrap" if periodic else "mirror")
    weights = _weights(positions.shape, positions.tobytes(), grid, degree, periodic)
    made = weights @ padded.reshape(len(fields), -1).T
    return np.ascontiguousarray(made.T).reshape(len(fields), *positions.shape[:-1])


@lru_cache(maxsize=16)
def _weights(
    shape: tuple[int, ...], data: bytes, grid: tuple[int, ...], degree: int, periodic: bool
) -> sparse.csr_array:
    """Returns the weight of each cell at each position, [positions, cells]."""
    positions = np.frombuffer(data).reshape(-1, shape[-1])
    border = 0 if periodic else _BORDER
    lengths = [n + 2 * border for n in grid]
    columns = np.zeros((len(positions), 1), dtype=np.int64)
    values = np.ones((len(positions), 1))
    for axis, length in enumerate(lengths):
        place = positions[:, axis]
        place = place % length if periodic else np.clip(place, 0, grid[axis] - 1) + border
        first = np.floor(place).astype(np.int64)
        taps = first[:, None] + np.arange(degree + 1) - degree // 2
        taps = taps % length if periodic else taps
        columns = (columns[:, :, None] * length + taps[:, None, :]).reshape(len(positions), -1)
        values = (values[:, :, None] * _splines(place - first, degree)[:, None, :]).reshape(len(positions), -1)
    starts = np.arange(0, values.size + 1, values.shape[1])
    return sparse.csr_array((values.ravel(), columns.ravel(), starts), shape=(len(positions), int(np.prod(lengths))))


def _splines(part: np.ndarray, degree: int) -> np.ndarray:
    """Returns the degree + 1 nonzero B-splines at the fraction `part` of the way to the next cell, [n, degree + 1]."""
    values = np.ones((len(part), 1))
    for order in range(1, degree + 1):
        right = np.arange(1, order + 1) - part[:, None]
        left = part[:, None] + np.arange(order - 1, -1, -1)
        share = values / order
        values = np.pad(share * right, ((0, 0), (0, 1))) + np.pad(share * left, ((0, 0), (1, 0)))
    return values
