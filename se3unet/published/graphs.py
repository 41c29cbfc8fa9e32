"""Builds the DGL graphs that the published network takes, and the inputs of its layers."""

from __future__ import annotations

from dataclasses import dataclass

import dgl
import torch
from torch import Tensor, nn

from se3unet.geometry.graph import nearest_neighbours
from se3unet.layers.dense.kernel import Basis


def published_graph(positions: Tensor, k: int = 40) -> dgl.DGLGraph:
    """Builds the batched graph of the k nearest neighbours, as in the training of the published network.

    Edges run from the neighbour to the point, nearest first, one point after the other, one sample after the other;
    there are no self-loops.

    Args:
        positions: [B, N, 3] with N > k, in the unit of length of the weights.
        k: Number of neighbours of each point.

    Returns:
        A graph of B * N nodes with ndata "x" [B * N, 3], the positions, and edata "d" [B * N * k, 3], target minus
        source, and "w" [B * N * k, 1], its length.

    Raises:
        ValueError: If the shape is another, a coordinate is not finite, or there are fewer than k other points.
    """
    if not isinstance(positions, Tensor) or not positions.is_floating_point():
        got = positions.dtype if isinstance(positions, Tensor) else type(positions).__name__
        raise ValueError(f"positions: expected a tensor of floating-point numbers, got {got}")
    if positions.dim() != 3 or positions.shape[-1] != 3 or 0 in positions.shape:
        raise ValueError(f"positions: expected shape [B, N, 3], got {list(positions.shape)}")
    if not positions.isfinite().all():
        raise ValueError("positions: expected finite coordinates, got NaN or infinity")
    samples, points, _ = positions.shape
    if points == 1:
        raise ValueError("positions: expected two points or more, got 1")
    if type(k) is not int or not 0 < k < points:
        raise ValueError(f"k: expected 1 to {points - 1} neighbours among {points} points, got {k}")
    first = torch.arange(0, samples * points, points, device=positions.device).view(-1, 1, 1)
    sources = (nearest_neighbours(positions.detach(), k) + first).flatten()
    targets = torch.arange(samples * points, device=positions.device).repeat_interleave(k)
    graph = dgl.graph((sources, targets), num_nodes=samples * points)
    graph.set_batch_num_nodes(torch.full((samples,), points, device=positions.device))
    graph.set_batch_num_edges(torch.full((samples,), points * k, device=positions.device))
    x = positions.flatten(0, 1)
    graph.ndata["x"] = x
    graph.edata["d"] = x[targets] - x[sources]
    graph.edata["w"] = torch.linalg.vector_norm(graph.edata["d"], dim=-1, keepdim=True)
    return graph


def structure_of(graph: dgl.DGLGraph) -> dgl.DGLGraph:
    """Returns a copy of a graph without node and edge fields, so that layers get connections only."""
    bare = dgl.graph(graph.edges(), num_nodes=graph.num_nodes())
    bare.set_batch_num_nodes(graph.batch_num_nodes())
    bare.set_batch_num_edges(graph.batch_num_edges())
    return bare


@dataclass(frozen=True)
class Edges:
    """A graph and the geometry of its edges.

    Attributes:
        structure: Connections, without fields.
        relative: [E, 3] edge vectors, target minus source, that are added to features.
        invariants: [E, 2], the edge scalar and the length.
        basis: Per pair (i, o) of degrees [E, 2o+1, 2i+1, F].
    """

    structure: dgl.DGLGraph
    relative: Tensor
    invariants: Tensor
    basis: Basis


class RelativeVectors(nn.Module):
    """Edge vectors from positions: x_target - x_source."""

    def forward(self, positions: Tensor, sources: Tensor, targets: Tensor) -> Tensor:
        """Maps positions [n, 3] and node numbers [E], [E] to vectors [E, 3]."""
        return positions[targets] - positions[sources]
