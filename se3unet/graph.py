"""Graphs of k nearest neighbours, as dense [B, N, k] tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor, nn

from se3unet.ties import priorities

# Relative difference of two distances in float64 below which they tie: rounding of rotated lattices stays below it.
DISTANCE_TIE = 1e-11
# Distances held at once by the exhaustive search: 16 M of float64 and their differences are half a gigabyte.
CHUNK_DISTANCES = 16_000_000


@dataclass(frozen=True)
class Graph:
    """Neighbourhoods of a batch of clouds, k edges j -> i into every node i of the same sample.

    Attributes:
        positions: [B, N, 3], x in the frame of the caller.
        neighbours: [B, N, k] int64, the sources j: nearest first, never i itself.
        vectors: [B, N, k, 3], r_ij = x_i - x_j (target minus source).
        distances: [B, N, k], |r_ij|.
        envelope: [B, N, k] in [0, 1], see `envelope`.
    """

    positions: Tensor
    neighbours: Tensor
    vectors: Tensor
    distances: Tensor
    envelope: Tensor


def gather(x: Tensor, index: Tensor) -> Tensor:
    """Pick nodes of each sample; differentiable in x.

    Args:
        x: [B, N, ...].
        index: [B, ...] int64, node numbers within the sample.

    Returns:
        [B, ..., ...], the axes of `index` and then those of a node.
    """
    samples = torch.arange(len(x), device=x.device).view(-1, *(1 for _ in index.shape[1:]))
    return x[samples, index]


def envelope(distances: Tensor) -> Tensor:
    """Weight u = (1 - (d_j / d_k)^4)^2 of each neighbour, which falls smoothly to zero at the k-th neighbour.

    Which of two points is the k-th neighbour may hang on the last bit of their distances. As sums over a neighbourhood
    carry u, that choice does not change them, and they stay continuous and differentiable in the positions.
    Where all k distances are equal every weight is zero: such a neighbourhood is cut out of a shell of ties.

    Args:
        distances: [..., k], largest last.

    Returns:
        [..., k] in [0, 1].
    """
    reach = distances[..., -1:]
    ratio = distances / torch.where(reach > 0, reach, torch.ones_like(reach))
    return torch.where(reach > 0, (1 - ratio.square().square()).square(), torch.zeros_like(ratio))


def connect(positions: Tensor, neighbours: Tensor) -> Graph:
    """Graph of positions [B, N, 3] with neighbours [B, N, k] int64, nearest first; differentiable in positions."""
    vectors = positions.unsqueeze(-2) - gather(positions, neighbours)
    distances = torch.linalg.vector_norm(vectors, dim=-1)
    return Graph(positions, neighbours, vectors, distances, envelope(distances))


class KNNGraph(nn.Module):
    """Exact graph of k nearest neighbours.

    A k-d tree of SciPy on the CPU, exhaustive search elsewhere, both in float64 on coordinate differences. Neighbours
    at tied distances are ordered by `priorities`, farthest from the centroid first. Duplicates of a point are its
    neighbours at distance 0; the point itself is not.
    """

    def __init__(self, neighbours: int) -> None:
        """Set the number of neighbours k, 1 or more."""
        super().__init__()
        if neighbours < 1:
            raise ValueError(f"neighbours: expected 1 or more, got {neighbours}")
        self.neighbours = neighbours

    def forward(self, positions: Tensor) -> Graph:
        """Connect every point to its neighbours.

        Args:
            positions: [B, N, 3] with N > k, float32 or float64.

        Raises:
            ValueError: there are no k other points.
        """
        if positions.shape[-2] <= self.neighbours:
            raise ValueError(
                f"positions: expected more than neighbours={self.neighbours} points, got {positions.shape[-2]}"
            )
        return connect(positions, nearest_neighbours(positions.detach(), self.neighbours))

    def extra_repr(self) -> str:
        """Show k."""
        return f"neighbours={self.neighbours}"


def nearest_neighbours(positions: Tensor, count: int) -> Tensor:
    """Node numbers [B, N, count] int64 of the nearest other points of positions [B, N, 3], nearest first."""
    exact, ranks = positions.double(), priorities(positions)
    search = _search_tree if positions.device.type == "cpu" else _search_all
    return torch.stack([search(points, rank, count) for points, rank in zip(exact, ranks, strict=True)])


def _search_tree(points: Tensor, ranks: Tensor, count: int) -> Tensor:
    """Search one sample [N, 3] by a k-d tree; rows that end in a tie go to the exhaustive search."""
    total = len(points)
    # One more than the point itself and its neighbours, to see whether the last of them ties with the next.
    width = min(count + 2, total)
    found = cKDTree(points.numpy()).query(points.numpy(), k=width)[1]
    candidates = torch.from_numpy(np.asarray(found, dtype=np.int64))
    is_self = candidates == torch.arange(total).unsqueeze(-1)
    # Among many duplicates the tree may not return the point itself: then the last candidate makes room.
    is_self[:, -1] |= ~is_self.any(-1)
    candidates = candidates[~is_self].view(total, width - 1)
    distances = torch.linalg.vector_norm(points.unsqueeze(-2) - points[candidates], dim=-1)
    chosen = _nearest_first(candidates, distances, ranks, count)
    if width == count + 2:
        ends_in_tie = distances[:, -1] - distances[:, -2] <= DISTANCE_TIE * distances[:, -1]
        rows = ends_in_tie.nonzero().squeeze(-1)
        chosen[rows] = _search_all(points, ranks, count, rows)
    return chosen


def _search_all(points: Tensor, ranks: Tensor, count: int, rows: Tensor | None = None) -> Tensor:
    """Search one sample [N, 3] by all distances to the points `rows` (default: to every point), in chunks."""
    total = len(points)
    rows = torch.arange(total, device=points.device) if rows is None else rows
    others = torch.arange(total - 1, device=points.device)
    chosen = [rows.new_empty(0, count)]
    for chunk in rows.split(max(1, CHUNK_DISTANCES // total)):
        candidates = others + (others >= chunk.unsqueeze(-1))
        distances = torch.linalg.vector_norm(points[chunk].unsqueeze(-2) - points[candidates], dim=-1)
        chosen.append(_nearest_first(candidates, distances, ranks, count))
    return torch.cat(chosen)


def _nearest_first(candidates: Tensor, distances: Tensor, ranks: Tensor, count: int) -> Tensor:
    """The `count` nearest of candidates [R, W] at distances [R, W], ties by the higher of ranks [N]."""
    distances, order = distances.sort(-1)
    candidates = candidates.gather(-1, order)
    is_farther = distances.diff(dim=-1) > DISTANCE_TIE * distances[:, 1:]
    shells = nn.functional.pad(is_farther.long().cumsum(-1), (1, 0))
    keys = (shells + 1) * len(ranks) - ranks[candidates]
    return candidates.gather(-1, keys.argsort(-1)[:, :count])
