"""Pooling of the published network (report, section 5), with two defects: the start point and the edge vectors."""

from __future__ import annotations

from dataclasses import dataclass

import dgl
import torch
from dgl import function as fn
from dgl.geometry import farthest_point_sampler
from torch import Tensor, nn

from se3unet.geometry.sampling import kept_points
from se3unet.layers.fibers import Fibers


@dataclass(frozen=True)
class Pooled:
    """Output of the pooling, for the coarser level and the skip connection.

    Attributes:
        features: Fibers [m, C_l, 2l+1] at the picked nodes, in pick order.
        aggregated: Fibers [n, C_l, 2l+1] at all nodes, for the skip connection.
        picks: [m] int64, numbers of the picked nodes in the batched graph.
        structure: The subgraph of the picked nodes, numbered in pick order.
        vectors: [E', 3], edge vectors of the subgraph.
    """

    features: Fibers
    aggregated: Fibers
    picks: Tensor
    structure: dgl.DGLGraph
    vectors: Tensor


class StartPoint(nn.Module):
    """Start of the sampling: one node number for all samples, with the least mean distance to the centroid.

    Defect: the mean runs over the batch, so that the start of a sample depends on the others and on their node orders.
    """

    def forward(self, positions: Tensor) -> Tensor:
        """Maps positions [B, N, 3] to node numbers [B] int64."""
        to_centroid = torch.linalg.vector_norm(positions - positions.mean(1, keepdim=True), dim=-1)
        return to_centroid.mean(0).argmin().expand(len(positions))


class Select(nn.Module):
    """Farthest point sampling by DGL, in the working dtype, so that rounding changes near-ties."""

    def __init__(self, ratio: float) -> None:
        """Sets the fraction of the points to drop."""
        super().__init__()
        self.ratio = ratio

    def forward(self, positions: Tensor, starts: Tensor) -> Tensor:
        """Maps positions [B, N, 3] and starts [B] to picks [B, M] int64, node numbers in the order of picking."""
        kept = kept_points(positions.shape[1], self.ratio)
        clouds = positions.detach().contiguous()
        picks = [farthest_point_sampler(clouds[b : b + 1], kept, int(starts[b])) for b in range(len(clouds))]
        return torch.cat(picks)


class SumAggregate(nn.Module):
    """Sums of the features of the neighbours."""

    def forward(self, features: Fibers, structure: dgl.DGLGraph) -> Fibers:
        """Maps fibers [n, C_l, 2l+1] to fibers [n, C_l, 2l+1]."""
        with structure.local_scope():
            output: Fibers = {}
            for degree, feature in features.items():
                structure.ndata["feature"] = feature
                structure.update_all(fn.copy_u("feature", "message"), fn.sum("message", "sum"))
                output[degree] = structure.ndata["sum"]
            return output


class PooledEdges(nn.Module):
    """Edge vectors of the pooled graph.

    Defect: node numbers of the pooled graph index the positions of the graph before pooling, which has other numbers.
    """

    def forward(self, positions: Tensor, sources: Tensor, targets: Tensor) -> Tensor:
        """Computes edge vectors.

        Args:
            positions: [n, 3] before pooling.
            sources: [E'] node numbers after pooling.
            targets: [E'] node numbers after pooling.

        Returns:
            [E', 3], target minus source.
        """
        return positions[targets] - positions[sources]


class Pool(nn.Module):
    """Sums every neighbourhood, then keeps the sampled nodes and the edges between them."""

    def __init__(self, ratio: float) -> None:
        """Sets the fraction of the points to drop."""
        super().__init__()
        self.start = StartPoint()
        self.select = Select(ratio)
        self.aggregate = SumAggregate()
        self.edges = PooledEdges()

    def forward(self, features: Fibers, positions: Tensor, structure: dgl.DGLGraph) -> Pooled:
        """Pools a batch.

        Args:
            features: Fibers [B * N, C_l, 2l+1].
            positions: [B, N, 3].
            structure: Graph of the B * N nodes.

        Returns:
            The pooled graph of B * M nodes and its features.
        """
        samples, points, _ = positions.shape
        within = self.select(positions, self.start(positions))
        first = torch.arange(0, samples * points, points, device=within.device)
        picks = (within + first.unsqueeze(-1)).flatten()
        aggregated = self.aggregate(features, structure)
        pooled = _subgraph(structure, picks, samples)
        vectors = self.edges(positions.flatten(0, 1), *pooled.edges())
        kept = {degree: feature[picks] for degree, feature in aggregated.items()}
        return Pooled(kept, aggregated, picks, pooled, vectors)


def _subgraph(structure: dgl.DGLGraph, picks: Tensor, samples: int) -> dgl.DGLGraph:
    pooled = dgl.node_subgraph(structure, picks, store_ids=False)
    size = len(picks) // samples
    _, targets = pooled.edges()
    pooled.set_batch_num_nodes(torch.full((samples,), size, device=picks.device))
    pooled.set_batch_num_edges(torch.bincount(targets // size, minlength=samples))
    return pooled
