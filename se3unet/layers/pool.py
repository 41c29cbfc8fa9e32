"""Pooling of point clouds (report, section 5): aggregates each neighbourhood, then keeps the sampled points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from se3unet.geometry.graph import Graph, KNNGraph, gather
from se3unet.geometry.hierarchy import CoarseCloud
from se3unet.geometry.neighbourhoods import gathered_sums
from se3unet.geometry.sampling import FarthestPointSampling
from se3unet.geometry.ties import TIE_TOLERANCE
from se3unet.layers.fibers import Fibers

Pooling = Literal["sum", "mean", "max"]
POOLINGS: tuple[Pooling, ...] = ("sum", "mean", "max")


@dataclass(frozen=True)
class PooledCloud:
    """A coarser cloud with its features.

    Attributes:
        fibers: Per degree [B, M, C_l, 2l+1].
        graph: Nearest neighbours among the M points, with the presence of the picks.
        picks: [B, M] int64, the number of each point in the finer cloud.
    """

    fibers: Fibers
    graph: Graph
    picks: Tensor


class Aggregate(nn.Module):
    """Sum, mean or maximum over a point and its neighbours, per channel.

    The aggregated vectors are u_ij f_j, with the envelope u of the graph and u_ii = 1. The maximum is the vector of the
    largest norm, because a maximum over components would depend on the frame.
    """

    def __init__(self, pooling: Pooling) -> None:
        """Chooses 'sum', 'mean' (sum u f / sum u) or 'max'."""
        super().__init__()
        if pooling not in POOLINGS:
            raise ValueError(f"pooling: expected one of {', '.join(POOLINGS)}, got {pooling!r}")
        self.pooling = pooling

    def forward(self, fibers: Fibers, graph: Graph) -> Fibers:
        """Aggregates fibers [B, N, C_l, 2l+1] over the neighbourhoods of the graph to fibers of the same shapes."""
        aggregate = self._largest if self.pooling == "max" else self._sum
        return {degree: aggregate(feature, graph) for degree, feature in fibers.items()}

    def _sum(self, feature: Tensor, graph: Graph) -> Tensor:
        total = feature + gathered_sums(graph.envelope, feature, graph.neighbours)
        if self.pooling == "sum":
            return total
        return total / (1 + graph.envelope.sum(-1))[..., None, None]

    @staticmethod
    def _largest(feature: Tensor, graph: Graph) -> Tensor:
        neighbours = gather(feature, graph.neighbours) * graph.envelope[..., None, None]
        candidates = torch.cat([feature.unsqueeze(2), neighbours], 2)
        norms = torch.linalg.vector_norm(candidates.detach(), dim=-1)
        is_largest = norms >= (1 - TIE_TOLERANCE) * norms.amax(2, keepdim=True)
        # Among ties the nearest, which comes first: argmax itself guarantees no order.
        nearness = torch.arange(norms.shape[2], 0, -1, device=norms.device).view(1, 1, -1, 1)
        chosen = torch.where(is_largest, nearness, 0).argmax(2, keepdim=True)
        return candidates.take_along_dim(chosen.unsqueeze(-1), 2).squeeze(2)

    def extra_repr(self) -> str:
        """Shows the aggregation."""
        return f"pooling={self.pooling!r}"


class Pool(nn.Module):
    """Aggregates every neighbourhood, keeps the sampled points and connects them anew."""

    def __init__(self, ratio: float, neighbours: int, pooling: Pooling) -> None:
        """Sets up the three steps.

        Args:
            ratio: Fraction of the points to drop.
            neighbours: k of the coarser graph.
            pooling: 'sum', 'mean' or 'max'.
        """
        super().__init__()
        self.sample = FarthestPointSampling(ratio)
        self.aggregate = Aggregate(pooling)
        self.graph = KNNGraph(neighbours)

    def coarsen(self, graph: Graph) -> CoarseCloud:
        """Chooses and connects the points of the coarser cloud, without features.

        Raises:
            ValueError: If too few points are left for the number of neighbours.
        """
        sample = self.sample(graph.positions)
        presence = gather(graph.presence, sample.picks) * sample.presence
        return CoarseCloud(self.graph(gather(graph.positions, sample.picks), presence), sample.picks)

    def forward(self, fibers: Fibers, graph: Graph, coarse: CoarseCloud | None = None) -> PooledCloud:
        """Pools fibers [B, N, C_l, 2l+1] on a graph of N points to M points.

        Args:
            fibers: Features of the N points.
            graph: Their graph.
            coarse: Output of `coarsen` for the graph; computed by default.

        Raises:
            ValueError: If too few points are left for the number of neighbours.
        """
        coarse = coarse or self.coarsen(graph)
        aggregated = self.aggregate(fibers, graph)
        pooled = {degree: gather(feature, coarse.picks) for degree, feature in aggregated.items()}
        return PooledCloud(pooled, coarse.graph, coarse.picks)
