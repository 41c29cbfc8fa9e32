"""Which axis of a tensor lists the nodes of a sample, and which the samples."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import torch

from equivariance.elements import Transform
from equivariance.errors import ArgumentError


class Assumed(Enum):
    """Marks an axis that nobody declared."""

    FIRST = "the first axis"

    def __repr__(self) -> str:
        """The name as one would type it."""
        return "Assumed.FIRST"


@dataclass(frozen=True)
class Concatenated:
    """Samples that lie one after the other along an axis.

    Attributes
    ----------
    axis : the axis
    sizes : entries of each sample, in order; None where all are of the same size
    """

    axis: int = 0
    sizes: tuple[int, ...] | None = None

    def segments(self, length: int, count: int) -> list[tuple[int, int]]:
        """Start and size of each of ``count`` samples on an axis of ``length``.

        Raises
        ------
        ArgumentError : the axis does not divide into these samples
        """
        sizes = self.sizes or (length // count,) * count
        if len(sizes) != count or sum(sizes) != length:
            raise ArgumentError(
                "batch", self, f"samples that add up to {length}, the length of the axis, for {count} samples"
            )
        starts = [sum(sizes[:i]) for i in range(count)]
        return list(zip(starts, sizes, strict=True))


NodeAxis = int | None | Assumed
BatchAxis = int | None | Assumed | Concatenated


def position(axis: NodeAxis, tensor: torch.Tensor) -> int | None:
    """The axis as a number from 0; None where there is none."""
    if isinstance(axis, Assumed):
        return 0 if tensor.dim() > 0 else None
    return None if axis is None else axis % tensor.dim()


def chosen_segments(batch: Concatenated, length: int, element: Transform) -> list[tuple[int, int]]:
    """Start and size of the samples that ``element`` selects, in its order."""
    segments = batch.segments(length, element.of)
    return [segments[i] for i in element.samples or ()]
