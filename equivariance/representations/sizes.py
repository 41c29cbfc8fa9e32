"""The shape of the data that a callable takes: how many nodes, edges and samples, told by fields that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

import torch

from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import Assumed, BatchAxis, Concatenated, NodeAxis
from equivariance.representations.standard import Invariant


@dataclass(frozen=True)
class SampleSizes:
    """What is known of nodes, edges and samples.

    Attributes:
        nodes: Nodes of one sample where samples have an axis of their own, else of all samples together
        edges: Of all samples together
        samples: Nodes of each sample that lies on one axis with the others
        edges_of: Edges of each of these
        batched: Samples on an axis of their own, before that of the nodes; None where they have none
    """

    nodes: int | None = None
    edges: int | None = None
    samples: tuple[int, ...] | None = None
    edges_of: tuple[int, ...] | None = None
    batched: int | None = None

    def axes(self, free: tuple[int, ...], of_edges: bool) -> tuple[NodeAxis, BatchAxis]:
        """Node axis and batch axis of a tensor whose axes before its components have the lengths `free`."""
        if self.nodes is None or (self.batched is None and self.edges is None and self.samples is None):
            return Assumed.FIRST, Assumed.FIRST
        if self.batched is not None:
            return self._of_batch(free)
        first = free[0] if free else None
        if first == self.edges and (of_edges or first != self.nodes):
            return None, None if self.edges_of is None else Concatenated(0, self.edges_of)
        if first == self.nodes:
            return 0, None if self.samples is None else Concatenated(0, self.samples)
        return None, self._of_samples(first)

    def _of_batch(self, free: tuple[int, ...]) -> tuple[NodeAxis, BatchAxis]:
        if free[:2] == (self.batched, self.nodes):
            return 1, 0
        return None, 0 if free[:1] == (self.batched,) else None

    def _of_samples(self, first: int | None) -> BatchAxis:
        """One entry per sample, or (cells) as many for each."""
        if self.samples is None or not first or first % len(self.samples):
            return None
        rows = first // len(self.samples)
        return 0 if rows == 1 else Concatenated(0, (rows,) * len(self.samples))


def sizes_of(batch: torch.Tensor | None, edges: torch.Tensor | None, points: torch.Tensor | None) -> SampleSizes:
    """The sizes that a vector of sample numbers [N], edges [2, E] and positions [..., N, 3] tell.

    Raises:
        ArgumentError: Samples, or their edges, do not lie one after the other
    """
    if points is not None and points.dim() == 3:
        return SampleSizes(nodes=points.shape[1], batched=points.shape[0])
    nodes = len(batch) if batch is not None else None if points is None or points.dim() != 2 else len(points)
    count = None if edges is None else edges.shape[1]
    if batch is None or nodes is None or not len(batch):
        return SampleSizes(nodes=nodes, edges=count)
    samples = _runs(batch, "batch")
    of_edges = None if edges is None else _runs(batch[edges[0]], "edge_index", len(samples))
    return SampleSizes(nodes, count, samples, of_edges)


def _runs(numbers: torch.Tensor, name: str, count: int = 0) -> tuple[int, ...]:
    if bool((numbers[1:] < numbers[:-1]).any()):
        raise ArgumentError(name, tuple(numbers.shape), "samples one after the other, or a declared representation")
    return tuple(torch.bincount(numbers, minlength=count).tolist())


@dataclass(frozen=True)
class SampleStarts(Invariant):
    """Where each sample starts on an axis, and where the last one ends: [samples + 1] integers (`ptr`).

    Attributes:
        sizes: Entries of each sample
    """

    sizes: tuple[int, ...]
    nodes: NodeAxis = field(default=None, kw_only=True)
    batch: BatchAxis = field(default=None, kw_only=True)

    def select(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Counted again for the samples that are selected.

        Raises:
            ArgumentError: There are not as many samples as `element` selects from
        """
        if len(self.sizes) != element.of:
            raise ArgumentError("samples", f"some of {element.of} samples", f"some of {len(self.sizes)}")
        starts = list(accumulate((self.sizes[i] for i in element.samples or ()), initial=0))
        return torch.tensor(starts, dtype=tensor.dtype, device=tensor.device)


def tensors_by_name(value: Mapping[str, object]) -> dict[str, torch.Tensor]:
    """The tensors among named values."""
    return {name: entry for name, entry in value.items() if isinstance(entry, torch.Tensor)}
