"""The base class of all representations: action, axes, parts and checks of one tensor.

The contracts and the engine call it through its subclasses. The class acts on nodes (permutations) and samples (batch
symmetry); subclasses act on components. The module walks no containers; `contracts.nested` does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import (
    Assumed,
    AxisByLength,
    BatchAxis,
    Concatenated,
    NodeAxis,
    chosen_segments,
    position,
)
from equivariance.representations.crystals.crystal_rows import crystal_of, lists_nodes, repeated
from equivariance.representations.mask import Mask
from equivariance.representations.permuted import permuted
from equivariance.representations.tensor_support import unsupported_reason

_NOTHING = Transform()


@dataclass(frozen=True, kw_only=True)
class Representation(ABC):
    """The rule by which one tensor transforms under all group elements.

    Attributes:
        nodes: The axis that lists the nodes of a sample, or None if there is none. By default the first axis is
            assumed.
        batch: The axis that lists the samples, or None, or the first axis by default. If samples lie one after the
            other along an axis, it is `Concatenated`; equal node and batch axes mean the same.
        edges: The axis that lists the edges of a graph, or None if there is none. Permutations also reorder edges.
        mask: The rows of the node axis that hold nodes; all others are padding. No element moves or permutes padded
            rows, and padded rows are not compared. None if there is no padding.
        pairs: The second axis that lists the nodes, of a tensor of pairs of nodes [N, N, C]; None for other tensors.
        extensive: True if a value that lists no nodes doubles with a doubled cell, as an energy does; False if it
            stays, as a mean does. If it is None, both are tried for an output.
        degree: The power of length that the values are: 1 for positions and lengths, 2 for areas, -1 for curvatures, 0
            for pure numbers. A change of scale by s multiplies them by s ** degree.

    Invariants:
        - A representation is immutable, and it never changes a tensor in place.
        - `transform` keeps the dtype. Only a selection, or a grid rotation that exchanges axes, changes the shape.
        - An assumed axis is reported as an assumption.

    >>> from equivariance.groups import permutation
    >>> from equivariance.representations import CartesianPoints
    >>> points = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> CartesianPoints().transform(points, permutation([1, 0])).tolist()
    [[4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]
    """

    nodes: NodeAxis = Assumed.FIRST
    batch: BatchAxis = Assumed.FIRST
    edges: int | None = None
    mask: Mask | None = None
    pairs: int | None = None
    extensive: bool | None = None
    degree: float = 0.0

    _component_axes: ClassVar[int] = 0
    _fixed: ClassVar[bool] = False
    """True if rotations, translations and inversion change nothing."""

    keeps_lengths: ClassVar[bool] = False
    """True if an element keeps the norm of every part; for positions, apart from the translation."""

    @abstractmethod
    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Applies the rotation or inversion and the translation of an element.

        Args:
            values: float64 tensor.
            element: The element; its node order and its samples are ignored.

        Returns:
            The transformed values, float64; same shape, except that a rotation of a grid may exchange lengths.
        """

    def parts(self, values: torch.Tensor) -> Iterator[Part]:
        """Yields the parts whose errors are measured separately."""
        yield Part("", values)

    def compared(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Selects the entries that `element` determines: padded rows and cells from outside a grid are set to zero."""
        valid = self._valid(values, element)
        return values if valid is None else torch.where(valid, values, torch.zeros_like(values))

    def acted_on(self, tensor: torch.Tensor) -> Iterator[tuple[torch.Tensor, Representation]]:
        """Yields the tensors that elements act on, with their representations: `tensor` itself, if nothing is made of
        others.
        """
        yield tensor, self

    def nearest(self, values: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
        """Returns the values that stand for the same thing and are nearest to `expected`: with another sign, or period.

        Args:
            values, expected: float64 tensors of one shape, as `compared` returns them.
        """
        return values

    def without_translation(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns the values without the translation of an element, which adds to their size and not to their error.

        Args:
            values: float64 tensor, transformed by `element`.
            element: The element.
        """
        return values

    def unresolved(self, values: torch.Tensor, element: Transform) -> torch.Tensor | None:
        """Returns the interpolation uncertainty of the transformed values, or None if the transform is exact.

        Args:
            values: float64 tensor, not transformed.
            element: The element.

        Returns:
            The uncertainty of each entry, in the shape of the transformed values.
        """
        return None

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that a tensor can transform by this representation.

        Args:
            tensor: The tensor.
            path: The place of the tensor, for the error.

        Raises:
            ContractError: If the shape, the dtype or the layout of `tensor` does not fit.
        """
        refused = unsupported_reason(tensor)
        if refused is not None:
            raise ContractError(path, *refused)
        axes = {"nodes": self.nodes, "batch": self._batch_axis, "edges": self.edges, "pairs": self.pairs}
        for name, axis in axes.items():
            if isinstance(axis, int) and not -tensor.dim() <= axis < tensor.dim():
                raise ContractError(path, tuple(tensor.shape), f"a tensor that has the axis {name}={axis}")

    def assumes(self, symmetry: str, tensor: torch.Tensor) -> bool:
        """True if the axis on which `symmetry` acts was assumed and not declared."""
        axis = {"permutation": self.nodes, "batch": self.batch}.get(symmetry)
        return isinstance(axis, Assumed) and tensor.dim() > 0

    def transform(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Transforms a tensor in float64 and rounds once to its dtype.

        Args:
            tensor: The tensor, of any dtype.
            element: The element.

        Returns:
            The transformed tensor. If the shape is unchanged, it has the strides of `tensor`, which views need.

        Raises:
            ArgumentError: If the axes do not fit the permutation or the selection.
            ForeignElementError: If the element cannot act on this representation.
        """
        result, placed = tensor, self
        if element.reorders or element.doubled is not None:
            placed = self.with_axes_of(tensor)
        if element.acts_on_lattice:
            tensor = result = placed.in_lattice(tensor, element)
        if element.moves and self._moves(tensor) and not (self._fixed and not self.degree):
            scaled = self._scaled(tensor.to(torch.float64), element.scale)
            result = self._keep_padding(tensor, self.act(scaled, element).to(tensor.dtype))
        if element.order is not None:
            result = placed.permute(result, element)
        if element.edges is not None:
            result = placed.permute_edges(result, element.edges)
        if element.samples is not None:
            result = placed.select(result, element)
        if element.padding:
            result = self._pad(result, element)
        if result.shape == tensor.shape and result.stride() != tensor.stride():
            result = torch.empty_like(tensor).copy_(result)
        return result

    def _moves(self, tensor: torch.Tensor) -> bool:
        """True if elements may change the entries of a tensor."""
        return tensor.is_floating_point()

    def _scaled(self, values: torch.Tensor, scale: float) -> torch.Tensor:
        """Returns values whose unit is a power of the unit of length, after a change of scale."""
        return values if scale == 1 or not self.degree else values * scale**self.degree

    def in_lattice(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Repeats the rows of nodes and edges if the element doubles cells; moves of nodes change positions only.

        Args:
            tensor: The tensor.
            element: An element that acts on the lattice of a crystal.
        """
        if element.doubled is None:
            return tensor
        crystal, nodes, edges = crystal_of(element), position(self.nodes, tensor), position(self.edges, tensor)
        if nodes is not None and lists_nodes(tensor, nodes, self.sample_axis(tensor), crystal):
            return repeated(tensor, nodes, self.sample_axis(tensor), crystal)
        if edges is not None:
            return torch.cat([tensor, tensor], edges)
        return 2 * tensor if self.extensive else tensor

    def _masked_axes(self, tensor: torch.Tensor, element: Transform = _NOTHING) -> tuple[int, int | None] | None:
        """Returns the node axis and the axis of samples on which the mask lies; None if the tensor has no padding."""
        nodes = position(self.nodes, tensor) if self.mask is not None else None
        if nodes is None or self.mask is None:
            return None
        axes = nodes, self.sample_axis(tensor) if self.mask.batched else None
        return axes if self.mask.under(element).fits(tensor, *axes) else None

    def _valid(self, tensor: torch.Tensor, element: Transform = _NOTHING) -> torch.Tensor | None:
        """Returns True for entries of nodes, in a shape that broadcasts; None if the tensor has no padding."""
        axes = self._masked_axes(tensor, element)
        if axes is None or self.mask is None:
            return None
        mask, pairs = self.mask.under(element), position(self.pairs, tensor)
        valid = mask.beside(tensor, *axes)
        return valid if pairs is None else valid & mask.beside(tensor, pairs, axes[1])

    def _keep_padding(self, tensor: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
        """Returns moved values with padded rows left in place."""
        valid = self._valid(tensor)
        return moved if valid is None else torch.where(valid, moved, tensor)

    def _pad(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Appends padded rows."""
        bare = replace(element, padding=0)
        axes = self._masked_axes(tensor, bare)
        if axes is None or self.mask is None:
            return tensor
        mask, pairs = self.mask.under(bare), position(self.pairs, tensor)
        result = mask.pad(tensor, element.padding, *axes)
        return result if pairs is None else mask.pad(result, element.padding, pairs, axes[1])

    @property
    def turns(self) -> bool:
        """True if the components of a tensor change under rotation; the components on a grid do not count."""
        return False

    @property
    def component_axes(self) -> int:
        """The number of last axes that hold components."""
        return self._component_axes

    @property
    def guesses(self) -> bool:
        """True if the node axis or the batch axis is found by its length."""
        return isinstance(self.nodes, AxisByLength) or isinstance(self.batch, AxisByLength)

    def with_axes_of(self, tensor: torch.Tensor) -> Self:
        """Returns a copy with the axes of `tensor` in place of the axes found by length.

        Raises:
            ArgumentError: If the lengths determine no axis.
        """
        guess = next((axis for axis in (self.nodes, self.batch) if isinstance(axis, AxisByLength)), None)
        if guess is None:
            return self
        nodes, batch, edges = guess.axes(self._free_lengths(tensor))
        return replace(
            self,
            nodes=nodes if isinstance(self.nodes, AxisByLength) else self.nodes,
            batch=batch if isinstance(self.batch, AxisByLength) else self.batch,
            edges=edges if self.edges is None and not isinstance(self.nodes, int) else self.edges,
        )

    def _free_lengths(self, tensor: torch.Tensor) -> tuple[int, ...]:
        """Returns the lengths of the axes before the components; of all axes if the components are not the last."""
        return tuple(tensor.shape[: max(0, tensor.dim() - self._component_axes)])

    def with_axes_by_length(self, guess: AxisByLength) -> Self:
        """Returns a copy in which `guess` replaces the undeclared axes."""
        return replace(
            self,
            nodes=guess if isinstance(self.nodes, Assumed) else self.nodes,
            batch=guess if isinstance(self.batch, Assumed) else self.batch,
        )

    def placed_like(self, other: Representation) -> Self:
        """Returns a copy with the axes and the mask of another representation."""
        axes = {"nodes": other.nodes, "batch": other.batch, "edges": other.edges, "pairs": other.pairs}
        return replace(self, **axes, mask=other.mask)  # type: ignore[arg-type]

    @property
    def bare(self) -> Self:
        """A copy without axes and without a mask."""
        return replace(self, nodes=None, batch=None, edges=None, mask=None, pairs=None)

    @property
    def concatenated(self) -> Concatenated | None:
        """The layout of samples that lie one after the other, or None if they do not."""
        if isinstance(self.batch, Concatenated):
            return self.batch
        if isinstance(self.batch, int) and self.nodes == self.batch:
            return Concatenated(self.batch)
        return None

    @property
    def _batch_axis(self) -> NodeAxis:
        return self.batch.axis if isinstance(self.batch, Concatenated) else self.batch

    def permute(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Reorders the nodes of every sample: new node i is old node order[i].

        Args:
            tensor: The tensor.
            element: An element that permutes nodes.

        Raises:
            ArgumentError: If the node axis is not made of samples of as many nodes as the element permutes.
        """
        for axis in (position(self.nodes, tensor), position(self.pairs, tensor)):
            if axis is not None:
                tensor = permuted(tensor, axis, element, self.sample_axis(tensor), self.concatenated)
        return tensor

    def sample_axis(self, tensor: torch.Tensor) -> int | None:
        """Returns the axis that lists nothing but samples, as a number from 0, or None if there is none."""
        axis = None if isinstance(self.batch, Concatenated) else position(self.batch, tensor)
        return None if axis == position(self.nodes, tensor) else axis

    def permute_edges(self, tensor: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
        """Reorders the edges: new edge i is old edge order[i].

        Args:
            tensor: The tensor.
            order: A permutation of the edges.

        Raises:
            ArgumentError: If the axis does not list `len(order)` edges.
        """
        axis = position(self.edges, tensor)
        if axis is None:
            return tensor
        if tensor.shape[axis] != len(order):
            expected = f"as many on the axis edges={axis}, not {tensor.shape[axis]}"
            raise ArgumentError("edges", f"permutation of {len(order)} edges", expected)
        return tensor.index_select(axis, torch.tensor(order, device=tensor.device))

    def select(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Selects samples: new sample i is old sample `element.samples[i]`.

        Args:
            tensor: The tensor.
            element: An element that selects samples.

        Raises:
            ArgumentError: If the batch axis does not have `element.of` samples.
        """
        axis = position(self._batch_axis, tensor)
        if axis is None:
            return tensor
        length = tensor.shape[axis]
        if self.concatenated is None and length != element.of:
            raise ArgumentError("samples", f"some of {element.of} samples", f"some of {length}, the axis batch={axis}")
        if self.concatenated is None:
            return tensor.index_select(axis, torch.tensor(element.samples, device=tensor.device))
        chosen = chosen_segments(self.concatenated, length, element)
        second = position(self.pairs, tensor)
        for each in (axis,) if second is None else (axis, second):
            tensor = torch.cat([tensor.narrow(each, start, size) for start, size in chosen], dim=each)
        return tensor


@dataclass(frozen=True)
class Part:
    """A part of a tensor that transforms independently: one irrep of a tensor, or the whole tensor.

    Attributes:
        label: The name of the part, "" for the whole tensor.
        values: The entries of the part.
    """

    label: str
    values: torch.Tensor
