"""Graphs of k nearest neighbours, as dense [B, N, k] tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor, nn

from se3unet.geometry.ties import priorities

# Relative difference of two distances in float64 below which they tie. Rounding of rotated lattices is smaller.
DISTANCE_TIE = 1e-11
# Sum of the envelope of a neighbourhood of k points, some of which are absent, in units of k. For k points spread
# evenly over a surface it is 0.5, so that two in five points may be absent.
PRESENT_SHARE = 0.3
MOST_STEPS = 50
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
        reach: [B, N], radius R_i of each neighbourhood: at most the distance to its k-th neighbour.
        presence: [B, N] in (0, 1], the weight of each node as a neighbour of others; 1 in an input cloud.
        envelope: [B, N, k] in [0, 1], presence_j u(d_ij / R_i), the weight of each neighbour (see `envelope`).
    """

    positions: Tensor
    neighbours: Tensor
    vectors: Tensor
    distances: Tensor
    reach: Tensor
    presence: Tensor
    envelope: Tensor


def gather(x: Tensor, index: Tensor) -> Tensor:
    """Picks nodes of each sample; differentiable in x.

    Args:
        x: [B, N, ...].
        index: [B, ...] int64, node numbers within the sample.

    Returns:
        [B, ..., ...], the axes of `index` and then those of a node.
    """
    samples = torch.arange(len(x), device=x.device).view(-1, *(1 for _ in index.shape[1:]))
    return x[samples, index]


def batch_numbers(index: Tensor, nodes: int) -> Tensor:
    """Numbers nodes through a batch: node numbers [B, ...] within samples of `nodes` nodes, shifted by sample."""
    samples = torch.arange(len(index), device=index.device).view(-1, *(1 for _ in index.shape[1:]))
    return index + nodes * samples


def envelope(distances: Tensor, reach: Tensor) -> Tensor:
    """Computes the weight u(d / R) = (1 - (d / R)^4)^2 of a neighbour, which falls smoothly to zero at the reach.

    The choice of the k-th neighbour may depend on the last bit of two distances. Sums over a neighbourhood are weighted
    by u, so that the choice does not change them. They are continuous and differentiable in the positions. If all k
    distances are equal, every weight is zero: the neighbourhood is then a part of a shell of ties.

    Args:
        distances: [..., k], d.
        reach: [...], R; if it is zero, the weights are zero.

    Returns:
        [..., k] in [0, 1].
    """
    rim = reach.unsqueeze(-1)
    ratio = (distances / torch.where(rim > 0, rim, torch.ones_like(rim))).clamp(max=1)
    return torch.where(rim > 0, (1 - ratio.square().square()).square(), torch.zeros_like(ratio))


def connect(positions: Tensor, neighbours: Tensor, presence: Tensor | None = None) -> Graph:
    """Builds the graph of given neighbours; differentiable in the positions.

    Without presences, the reach is the distance to the k-th neighbour. With presences, it is the radius at which the
    envelope sums to 0.3 k, at most the distance. Points of small presence must not count towards k.

    Args:
        positions: [B, N, 3].
        neighbours: [B, N, k] int64, nearest first.
        presence: [B, N] in (0, 1], see `Graph`; 1 by default.
    """
    vectors = positions.unsqueeze(-2) - gather(positions, neighbours)
    distances = torch.linalg.vector_norm(vectors, dim=-1)
    if presence is None:
        reach = distances[..., -1]
        weights = envelope(distances, reach)
        return Graph(positions, neighbours, vectors, distances, reach, torch.ones_like(reach), weights)
    present = gather(presence, neighbours)
    reach = _reach(distances, present)
    weights = present * envelope(distances, reach)
    return Graph(positions, neighbours, vectors, distances, reach, presence, weights)


def _reach(distances: Tensor, present: Tensor) -> Tensor:
    """Finds the radius R [B, N] at which sum_j present_j u(d_j / R) is 0.3 k, for distances and presences [B, N, k].

    If the sum at R = d_k is less, R is d_k.
    """
    count, rim = PRESENT_SHARE * distances.shape[-1], distances[..., -1]
    with torch.no_grad():
        solution = _bracketed_root(distances, present, count, rim)
    # One step of Newton's method from the solution: it changes the value by rounding only, and has its derivatives.
    total, slope = _envelope_sums(distances, present, solution)
    slope = slope.detach()
    is_solved = (solution < rim) & (slope > 0)
    corrected = solution * (1 + (count - total) / torch.where(is_solved, slope, torch.ones_like(slope)))
    return torch.where(is_solved, corrected, rim)


def _envelope_sums(distances: Tensor, present: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Returns sum_j present_j u(d_j / R) and its derivative with respect to log R, both [B, N]."""
    unit = torch.where(radius > 0, radius, torch.ones_like(radius)).unsqueeze(-1)
    fourth = (distances / unit).clamp(max=1).square().square()
    rest = 1 - fourth
    weighted = present * rest
    return (weighted * rest).sum(-1), 8 * (weighted * fourth).sum(-1)


@torch.compiler.disable
def _bracketed_root(distances: Tensor, present: Tensor, count: float, rim: Tensor) -> Tensor:
    """Finds the radius in [0, rim] where the envelope sums to `count`, else the rim, by bracketed Newton steps."""
    low, high, radius = torch.zeros_like(rim), rim, rim
    for _ in range(MOST_STEPS):
        total, slope = _envelope_sums(distances, present, radius)
        is_short = total < count
        low, high = torch.where(is_short, radius, low), torch.where(is_short, high, radius)
        newton = radius * (1 + (count - total) / torch.where(slope > 0, slope, torch.ones_like(slope)))
        is_inside = (slope > 0) & (newton > low) & (newton < high)
        following = torch.where(is_inside, newton, (low + high) / 2)
        moved = (following - radius).abs() > 2 * torch.finfo(radius.dtype).eps * radius
        radius = following
        if not bool(moved.any()):
            break
    return radius


class KNNGraph(nn.Module):
    """Exact graph of k nearest neighbours.

    The search uses SciPy's k-d tree on the CPU and all distances elsewhere, in float64 on coordinate differences.
    Neighbours at tied distances are ordered by `priorities`, farthest from the centroid first. Duplicates of a point
    are its neighbours at distance 0. The point itself is not its neighbour.
    """

    def __init__(self, neighbours: int) -> None:
        """Sets the number of neighbours k, 1 or more."""
        super().__init__()
        if neighbours < 1:
            raise ValueError(f"neighbours: expected 1 or more, got {neighbours}")
        self.neighbours = neighbours

    def forward(self, positions: Tensor, presence: Tensor | None = None) -> Graph:
        """Connects every point to its neighbours.

        Args:
            positions: [B, N, 3] with N > k, float32 or float64.
            presence: [B, N] in (0, 1], the weight of each point as a neighbour; 1 by default.

        Raises:
            ValueError: If there are fewer than k other points.
        """
        if positions.shape[-2] <= self.neighbours:
            raise ValueError(
                f"positions: expected more than neighbours={self.neighbours} points, got {positions.shape[-2]}"
            )
        return connect(positions, nearest_neighbours(positions.detach(), self.neighbours), presence)

    def extra_repr(self) -> str:
        """Shows k."""
        return f"neighbours={self.neighbours}"


@torch.compiler.disable
def nearest_neighbours(positions: Tensor, count: int) -> Tensor:
    """Returns the numbers [B, N, count] int64 of the nearest other points of positions [B, N, 3], nearest first."""
    exact, ranks = positions.double(), priorities(positions)
    search = _search_tree if positions.device.type == "cpu" else _search_all
    return torch.stack([search(points, rank, count) for points, rank in zip(exact, ranks, strict=True)])


@torch.compiler.disable
def nearest_known(points: Tensor, known: Tensor, count: int) -> Tensor:
    """Returns numbers [B, N, count] int64 of the known points [B, M, 3] nearest to points [B, N, 3], nearest first.

    Ties are broken arbitrarily. Use it for sums in which the omitted points have no weight.
    """
    if points.device.type != "cpu":
        # Differences, not the expanded square, which cancels.
        distances = torch.cdist(points.double(), known.double(), compute_mode="donot_use_mm_for_euclid_dist")
        return distances.topk(count, largest=False).indices
    workers = torch.get_num_threads()
    pairs = zip(points.detach().double().numpy(), known.detach().double().numpy(), strict=True)
    found = [cKDTree(tree).query(asked, k=range(1, count + 1), workers=workers)[1] for asked, tree in pairs]
    return torch.from_numpy(np.stack(found).astype(np.int64))


def _search_tree(points: Tensor, ranks: Tensor, count: int) -> Tensor:
    """Searches one sample [N, 3] by a k-d tree. If a row ends in a tie, the exhaustive search replaces it."""
    total = len(points)
    # One more than the point itself and its neighbours, to detect a tie of the last neighbour with the next point.
    width = min(count + 2, total)
    found = cKDTree(points.numpy()).query(points.numpy(), k=width, workers=torch.get_num_threads())[1]
    candidates = torch.from_numpy(np.asarray(found, dtype=np.int64))
    is_self = candidates == torch.arange(total).unsqueeze(-1)
    # Among many duplicates the tree may not return the point itself. The last candidate is then dropped.
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
    """Searches one sample [N, 3] by all distances to the points `rows` (default: to every point), in chunks."""
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
    """Returns the `count` nearest of candidates [R, W] at distances [R, W]; ties go to the higher of ranks [N]."""
    distances, order = distances.sort(-1)
    candidates = candidates.gather(-1, order)
    is_farther = distances.diff(dim=-1) > DISTANCE_TIE * distances[:, 1:]
    if bool(is_farther.all()):
        return candidates[:, :count]
    shells = nn.functional.pad(is_farther.long().cumsum(-1), (1, 0))
    keys = (shells + 1) * len(ranks) - ranks[candidates]
    return candidates.gather(-1, keys.argsort(-1)[:, :count])
