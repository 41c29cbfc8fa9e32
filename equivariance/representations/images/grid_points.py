"""Coordinates of points that belong to a grid: in cells, in pixels, or in normalized device coordinates.

Used in contracts, for keypoints of an image or a volume. `grid` moves the picture itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import BatchAxis, NodeAxis
from equivariance.representations.base import Representation
from equivariance.representations.planes import motion_in

_Numbers = float | tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class GridPoints(Representation):
    """Coordinates on the last axis that move with the cells of a grid: u = origin + spacing * x, for a position x.

    The positions x are those of `Grid`: along the grid axes, from the middle of the grid, in units of the positions.
    The pixel (row, column) of an image with n rows and columns has `origin=(n - 1) / 2`. Normalized device coordinates
    (right, up) in [-1, 1] have `axes=(1, 0)`, `spacing=2 / n` and `flipped=(False, True)`.

    Attributes:
        spacing: Change of a coordinate for each unit of the positions; one number, or one for each coordinate.
        origin: Coordinates of the middle of the grid; one number, or one for each coordinate.
        flipped: True for each coordinate that falls along its grid axis, as "up" does along the rows; one or one each.
        axes: The grid axis along which each coordinate runs: (0, 1) for (row, column), (1, 0) for (column, row).
        periodic: Period of a torus, in the units of the coordinates; one number, or one for each coordinate. Points
            that differ by a period are equal. None if the grid does not wrap around.

    Raises:
        ArgumentError: If a number is not finite, a spacing or a period not positive, or the axes are not 0, 1 (and 2).

    >>> from equivariance.groups import translation
    >>> GridPoints(origin=15.5).transform(torch.tensor([[10.0, 20.0]]), translation([3, -1, 0])).tolist()
    [[13.0, 19.0]]
    """

    spacing: _Numbers = 1.0
    origin: _Numbers = 0.0
    flipped: bool | tuple[bool, ...] = False
    axes: tuple[int, ...] = (0, 1)
    periodic: _Numbers | None = None
    nodes: NodeAxis = None
    batch: BatchAxis = 0

    _component_axes: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Checks the fields."""
        if sorted(self.axes) not in ([0, 1], [0, 1, 2]):
            raise ArgumentError("axes", self.axes, "0, 1 (and 2), each once")
        for name, positive in (("spacing", True), ("origin", False), ("periodic", True)):
            given = getattr(self, name)
            if given is not None and not self._are_numbers(given, positive):
                expected = f"a {'positive ' if positive else ''}finite number, or {len(self.axes)} of them"
                raise ArgumentError(name, given, expected)
        if not isinstance(self.flipped, bool) and len(self.flipped) != len(self.axes):
            raise ArgumentError("flipped", self.flipped, f"True or False, or {len(self.axes)} of them")

    def _are_numbers(self, given: _Numbers, positive: bool) -> bool:
        numbers = given if isinstance(given, tuple) else (given,) * len(self.axes)
        fits = all(isinstance(n, (int, float)) and math.isfinite(n) and (n > 0 or not positive) for n in numbers)
        return fits and len(numbers) == len(self.axes)

    def _each(self, given: _Numbers | bool | tuple[bool, ...], like: torch.Tensor) -> torch.Tensor:
        """Returns one number for each coordinate."""
        numbers: Sequence[float] = given if isinstance(given, tuple) else (given,) * len(self.axes)
        return torch.tensor(numbers, dtype=torch.float64, device=like.device)

    def _steps(self, like: torch.Tensor) -> torch.Tensor:
        """Returns the signed change of each coordinate for each unit of the positions."""
        return self._each(self.spacing, like) * (1 - 2 * self._each(self.flipped, like))

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that the last axis has one entry for each coordinate and that the dtype is floating-point."""
        super().check(tensor, path)
        if not tensor.dim() or tensor.shape[-1] != len(self.axes):
            expected = f"a last axis of {len(self.axes)}, for GridPoints"
            raise ContractError(path, f"tensor of shape {tuple(tensor.shape)}", expected)
        if not tensor.is_floating_point():
            raise ContractError(path, f"tensor of dtype {tensor.dtype}", "floating-point numbers, for GridPoints")

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Moves the positions of the points and returns their coordinates."""
        steps, origin = self._steps(values), self._each(self.origin, values)
        matrix, vector = motion_in(element, len(self.axes))
        matrix, order = matrix * element.scale, list(self.axes)
        turn = torch.tensor(matrix[order][:, order], dtype=torch.float64, device=values.device)
        shift = torch.tensor(vector[order], dtype=torch.float64, device=values.device)
        return origin + ((values - origin) / steps @ turn.T + shift) * steps

    def without_translation(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns the coordinates from the middle of the grid, without the translation of an element."""
        shift = torch.tensor(element.vector, dtype=torch.float64, device=values.device)[list(self.axes)]
        return values - self._each(self.origin, values) - shift * self._steps(values)

    def nearest(self, values: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
        """Returns the coordinates, moved by whole periods next to `expected`."""
        if self.periodic is None:
            return values
        period = self._each(self.periodic, values)
        return values - period * ((values - expected) / period).round()
