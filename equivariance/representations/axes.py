"""Which axis of a tensor lists the nodes of a sample, and which the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import torch

from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform


class Assumed(Enum):
    """Marks an axis that nobody declared."""

    FIRST = "the first axis"

    def __repr__(self) -> str:
        """The name as one would type it."""
        return "Assumed.FIRST"


@dataclass(frozen=True)
class Concatenated:
    """Samples that lie one after the other along an axis.

    Attributes:
        axis: The axis
        sizes: Entries of each sample, in order; None where all are of the same size
    """

    axis: int = 0
    sizes: tuple[int, ...] | None = None

    def segments(self, length: int, count: int) -> list[tuple[int, int]]:
        """Start and size of each of `count` samples on an axis of `length`.

        Raises:
            ArgumentError: The axis does not divide into these samples
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
    """Where the nodes and the samples of a tensor lie, and how to tell it.

    Attributes:
        lengths: (axis, its length), of the axes that tell it
        nodes, batch: As in a representation
        most: At most so many axes may list nodes, samples or anything else that is not a component; None for any number
    """

    lengths: tuple[tuple[int, int], ...]
    nodes: NodeAxis
    batch: BatchAxis
    most: int | None = None

    def fits(self, free: Sequence[int]) -> bool:
        """Whether axes of the lengths `free` lie like this."""
        if self.most is not None and len(free) > self.most:
            return False
        return all(axis < len(free) and free[axis] == length for axis, length in self.lengths)

    def repeats(self, free: Sequence[int]) -> bool:
        """Whether another axis is as long as that of the nodes: tensors of pairs of nodes have two of them."""
        if self.nodes is None:
            return False
        telling = dict(self.lengths)
        length = telling[self.nodes] if isinstance(self.nodes, int) and self.nodes in telling else self.lengths[0][1]
        return length > 1 and length in [size for axis, size in enumerate(free) if axis not in telling]


@dataclass(frozen=True)
class BySize:
    """An axis that nobody declared, told by its length: as long as one that is known.

    Attributes:
        known: Layouts of tensors whose axes are known, the most specific first
    """

    known: tuple[Layout, ...]

    def axes(self, free: Sequence[int]) -> tuple[NodeAxis, BatchAxis]:
        """Node axis and batch axis, from the lengths of the axes that are not components; a scalar has none.

        Raises:
            ArgumentError: No lengths agree, or several axes are as long as the nodes
        """
        if not free:
            return None, None
        for layout in self.known:
            if layout.fits(free):
                if layout.repeats(free):
                    expected = "one axis as long as the nodes, not several (of pairs?), or declared axes"
                    raise ArgumentError("axes", tuple(free), expected)
                return layout.nodes, layout.batch
        raise ArgumentError("axes", tuple(free), "an axis as long as one that is declared, or declared axes")


NodeAxis = int | None | Assumed | BySize
BatchAxis = int | None | Assumed | BySize | Concatenated


def position(axis: NodeAxis, tensor: torch.Tensor) -> int | None:
    """The axis as a number from 0; None where there is none."""
    if isinstance(axis, Assumed):
        return 0 if tensor.dim() > 0 else None
    return axis % tensor.dim() if isinstance(axis, int) else None


def chosen_segments(batch: Concatenated, length: int, element: Transform) -> list[tuple[int, int]]:
    """Start and size of the samples that `element` selects, in its order."""
    segments = batch.segments(length, element.of)
    return [segments[i] for i in element.samples or ()]
