"""The graphs of a batch of clouds at every level of a network: the part that does not depend on its weights.

`model` computes a `Hierarchy`; trainings keep it for all epochs. It holds no features.
"""

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
        graph: Nearest neighbours among the M points, with the presence of the picks.
        picks: [B, M] int64, the number of each point in the finer cloud.
    """

    graph: Graph
    picks: Tensor


@dataclass(frozen=True)
class Hierarchy:
    """The graphs of a batch at every level.

    It may be computed once and used in every epoch. Picks, connections and distances are the same in every pose.
    Positions and vectors are those of the pose of the computation.

    Attributes:
        finest: Graph of all points.
        coarser: The cloud after each pooling, the finest first.
    """

    finest: Graph
    coarser: tuple[CoarseCloud, ...]

    def __len__(self) -> int:
        """Returns the number of samples in the batch."""
        return len(self.finest.positions)

    def to(self, device: torch.device | str) -> Hierarchy:
        """Returns a copy on a device."""
        return self._each(lambda tensor: tensor.to(device))

    def sample(self, number: int) -> Hierarchy:
        """Returns one sample as a batch of one, which shares no memory with the others."""
        return self._each(lambda tensor: tensor[number : number + 1].clone())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Hierarchy:
        def change_graph(graph: Graph) -> Graph:
            return Graph(*(change(getattr(graph, field.name)) for field in fields(Graph)))

        coarser = tuple(CoarseCloud(change_graph(level.graph), change(level.picks)) for level in self.coarser)
        return Hierarchy(change_graph(self.finest), coarser)


def join(hierarchies: Sequence[Hierarchy]) -> Hierarchy:
    """Joins the samples of all batches in order. All have the same number of points and levels."""

    def together(graphs: Sequence[Graph]) -> Graph:
        return Graph(*(torch.cat([getattr(graph, field.name) for graph in graphs]) for field in fields(Graph)))

    levels = zip(*(hierarchy.coarser for hierarchy in hierarchies), strict=True)
    coarser = (
        CoarseCloud(together([cloud.graph for cloud in level]), torch.cat([cloud.picks for cloud in level]))
        for level in levels
    )
    return Hierarchy(together([hierarchy.finest for hierarchy in hierarchies]), tuple(coarser))
