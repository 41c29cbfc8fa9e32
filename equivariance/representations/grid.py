"""Fields on grids: images and voxels, of scalars, vectors or any irreps."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar

import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import BatchAxis, NodeAxis
from equivariance.representations.base import Part, Representation, labels_of
from equivariance.representations.irreps import Irreps
from equivariance.representations.lattice import Lattice

_PLANAR = re.compile(r"(?:(\d+)x)?(\d+)([eo]?)")


@dataclass(frozen=True, kw_only=True)
class Grid(Representation):
    """A field of irreps over two or three grid axes: f'(x) = D f(R^-1 (x - t)).

    Rotations of the lattice and shifts by whole cells are exact. Others are interpolated, and what the grid itself
    leaves open is measured and not counted as an error. The middle of the grid is the origin, the grid axes are x, y
    (and z).

    Attributes:
        irreps: Of the channels: of O(3) in e3nn's notation where there are three grid axes; of O(2) where there are
            two: "0e" (scalars), "0o" (scalars that mirrors negate), "1", "2", ... (cosine and sine of that frequency),
            "1" being vectors (x, y)
        axes: The axes that list cells
        channels: The axis of the components; None for a field of scalars without one
        spacing: Distance of neighbouring cells in units of the positions: 2.0 behind a stride of 2
        periodic: Whether the grid goes around, as with circular padding: shifts are then circular
        margin: Cells at each border that are not compared where something passes it; None for a quarter of the grid
    """

    irreps: str
    axes: tuple[int, ...] = (-3, -2, -1)
    channels: int | None = 1
    spacing: float = 1.0
    periodic: bool = False
    margin: int | None = None
    nodes: NodeAxis = None
    batch: BatchAxis = 0

    _component_axes: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Normalize the notation, check the settings."""
        if len(self.axes) not in (2, 3) or len(set(self.axes)) != len(self.axes):
            raise ArgumentError("axes", self.axes, "two or three axes")
        if not (isinstance(self.spacing, (int, float)) and math.isfinite(self.spacing) and self.spacing > 0):
            raise ArgumentError("spacing", self.spacing, "a positive length")
        if self.margin is not None and self.margin < 0:
            raise ArgumentError("margin", self.margin, "a number of cells, 0 or more")
        irreps = Irreps(self.irreps).irreps if len(self.axes) == 3 else _planar_text(self.irreps)
        object.__setattr__(self, "irreps", irreps)

    @cached_property
    def lattice(self) -> Lattice:
        """Where the cells lie."""
        return Lattice(self.axes, self.spacing, self.periodic)

    @property
    def dim(self) -> int:
        """Number of channels."""
        return sum(self._sizes)

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """The axes must be there, the channels as many as the irreps have components."""
        super().check(tensor, path)
        least = max([-a if a < 0 else a + 1 for a in (*self.axes, self.channels or 0)])
        shape = tuple(tensor.shape)
        if tensor.dim() < max(least, len(self.axes)):
            raise ContractError(path, f"tensor of shape {shape}", f"grid axes {self.axes} and channels {self.channels}")
        if len({*self.lattice.places(tensor), *self._component_axis(tensor)}) < len(self.axes) + (
            self.channels is not None
        ):
            raise ContractError(path, f"tensor of shape {shape}", f"channels beside the grid axes {self.axes}")
        found = 1 if self.channels is None else tensor.shape[self.channels]
        if found != self.dim:
            raise ContractError(
                path, f"tensor of shape {shape}", f"{self.dim} channels on axis {self.channels}, for {self.irreps}"
            )

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Cells are moved, components turned."""
        moved = self.lattice.moved(values, element)
        axis = self._component_axis(values)
        return self._turned(moved.movedim(axis[0], -1), element).movedim(-1, axis[0]) if axis else moved

    def unresolved(self, values: torch.Tensor, element: Transform) -> torch.Tensor | None:
        """What the grid leaves open of the moved field; None for exact elements."""
        if self.lattice.is_exact(element):
            return None
        left, axis = self.lattice.unresolved(values.to(torch.float64), element), self._component_axis(values)
        return self._turned(left.movedim(axis[0], -1), element).movedim(-1, axis[0]) if axis else left

    def compared(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Zero outside the cells that an element brings from within the grid."""
        if self.lattice.crosses_no_border(element):
            return values
        lengths = [values.shape[a] for a in self.axes]
        margin = min(lengths) // 4 if self.margin is None else self.margin
        inside = self.lattice.inner(values.shape, element, margin).to(values.device)
        shape = [1] * values.dim()
        for place, length in zip(self.lattice.places(values), lengths, strict=True):
            shape[place] = length
        order = sorted(range(len(lengths)), key=lambda i: self.lattice.places(values)[i])
        return values * inside.permute(order).reshape(shape).to(values.dtype)

    def parts(self, values: torch.Tensor) -> Iterator[Part]:
        """One part per block of irreps."""
        axis = self._component_axis(values)
        if not axis:
            yield Part("", values)
            return
        names = [name for name, _ in self._blocks]
        labels = labels_of(zip(names, self._sizes, strict=True))
        for label, block in zip(labels, values.split(self._sizes, dim=axis[0]), strict=True):
            yield Part(label, block)

    def _component_axis(self, values: torch.Tensor) -> list[int]:
        return [] if self.channels is None else [self.channels % values.dim()]

    @property
    def _blocks(self) -> list[tuple[str, tuple[int, int, int]]]:
        """Name and (multiplicity, degree or frequency, parity) of each block."""
        if len(self.axes) == 2:
            return [(_name(b), b) for b in _planar(self.irreps)]
        return [(f"{m}x{d}{'e' if p > 0 else 'o'}", (m, d, p)) for m, d, p in Irreps(self.irreps).blocks]

    @property
    def _sizes(self) -> list[int]:
        if len(self.axes) == 2:
            return [mul * (2 if m else 1) for _, (mul, m, _) in self._blocks]
        return [mul * (2 * degree + 1) for _, (mul, degree, _) in self._blocks]

    def _turned(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Components on the last axis."""
        if len(self.axes) == 3:
            return Irreps(self.irreps).act(values, element)
        pieces = []
        for (_, (mul, frequency, parity)), block in zip(self._blocks, values.split(self._sizes, dim=-1), strict=True):
            matrix = _planar_matrix(frequency, parity, element).to(values.device)
            shaped = block.reshape(*block.shape[:-1], mul, len(matrix))
            pieces.append((shaped @ matrix.T).reshape(block.shape))
        return torch.cat(pieces, dim=-1) if pieces else values


def _name(block: tuple[int, int, int]) -> str:
    mul, frequency, parity = block
    return f"{mul}x{frequency}" + ("" if frequency else "e" if parity > 0 else "o")


@lru_cache(maxsize=256)
def _planar(irreps: str) -> tuple[tuple[int, int, int], ...]:
    """(multiplicity, frequency, parity) of irreps of O(2); parity is 1 but for "0o"."""
    found = [_PLANAR.fullmatch(piece.strip()) for piece in irreps.split("+")] if irreps.strip() else []
    if any(m is None or (m[3] != "" and m[2] != "0") for m in found):
        expected = "irreps of O(2) such as '3x0e+2x1': frequencies, a parity for frequency 0 only"
        raise ArgumentError("irreps", irreps, expected)
    return tuple((int(m[1] or 1), int(m[2]), -1 if m[3] == "o" else 1) for m in found if m)


def _planar_text(irreps: str) -> str:
    return "+".join(_name(block) for block in _planar(str(irreps)))


def _planar_matrix(frequency: int, parity: int, element: Transform) -> torch.Tensor:
    """[1, 1] or [2, 2] float64: the turn by frequency times the angle, after the mirror x -> -x where there is one."""
    matrix = element.array[:2, :2]
    mirrors = float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]) < 0
    if frequency == 0:
        return torch.tensor([[float(parity) if mirrors else 1.0]], dtype=torch.float64)
    # The first column is R e_x, or -R e_x behind the mirror; powers of the complex number are exact for quarter turns.
    turn = complex(*(matrix[:, 0] * (-1 if mirrors else 1)).tolist()) ** frequency
    mirror = (-1.0) ** frequency if mirrors else 1.0
    across = -mirror if mirrors else 1.0
    return torch.tensor(
        [[turn.real * mirror, -turn.imag * across], [turn.imag * mirror, turn.real * across]], dtype=torch.float64
    )
