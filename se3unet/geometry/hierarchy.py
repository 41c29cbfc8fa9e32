"""The graphs of a batch of clouds at every level of a network: all that it knows of them before its weights matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from se3unet.geometry.graph import Graph


@dataclass(frozen=True)
class CoarseCloud:
    """A coarser cloud.

    Attributes:
        graph: nearest neighbours among the M points, with the presence of the picks.
        picks: [B, M] int64, the number of each point in the finer cloud.
    """

    graph: Graph
    picks: Tensor


@dataclass(frozen=True)
class Hierarchy:
    """The graphs of a batch at every level.

    It may be computed once and used in every epoch. Which points are picked and connected, and all distances, are the
    same in every pose; positions and vectors are those of the pose that it was computed in.

    Attributes:
        finest: graph of all points.
        coarser: what each pooling keeps, the finest first.
    """

    finest: Graph
    coarser: tuple[CoarseCloud, ...]

    def __len__(self) -> int:
        """Samples in the batch."""
        return len(self.finest.positions)

    def to(self, device: torch.device | str) -> Hierarchy:
        """The same on a device."""
        return self._each(lambda tensor: tensor.to(device))

    def sample(self, number: int) -> Hierarchy:
        """One sample of the batch, as a batch of one that shares no memory with the others."""
        return self._each(lambda tensor: tensor[number : number + 1].clone())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Hierarchy:
        def changed(graph: Graph) -> Graph:
            return Graph(*(change(getattr(graph, field.name)) for field in fields(Graph)))

        coarser = tuple(CoarseCloud(changed(level.graph), change(level.picks)) for level in self.coarser)
        return Hierarchy(changed(self.finest), coarser)


def joined(hierarchies: Sequence[Hierarchy]) -> Hierarchy:
    """One batch of the samples of all, in their order; they have the same number of points and levels."""

    def together(graphs: Sequence[Graph]) -> Graph:
        return Graph(*(torch.cat([getattr(graph, field.name) for graph in graphs]) for field in fields(Graph)))

    levels = zip(*(hierarchy.coarser for hierarchy in hierarchies), strict=True)
    coarser = (
        CoarseCloud(together([cloud.graph for cloud in level]), torch.cat([cloud.picks for cloud in level]))
        for level in levels
    )
    return Hierarchy(together([hierarchy.finest for hierarchy in hierarchies]), tuple(coarser))
