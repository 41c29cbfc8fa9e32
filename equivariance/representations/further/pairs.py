"""Tensors of pairs of nodes, [N, N, ...]: adjacency, distances, relative features.

Used in contracts. Vectors of pairs are declared with `pairs=` on their own representation.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from equivariance.errors import ArgumentError
from equivariance.representations.axes import Assumed, BatchAxis
from equivariance.representations.standard import Invariant


@dataclass(frozen=True)
class Pairs(Invariant):
    """Numbers of pairs of nodes: both axes follow a permutation of the nodes.

    Attributes:
        axes: The two axes that list the nodes.

    Raises:
        ArgumentError: If it is not two different axes.

    >>> import torch
    >>> from equivariance.groups import permutation
    >>> Pairs().transform(torch.tensor([[1, 2], [3, 4]]), permutation([1, 0])).tolist()
    [[4, 3], [2, 1]]
    """

    axes: tuple[int, int] = (0, 1)
    batch: BatchAxis = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Sets the two axes of nodes."""
        if len(self.axes) != 2 or self.axes[0] == self.axes[1]:
            raise ArgumentError("axes", self.axes, "two different axes, for example (0, 1)")
        if isinstance(self.nodes, Assumed):
            object.__setattr__(self, "nodes", self.axes[0])
            object.__setattr__(self, "pairs", self.axes[1])
