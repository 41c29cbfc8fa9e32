"""Transforms fields on a grid under rotations and translations.

The transform is exact if it maps cells to cells; otherwise it interpolates. Cell i of an axis of n cells is at (i - (n
- 1) / 2) spacing, so the origin is the middle of the grid. The grid axes are x, y (and z) in this order.

Called by `Grid` and by the engine. The module does not transform components; `Grid` does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from equivariance.errors import ForeignElementError
from equivariance.groups.elements import Transform
from equivariance.representations.interpolation import COARSE, FINE, interpolate
from equivariance.representations.planes import motion_in

_NEAR = 1e-9
"""Tolerance in cells: a shift this close to a whole number of cells counts as whole."""


@dataclass(frozen=True)
class Lattice:
    """Positions of the cells of a tensor.

    Attributes:
        axes: The two or three axes that list cells, along x, y (and z).
        spacing: Distance of neighbouring cells, in units of the positions.
        periodic: True if the grid wraps around.
    """

    axes: tuple[int, ...]
    spacing: float = 1.0
    periodic: bool = False

    def is_exact(self, element: Transform) -> bool:
        """True if the element maps cells to cells."""
        matrix, shift = self._motion(element)
        return bool((np.abs(matrix) > 1 - _NEAR).any(axis=1).all() and np.abs(shift - np.rint(shift)).max() < _NEAR)

    def crosses_no_border(self, element: Transform) -> bool:
        """True if every cell of the moved field comes from a cell of the grid."""
        return self.is_exact(element) and (self.periodic or not np.rint(self._motion(element)[1]).any())

    def moved(self, values: torch.Tensor, element: Transform, degree: int = FINE) -> torch.Tensor:
        """Returns the moved field f(R^-1 (x - t)).

        Args:
            values: The field.
            element: The element.
            degree: Degree of the interpolating spline.

        Returns:
            The moved field; float64 if interpolate, else the dtype of `values`. If an exact rotation exchanges axes,
            it exchanges their lengths too.

        Raises:
            ForeignElementError: If the element leaves the plane of a grid of two axes.
        """
        matrix, shift = self._motion(element)
        if not self.is_exact(element):
            return self._resample(values, matrix, shift, degree)
        source = np.abs(matrix).argmax(axis=1)
        signs = matrix[np.arange(len(source)), source]
        places, order = self.places(values), list(range(values.dim()))
        for place, axis in zip(places, source, strict=True):
            order[place] = places[axis]
        turned = values.permute(order).flip([p for p, s in zip(places, signs, strict=True) if s < 0])
        for place, cells in zip(places, np.rint(shift).astype(int).tolist(), strict=True):
            turned = turned.roll(cells, place) if self.periodic else _slide(turned, cells, place)
        return turned

    def inner(self, shape: Sequence[int], element: Transform, margin: int) -> torch.Tensor:
        """Returns a mask of the cells that an element moves within the grid, away from its borders.

        Args:
            shape: Shape of the moved tensor.
            element: The element.
            margin: Least distance of a cell and its source from any border, in cells.

        Returns:
            [*grid] booleans.
        """
        matrix, shift = self._motion(element)
        lengths = [shape[a % len(shape)] for a in self.axes]
        here = _cells(lengths)
        inside = np.ones(tuple(lengths), dtype=bool)
        for positions in (here, (here - shift) @ matrix):
            bounds = (np.array(lengths) - 1) / 2 - margin + _NEAR
            inside &= (np.abs(positions) <= bounds).all(axis=-1)
        return torch.from_numpy(inside)

    def unresolved(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns the interpolation uncertainty: the field moved with coarse splines minus the field moved with fine
        ones.
        """
        return self.moved(values, element, COARSE) - self.moved(values, element)

    def places(self, values: torch.Tensor) -> list[int]:
        """Returns the grid axes as numbers from 0."""
        return [axis % values.dim() for axis in self.axes]

    def _motion(self, element: Transform) -> tuple[np.ndarray, np.ndarray]:
        """Returns the matrix [d, d] and the shift [d] of an element, in cells."""
        if element.scale != 1:
            raise ForeignElementError("element", element, "one that keeps the size of the cells: fields are not scaled")
        matrix, vector = motion_in(element, len(self.axes))
        return matrix, vector / self.spacing

    def _resample(self, values: torch.Tensor, matrix: np.ndarray, shift: np.ndarray, degree: int) -> torch.Tensor:
        """Interpolates the moved field, float64."""
        places = self.places(values)
        others = [a for a in range(values.dim()) if a not in places]
        arranged = values.detach().cpu().double().permute([*others, *places])
        lengths = arranged.shape[len(others) :]
        positions = (_cells(lengths) - shift) @ matrix + (np.array(lengths) - 1) / 2
        flat = arranged.reshape(-1, *lengths).numpy()
        made = torch.from_numpy(interpolate(flat, np.ascontiguousarray(positions), degree, self.periodic))
        order = np.argsort([*others, *places]).tolist()
        return made.reshape(arranged.shape).permute(order).to(values.device)


def _cells(lengths: Sequence[int]) -> np.ndarray:
    """Returns the positions of the cells, [*lengths, d], in cells from the middle."""
    return np.stack(np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in lengths], indexing="ij"), axis=-1)


def _slide(values: torch.Tensor, cells: int, axis: int) -> torch.Tensor:
    """Shifts values by whole cells along an axis; new cells are zero."""
    length = values.shape[axis]
    count = min(abs(cells), length)
    zeros = torch.zeros_like(values.narrow(axis, 0, count))
    kept = values.narrow(axis, 0 if cells > 0 else count, length - count)
    return torch.cat([zeros, kept] if cells > 0 else [kept, zeros], dim=axis)


def coarsest(steps: Sequence[float]) -> float:
    """Returns the least common multiple of several spacings.

    If they have no common multiple up to 1000 times the largest one, the largest one is returned.
    """
    largest = max(steps)
    multiples = (largest * n for n in range(1, 1001))
    return next((m for m in multiples if all(math.isclose(m / s, round(m / s)) for s in steps)), largest)
