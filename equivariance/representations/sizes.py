"""Numbers of nodes, edges and samples of graph data, from the fields that state them.

Called by `contracts.assumptions` and the adapters, to find axes and to renumber. The module guesses no representations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

import torch

from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import Assumed, BatchAxis, Concatenated, NodeAxis
from equivariance.representations.mask import Mask
from equivariance.representations.standard import Invariant


class Axes(NamedTuple):
    """The axes of one tensor, as in a representation."""

    nodes: NodeAxis
    batch: BatchAxis
    edges: int | None = None
    mask: Mask | None = None
    pairs: int | None = None


@dataclass(frozen=True)
class SampleSizes:
    """Known numbers of nodes, edges and samples; None if unknown.

    Attributes:
        nodes: Nodes of one sample if samples have their own axis, otherwise nodes of all samples.
        edges: Edges of all samples.
        samples: Nodes of each sample, if samples share one axis.
        edges_of: Edges of each sample, if samples share one axis.
        batched: Number of samples, if they have their own axis before the node axis.
        mask: The rows that hold nodes, if there may be padding.
        channels_first: True if the nodes are the last axis, as in [samples, 3, nodes].
    """

    nodes: int | None = None
    edges: int | None = None
    samples: tuple[int, ...] | None = None
    edges_of: tuple[int, ...] | None = None
    batched: int | None = None
    mask: Mask | None = None
    channels_first: bool = False

    @property
    def are_stated(self) -> bool:
        """True if node numbers, sample numbers or a mask show which axes list nodes."""
        return self.edges is not None or self.samples is not None or self.mask is not None

    def axes(self, free: tuple[int, ...], of_edges: bool) -> Axes:
        """Returns the axes of nodes, samples and edges of a tensor.

        Args:
            free: Lengths of the axes before the components.
            of_edges: True if the tensor has a row for each edge by its name, which decides if there are as many edges
                as nodes.
        """
        if self.batched is not None:
            return self._find_batched_axes(free)
        if self.nodes is None:
            return Axes(Assumed.FIRST, Assumed.FIRST)
        if not self.are_stated:
            return self._find_lone_axes(free)
        first = free[0] if free else None
        if first == self.edges and (of_edges or first != self.nodes):
            return Axes(None, self.batch_of_edges(0), 0)
        if first == self.nodes:
            return Axes(0, None if self.samples is None else Concatenated(0, self.samples), mask=self.mask)
        return Axes(None, self._find_batch_axis(first))

    def batch_of_edges(self, axis: int) -> BatchAxis:
        """Returns the batch axis of a tensor whose given axis lists the edges."""
        return None if self.edges_of is None else Concatenated(axis, self.edges_of)

    def _find_batched_axes(self, free: tuple[int, ...]) -> Axes:
        """Returns the axes of a tensor, if samples have their own axis. All samples then share the edges."""
        if free[:1] != (self.batched,):
            return Axes(None, None, 0 if self.edges is not None and free[:1] == (self.edges,) else None)
        nodes = self._find_nodes(free, range(1, len(free)))
        if nodes is not None:
            return Axes(nodes, 0, mask=self.mask)
        return Axes(None, 0, 1 if self.edges is not None and free[1:2] == (self.edges,) else None)

    def _find_lone_axes(self, free: tuple[int, ...]) -> Axes:
        """Returns the axes of a tensor beside one cloud, whose first axis may list nodes or samples."""
        axis = self._find_nodes(free, range(len(free)))
        return Axes(Assumed.FIRST, Assumed.FIRST) if axis == 0 or not free else Axes(axis, None)

    def _find_nodes(self, free: tuple[int, ...], among: range) -> int | None:
        """Returns the axis that is as long as the nodes: the first one, or the last one after channels."""
        found = [axis for axis in among if free[axis] == self.nodes]
        return (found[-1] if self.channels_first else found[0]) if found else None

    def _find_batch_axis(self, first: int | None) -> BatchAxis:
        """Returns the batch axis of a tensor with the same number of rows for each sample, for example one or (cells)
        three.
        """
        if self.samples is None or not first or first % len(self.samples):
            return None
        rows = first // len(self.samples)
        return 0 if rows == 1 else Concatenated(0, (rows,) * len(self.samples))


def sizes_of(batch: torch.Tensor | None, edges: torch.Tensor | None, points: torch.Tensor | None) -> SampleSizes:
    """Returns the sizes that fields of graph data state.

    Args:
        batch: Sample number of each node, [N] integers.
        edges: Node numbers, [2, E] integers.
        points: Positions, [N, 3] or [samples, N, 3].

    Raises:
        ArgumentError: If the nodes or edges of the samples do not lie one after the other.
    """
    count = None if edges is None else edges.shape[1]
    if points is not None and points.dim() == 3:
        return SampleSizes(nodes=points.shape[1], edges=count, batched=points.shape[0])
    nodes = len(batch) if batch is not None else None if points is None or points.dim() != 2 else len(points)
    if batch is None or nodes is None or not len(batch):
        return SampleSizes(nodes=nodes, edges=count)
    samples = _count_entries(batch, "batch")
    of_edges = None if edges is None else _count_entries(batch[edges[0]], "edge_index", len(samples))
    return SampleSizes(nodes, count, samples, of_edges)


def _count_entries(numbers: torch.Tensor, name: str, count: int = 0) -> tuple[int, ...]:
    """Returns the number of entries of each sample, from ascending sample numbers."""
    if bool((numbers[1:] < numbers[:-1]).any()):
        raise ArgumentError(name, tuple(numbers.shape), "samples one after the other, or a declared representation")
    return tuple(torch.bincount(numbers, minlength=count).tolist())


@dataclass(frozen=True)
class SampleStarts(Invariant):
    """The index at which each sample starts on an axis, and the end of the last one: [samples + 1] integers (`ptr`).

    Attributes:
        sizes: Number of entries of each sample.
    """

    sizes: tuple[int, ...]
    nodes: NodeAxis = field(default=None, kw_only=True)
    batch: BatchAxis = field(default=None, kw_only=True)

    def in_lattice(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Doubles the starts if the element doubles cells."""
        return tensor if element.doubled is None else 2 * tensor

    def select(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns the starts of the selected samples.

        Raises:
            ArgumentError: If the number of samples is not `element.of`.
        """
        if len(self.sizes) != element.of:
            raise ArgumentError("samples", f"some of {element.of} samples", f"some of {len(self.sizes)}")
        starts = list(accumulate((self.sizes[i] for i in element.samples or ()), initial=0))
        return torch.tensor(starts, dtype=tensor.dtype, device=tensor.device)
