"""Fields on grids: images and voxels of scalars, vectors or other irreps.

Used in contracts. `Grid` transforms the components; `representations.lattice` moves the cells. The module draws no
elements; `groups.lattice` does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar

import torch

from equivariance.errors import ArgumentError, ContractError, ForeignElementError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import BatchAxis, NodeAxis
from equivariance.representations.base import Part, Representation
from equivariance.representations.irreps import Irreps
from equivariance.representations.labels import labels_of
from equivariance.representations.lattice import Lattice

_PLANAR = re.compile(r"(?:(\d+)x)?(\d+)([eo]?)")


@dataclass(frozen=True, kw_only=True)
class Grid(Representation):
    """A field of irreps over two or three grid axes: f'(x) = D f(R^-1 (x - t)).

    The grid axes are x, y (and z), and the origin is the middle of the grid. Rotations of the lattice and shifts by
    whole cells are exact. Other elements are interpolated. The interpolation uncertainty is measured and is not an
    equivariance error.

    Attributes:
        irreps: Irreps of the channels. On three grid axes: of O(3), in e3nn's notation. On two grid axes: of O(2),
            namely "0e" (scalars), "0o" (scalars that mirrors negate), "1" (vectors x, y), "2", ... (cosine and sine of
            this frequency).
        axes: The axes that list cells.
        channels: The axis of the components, or None for a scalar field without this axis.
        spacing: Distance of neighbouring cells, in units of the positions; for example 2.0 after a stride of 2.
        periodic: True if the grid wraps around, as with circular padding. Shifts are then circular.
        margin: Width of the border, in cells, that is not compared if an element moves values across it. None means a
            quarter of the grid.
        kind: "field", or "labels" for indices of cells (whole numbers, or as floats), which are never interpolated:
            only elements that map cells to cells move them.

    Raises:
        ArgumentError: If the axes, the spacing, the margin or the irreps are not valid.

    Invariants:
        - `irreps` is normalized, so that equal notations compare equal.
        - `axes` has two or three distinct entries.
        - Exact elements move the entries without arithmetic on positions.

    >>> from equivariance.groups import rotation
    >>> picture = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> quarter_turn = rotation([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    >>> Grid(irreps="0e", axes=(-2, -1)).transform(picture, quarter_turn).tolist()
    [[[[2.0, 4.0], [1.0, 3.0]]]]
    """

    irreps: str
    axes: tuple[int, ...] = (-3, -2, -1)
    channels: int | None = 1
    spacing: float = 1.0
    periodic: bool = False
    margin: int | None = None
    kind: str = "field"
    nodes: NodeAxis = None
    batch: BatchAxis = 0

    _component_axes: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Normalizes the notation of the irreps and checks the fields."""
        if len(self.axes) not in (2, 3) or len(set(self.axes)) != len(self.axes):
            raise ArgumentError("axes", self.axes, "two or three axes")
        if not (isinstance(self.spacing, (int, float)) and math.isfinite(self.spacing) and self.spacing > 0):
            raise ArgumentError("spacing", self.spacing, "a positive length")
        if self.margin is not None and self.margin < 0:
            raise ArgumentError("margin", self.margin, "a number of cells, 0 or more")
        if self.kind not in ("field", "labels"):
            raise ArgumentError("kind", self.kind, "'field' or 'labels'")
        irreps = Irreps(self.irreps).irreps if len(self.axes) == 3 else _planar_text(self.irreps)
        object.__setattr__(self, "irreps", irreps)

    @cached_property
    def lattice(self) -> Lattice:
        """The positions of the cells."""
        return Lattice(self.axes, self.spacing, self.periodic)

    def _moves(self, tensor: torch.Tensor) -> bool:
        return self.kind == "labels" or super()._moves(tensor)

    @property
    def dim(self) -> int:
        """Number of channels."""
        return sum(self._sizes)

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that the axes exist and that there is one channel for each component."""
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
        """Moves the cells and transforms the components.

        Raises:
            ForeignElementError: If the element moves labels between the cells.
        """
        if self.kind == "labels" and not self.lattice.is_exact(element):
            raise ForeignElementError("element", element, "one that maps cells to cells: labels are not interpolated")
        moved = self.lattice.moved(values, element)
        axis = self._component_axis(values)
        return self._transform_components(moved.movedim(axis[0], -1), element).movedim(-1, axis[0]) if axis else moved

    def unresolved(self, values: torch.Tensor, element: Transform) -> torch.Tensor | None:
        """Returns the interpolation uncertainty of the moved field, or None for exact elements."""
        if self.lattice.is_exact(element):
            return None
        left, axis = self.lattice.unresolved(values.to(torch.float64), element), self._component_axis(values)
        return self._transform_components(left.movedim(axis[0], -1), element).movedim(-1, axis[0]) if axis else left

    def compared(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Sets the cells to zero that an element moves in from outside the grid or from its margin."""
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
        """Yields one part for each block of irreps."""
        axis = self._component_axis(values)
        if not axis:
            yield Part("", values)
            return
        names = [name for name, _ in self._blocks]
        labels = labels_of(zip(names, self._sizes, strict=True))
        for label, block in zip(labels, values.split(self._sizes, dim=axis[0]), strict=True):
            yield Part(label, block)

    def _component_axis(self, values: torch.Tensor) -> list[int]:
        """Returns the component axis as a list of one number from 0, empty if there is none."""
        return [] if self.channels is None else [self.channels % values.dim()]

    @property
    def _blocks(self) -> list[tuple[str, tuple[int, int, int]]]:
        """Name and (multiplicity, degree or frequency, parity) of each block."""
        if len(self.axes) == 2:
            return [(_name(b), b) for b in _parse_planar(self.irreps)]
        return [(f"{m}x{d}{'e' if p > 0 else 'o'}", (m, d, p)) for m, d, p in Irreps(self.irreps).blocks]

    @property
    def _sizes(self) -> list[int]:
        """Number of components of each block."""
        if len(self.axes) == 2:
            return [mul * (2 if m else 1) for _, (mul, m, _) in self._blocks]
        return [mul * (2 * degree + 1) for _, (mul, degree, _) in self._blocks]

    def _transform_components(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Transforms components that are on the last axis."""
        if len(self.axes) == 3:
            return Irreps(self.irreps).act(values, element)
        pieces = []
        for (_, (mul, frequency, parity)), block in zip(self._blocks, values.split(self._sizes, dim=-1), strict=True):
            matrix = _planar_matrix(frequency, parity, element).to(values.device)
            shaped = block.reshape(*block.shape[:-1], mul, len(matrix))
            pieces.append((shaped @ matrix.T).reshape(block.shape))
        return torch.cat(pieces, dim=-1) if pieces else values


def _name(block: tuple[int, int, int]) -> str:
    """Returns a block in the notation of O(2)."""
    mul, frequency, parity = block
    return f"{mul}x{frequency}" + ("" if frequency else "e" if parity > 0 else "o")


@lru_cache(maxsize=256)
def _parse_planar(irreps: str) -> tuple[tuple[int, int, int], ...]:
    """Parses irreps of O(2) into (multiplicity, frequency, parity); the parity is 1 except for "0o"."""
    found = [_PLANAR.fullmatch(piece.strip()) for piece in irreps.split("+")] if irreps.strip() else []
    if any(m is None or (m[3] != "" and m[2] != "0") for m in found):
        expected = "irreps of O(2) such as '3x0e+2x1': frequencies, a parity for frequency 0 only"
        raise ArgumentError("irreps", irreps, expected)
    return tuple((int(m[1] or 1), int(m[2]), -1 if m[3] == "o" else 1) for m in found if m)


def _planar_text(irreps: str) -> str:
    """Returns irreps of O(2) in normalized notation."""
    return "+".join(_name(block) for block in _parse_planar(str(irreps)))


def _planar_matrix(frequency: int, parity: int, element: Transform) -> torch.Tensor:
    """Returns the matrix of an irrep of O(2), [1, 1] or [2, 2] float64.

    An element with a mirror is the mirror x -> -x, then a rotation. The irrep rotates by frequency times the angle.
    """
    matrix = element.array[:2, :2]
    mirrors = float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]) < 0
    if frequency == 0:
        return torch.tensor([[float(parity) if mirrors else 1.0]], dtype=torch.float64)
    # The first column is R e_x, or -R e_x after a mirror. Powers of the complex number are exact for quarter turns.
    turn = complex(*(matrix[:, 0] * (-1 if mirrors else 1)).tolist()) ** frequency
    mirror = (-1.0) ** frequency if mirrors else 1.0
    across = -mirror if mirrors else 1.0
    return torch.tensor(
        [[turn.real * mirror, -turn.imag * across], [turn.imag * mirror, turn.real * across]], dtype=torch.float64
    )
