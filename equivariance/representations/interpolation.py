"""Values between the cells of a grid, by B-splines: of degree 5 to transform fields, of degree 1 to judge the grid.

A field that its grid resolves well is nearly the same in both. Their difference is what the grid itself leaves open.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage, sparse

FINE, COARSE = 5, 1
"""Degrees of the splines."""

_BORDER = 12
"""Cells put around a grid before the spline is fitted: its values die off as 0.43^n."""


def interpolated(fields: np.ndarray, positions: np.ndarray, degree: int, periodic: bool) -> np.ndarray:
    """Fields at positions between the cells.

    Args:
        fields: [C, *grid] float64
        positions: [*new grid, d] in cells, the first at 0; beyond the border the field goes on with the value there, or
            around where `periodic`
        degree: Of the spline, odd

    Returns:
        [C, *new grid]
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
    """What each cell contributes to each position, [positions, cells]."""
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
    """The degree + 1 B-splines that are not zero at `part` of the way to the next cell, [n, degree + 1]."""
    values = np.ones((len(part), 1))
    for order in range(1, degree + 1):
        right = np.arange(1, order + 1) - part[:, None]
        left = part[:, None] + np.arange(order - 1, -1, -1)
        share = values / order
        values = np.pad(share * right, ((0, 0), (0, 1))) + np.pad(share * left, ((0, 0), (1, 0)))
    return values
