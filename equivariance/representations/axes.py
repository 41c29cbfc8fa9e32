"""Axes of a tensor that list nodes, samples or edges, declared or found by their lengths.

Called by representations, which permute and select along these axes, and by `contracts.axes_by_length`. The module
transforms no tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import torch

from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform


class Assumed(Enum):
    """Marks an axis that was not declared."""

    FIRST = "the first axis"

    def __repr__(self) -> str:
        """Returns the name as Python."""
        return "Assumed.FIRST"


@dataclass(frozen=True)
class Concatenated:
    """Samples that lie one after the other along an axis.

    Attributes:
        axis: The axis.
        sizes: Number of entries of each sample, in order. None if all samples have the same size.
    """

    axis: int = 0
    sizes: tuple[int, ...] | None = None

    def segments(self, length: int, count: int) -> list[tuple[int, int]]:
        """Returns the start and the size of each sample on the axis.

        Args:
            length: Length of the axis.
            count: Number of samples.

        Raises:
            ArgumentError: If the axis does not divide into these samples.
        """
        sizes = self.sizes or (length // count,) * count
        if len(sizes) != count or sum(sizes) != length:
            raise ArgumentError(
                "batch", self, f"samples that add up to {length}, the length of the axis, for {count} samples"
            )
        starts = [sum(sizes[:i]) for i in range(count)]
        return list(zip(starts, sizes, strict=True))


@dataclass(frozen=True)
class Layout:
    """Axes of nodes, samples and edges of tensors whose axes have certain lengths.

    Attributes:
        lengths: Pairs (axis, length) that a tensor of this layout must have.
        nodes, batch, edges: The axes, as in a representation.
        most: Largest number of axes other than the component axes. None for any number.
    """

    lengths: tuple[tuple[int, int], ...]
    nodes: NodeAxis
    batch: BatchAxis
    most: int | None = None
    edges: int | None = None

    def fits(self, free: Sequence[int]) -> bool:
        """True if a tensor whose axes before the components have the lengths `free` has this layout."""
        if self.most is not None and len(free) > self.most:
            return False
        return all(axis < len(free) and free[axis] == length for axis, length in self.lengths)

    def repeats(self, free: Sequence[int]) -> bool:
        """True if another axis is as long as the node axis, as in tensors of pairs of nodes."""
        if self.nodes is None:
            return False
        telling = dict(self.lengths)
        length = telling[self.nodes] if isinstance(self.nodes, int) and self.nodes in telling else self.lengths[0][1]
        return length > 1 and length in [size for axis, size in enumerate(free) if axis not in telling]


@dataclass(frozen=True)
class AxisByLength:
    """An undeclared axis that is found by its length: it is as long as a known axis.

    Attributes:
        known: Layouts of tensors with known axes, the most specific first.
    """

    known: tuple[Layout, ...]

    def axes(self, free: Sequence[int]) -> tuple[NodeAxis, BatchAxis, int | None]:
        """Returns the axes of nodes, samples and edges; a scalar has no axis.

        Args:
            free: Lengths of the axes that are not components.

        Raises:
            ArgumentError: If no known lengths agree, if several axes are as long as the node axis, or if an axis may
                list nodes as well as edges.
        """
        if not free:
            return None, None, None
        fitting = [layout for layout in self.known if layout.fits(free)]
        if not fitting:
            raise ArgumentError("axes", tuple(free), "an axis as long as one that is declared, or declared axes")
        first = fitting[0]
        if first.repeats(free):
            expected = "one axis as long as the nodes, not several (of pairs?), or declared axes"
            raise ArgumentError("axes", tuple(free), expected)
        if any(other.edges != first.edges and other.lengths == first.lengths for other in fitting):
            raise ArgumentError("axes", tuple(free), "different numbers of nodes and edges, or declared axes")
        return first.nodes, first.batch, first.edges


NodeAxis = int | None | Assumed | AxisByLength
BatchAxis = int | None | Assumed | AxisByLength | Concatenated


def position(axis: NodeAxis, tensor: torch.Tensor) -> int | None:
    """Returns the axis of a tensor as a number from 0, or None if there is none."""
    if isinstance(axis, Assumed):
        return 0 if tensor.dim() > 0 else None
    return axis % tensor.dim() if isinstance(axis, int) else None


def chosen_segments(batch: Concatenated, length: int, element: Transform) -> list[tuple[int, int]]:
    """Returns the start and the size of each sample that `element` selects, in the order of `element`.

    Args:
        batch: The samples on the axis.
        length: Length of the axis.
        element: An element that selects samples.

    Raises:
        ArgumentError: If the axis does not divide into `element.of` samples.
    """
    segments = batch.segments(length, element.of)
    return [segments[i] for i in element.samples or ()]
