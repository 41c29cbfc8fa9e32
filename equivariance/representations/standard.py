"""The representations of most tensors: positions, invariants and node numbers, and the parser of public specifications.

Used in contracts. Irreps, grids and Cartesian tensors have their own modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import ClassVar

import numpy as np
import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.crystal import ImageEdges
from equivariance.groups.elements import Transform
from equivariance.representations.axes import chosen_segments, position
from equivariance.representations.base import Part, Representation
from equivariance.representations.crystals.crystal_rows import beside, crystal_of, lists_nodes, repeated
from equivariance.representations.irreps import Irreps
from equivariance.representations.planes import motion_in


@dataclass(frozen=True)
class CartesianPoints(Representation):
    """Positions, with the components x, y, z on one axis: x' = x R^T + t.

    A node that is moved by a lattice vector takes its row along. Positions that a network returns do the same, so they
    are not wrapped into the cell.

    Attributes:
        axis: The axis of the components, of length 3; 1 for clouds [samples, 3, nodes].
        dimensions: 3, or 2 for points x, y in a plane. All rotations and translations are then in the plane.

    Raises:
        ArgumentError: If `dimensions` is neither 2 nor 3.

    >>> from equivariance.groups import translation
    >>> CartesianPoints(axis=0).transform(torch.zeros(3, 2), translation([1, 2, 3])).tolist()
    [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    """

    axis: int = -1
    dimensions: int = 3
    degree: float = field(default=1.0, kw_only=True)

    _component_axes: ClassVar[int] = 1
    keeps_lengths: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Checks the number of dimensions."""
        if self.dimensions not in (2, 3):
            raise ArgumentError("dimensions", self.dimensions, "2 or 3")

    @property
    def turns(self) -> bool:
        """True: positions rotate."""
        return True

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that the axis of the components has length 3 and that the dtype is floating-point."""
        super().check(tensor, path)
        if not -tensor.dim() <= self.axis < tensor.dim() or tensor.shape[self.axis] != self.dimensions:
            count = self.dimensions
            expected = f"a last axis of {count}" if self.axis == -1 else f"{count} components on axis {self.axis}"
            raise ContractError(path, f"tensor of shape {tuple(tensor.shape)}", f"{expected}, for cartesian_points")
        if not tensor.is_floating_point():
            raise ContractError(path, f"tensor of dtype {tensor.dtype}", "floating-point numbers, for cartesian_points")

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns x R^T + t."""
        matrix, vector = motion_in(element, self.dimensions)
        turn = torch.tensor(matrix, dtype=torch.float64, device=values.device)
        turned = (values.movedim(self.axis, -1) @ turn.T).movedim(-1, self.axis)
        return turned + self.along_axis(vector.tolist(), values)

    def in_lattice(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Moves nodes by their lattice vectors; in doubled cells the second copy of each node is moved.

        Raises:
            ArgumentError: If the axis of nodes does not list the nodes of the crystal.
        """
        placed, crystal = self.with_axes_of(tensor), crystal_of(element)
        nodes, samples = position(placed.nodes, tensor), placed.sample_axis(tensor)
        if nodes is None:
            return tensor
        if not lists_nodes(tensor, nodes, samples, crystal):
            expected = f"as many on the axis nodes={nodes}, not {tensor.shape[nodes]}"
            raise ArgumentError("element", f"one for samples of {crystal.nodes} nodes", expected)
        if element.images is not None:
            moves = crystal.displacements(element.images)
        else:
            rows, copies = crystal.rows_twice
            tensor = repeated(tensor, nodes, samples, crystal)
            moves = crystal.cells[crystal.sample_of[rows], element.doubled] * copies[:, None]
        moved = tensor.to(torch.float64) + beside(moves, tensor, nodes, samples, self.axis % tensor.dim())
        return moved.to(tensor.dtype)

    def _free_lengths(self, tensor: torch.Tensor) -> tuple[int, ...]:
        return super()._free_lengths(tensor) if self.axis == -1 else tuple(tensor.shape)

    def without_translation(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns the positions without the translation of an element."""
        return values - self.along_axis(element.vector, values) if any(element.vector) else values

    def along_axis(self, components: Sequence[float], values: torch.Tensor) -> torch.Tensor:
        """Returns one number for each component, float64, in a shape that lies along the component axis of `values`."""
        shape = [1] * values.dim()
        shape[self.axis] = self.dimensions
        return torch.tensor(components[: self.dimensions], dtype=torch.float64, device=values.device).reshape(shape)

    def rows(self, values: torch.Tensor) -> torch.Tensor:
        """Returns all positions as rows, [n, dimensions]."""
        return values.movedim(self.axis, -1).reshape(-1, self.dimensions)


@dataclass(frozen=True)
class Invariant(Representation):
    """Values that rotation, translation and inversion do not change. Their rows follow the nodes and the samples."""

    _fixed: ClassVar[bool] = True
    keeps_lengths: ClassVar[bool] = True

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns the values unchanged."""
        return values


@dataclass(frozen=True)
class NodeIndices(Invariant):
    """Integers that are node numbers. Permutations renumber them; selections do so if they count through the whole
    batch.

    Attributes:
        unordered: True if the order along the last axis has no meaning (a set of neighbours).
        permuted: True if permutations reorder the numbered nodes. False for a pooled cloud in the order of selection.
        per_sample: Nodes of each sample, or one number for all, if the numbers count through a concatenated batch. None
            for numbers within a sample.
    """

    unordered: bool = False
    permuted: bool = True
    per_sample: int | tuple[int, ...] | None = None

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that the dtype is an integer."""
        super().check(tensor, path)
        if tensor.is_floating_point() or tensor.dtype == torch.bool:
            raise ContractError(path, f"tensor of dtype {tensor.dtype}", "integers, for node indices")

    def permute(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Renumbers the nodes, and reorders the rows if an axis lists nodes. Negative numbers, which mark empty places,
        stay.
        """
        if not self.permuted:
            return super().permute(tensor, element)
        renumbered = torch.where(tensor < 0, tensor, self._renumber(tensor, element))
        return super().permute(renumbered, element)

    def in_lattice(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Numbers the ends of the edges of doubled cells; other node numbers are not known there.

        Raises:
            ArgumentError: If the numbers are not the sources or the targets of the edges.
        """
        if element.doubled is None or not self.permuted:
            return super().in_lattice(tensor, element)
        crystal = crystal_of(element)
        old, new = crystal.edges, crystal.doubled_edges(element.doubled)
        rows = tensor.reshape(-1, tensor.shape[-1]).unbind() if tensor.dim() else ()
        ends = [self._doubled_ends(row.cpu().numpy(), old, new) for row in rows if old is not None and new is not None]
        if not ends or any(end is None for end in ends):
            raise ArgumentError("element", element, "node numbers that are the ends of the edges")
        made = [torch.from_numpy(end).to(tensor) for end in ends if end is not None]
        return torch.stack(made).reshape(*tensor.shape[:-1], -1)

    @staticmethod
    def _doubled_ends(numbers: np.ndarray, old: ImageEdges, new: ImageEdges) -> np.ndarray | None:
        """Returns the numbers at the same end of the new edges; None if these are no ends of the old ones."""
        ends = ((old.source, new.source), (old.target, new.target))
        return next((after for before, after in ends if np.array_equal(before, numbers)), None)

    def _renumber(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns the new numbers of the nodes."""
        samples, layout = self.sample_axis(tensor), self.concatenated
        if element.sizes is not None and samples is not None:
            pieces = [_renumber(t, element.order_in(i) or ()) for i, t in enumerate(tensor.unbind(samples))]
            return torch.stack(pieces, samples)
        if element.sizes is not None and layout is not None and self.per_sample is None:
            axis = layout.axis % tensor.dim()
            rows = layout.segments(tensor.shape[axis], len(element.sizes))
            own = [tensor.narrow(axis, *segment) for segment in rows]
            return torch.cat([_renumber(t, element.order_in(i) or ()) for i, t in enumerate(own)], axis)
        return _renumber(tensor, element.order or ())

    def select(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Selects rows; numbers that count through the batch are counted from the new starts of their samples."""
        result = super().select(tensor, element)
        layout, axis = self.concatenated, position(self._batch_axis, tensor)
        if layout is None or axis is None or self.per_sample is None:
            return result
        nodes = (self.per_sample,) * element.of if isinstance(self.per_sample, int) else self.per_sample
        starts, new, shifts = [0, *accumulate(nodes)], 0, []
        rows = chosen_segments(layout, tensor.shape[axis], element)
        for old, (_, size) in zip(element.samples or (), rows, strict=True):
            shifts += [new - starts[old]] * size
            new += nodes[old]
        shape = [-1 if i == axis else 1 for i in range(tensor.dim())]
        return result + torch.tensor(shifts, dtype=tensor.dtype, device=tensor.device).reshape(shape)

    def parts(self, values: torch.Tensor) -> Iterator[Part]:
        """Yields the numbers, sorted along the last axis if `unordered`."""
        yield Part("", values.sort(dim=-1).values if self.unordered else values)


def _renumber(tensor: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
    """Returns new node numbers; those beyond the order are nodes of later samples of as many nodes."""
    inverse = torch.tensor(order, device=tensor.device).argsort().to(tensor.dtype)
    inside = tensor.remainder(len(order))
    return inverse[inside.long()] + (tensor - inside)  # uint8 would index as a mask


def as_representation(spec: object, argument: str) -> Representation:
    """Returns the representation that a public specification stands for.

    Args:
        spec: A `Representation`, an irreps string, an `o3.Irreps`, "cartesian_points", or None (unchanged).
        argument: The name of the argument, for the error.

    Raises:
        ArgumentError: If `spec` is anything else.
    """
    if isinstance(spec, Representation):
        return spec
    if spec is None:
        return Invariant()
    if isinstance(spec, str) and spec == "cartesian_points":
        return CartesianPoints()
    if isinstance(spec, str) or type(spec).__name__ in {"Irreps", "Irrep"}:
        try:
            return Irreps(str(spec))
        except ArgumentError as error:
            raise ArgumentError(argument, spec, f"'cartesian_points', None (unchanged), or {error.expected}") from error
    raise ArgumentError(argument, spec, "an irreps string, 'cartesian_points', None or a Representation")
