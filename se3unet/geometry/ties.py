"""Which of two points comes first when their distances tie: a rule that reads neither the node order nor the frame.

Distances tie in lattices, in symmetric shapes and wherever rounding cannot tell them apart. A selection that then
falls back on the order of the nodes, or on the last bit, is not equivariant. Here invariants of the cloud decide: the
distance to the centroid, then moments of the cloud seen from its centroid in the direction of the point.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Relative difference of lengths that counts as a tie: what float32 coordinates a few sizes of the cloud away from the
# origin leave undecided. Float64 takes the same, lest the two dtypes decide differently.
TIE_TOLERANCE = 4e-6


def centred(positions: Tensor) -> Tensor:
    """Positions relative to the centroid of their sample, in the dtype of the input.

    Mean and difference are taken in float64, so that float32 adds no rounding to that of its coordinates.

    Args:
        positions: [B, N, 3].

    Returns:
        [B, N, 3]; turns with the frame, does not move with it.
    """
    exact = positions.double()
    return (exact - exact.mean(-2, keepdim=True)).to(positions.dtype)


@torch.compiler.disable
def priorities(positions: Tensor) -> Tensor:
    """Rank the points of each sample by invariants, the highest rank for the point farthest from the centroid.

    The keys, each asked only where those before it tie: |p|, p^T S p and T(p, p, p) of the centred position p, with S
    and T the second and third moments of the cloud. Points that none tells apart (duplicates, mirror images, the
    corners of a cube) are ranked by node number: no rule can do better for points that a symmetry of the cloud swaps.

    Args:
        positions: [B, N, 3] float32 or float64.

    Returns:
        [B, N] int64, a permutation of 0..N-1 per sample.
    """
    exact = positions.detach().double()
    points = exact - exact.mean(-2, keepdim=True)
    radii = torch.linalg.vector_norm(points, dim=-1)
    # Products of two coordinates, [B, N, 9]: both moments are matrix products with them.
    pairs = (points.unsqueeze(-1) * points.unsqueeze(-2)).flatten(-2)
    second, third = pairs.sum(-2, keepdim=True), pairs.mT @ points
    moments = ((pairs * second).sum(-1), ((pairs @ third) * points).sum(-1))
    power_sums = [(radii**power).sum(-1, keepdim=True) * radii**power for power in (2, 3)]
    groups = _refine(torch.zeros_like(radii, dtype=torch.int64), radii, TIE_TOLERANCE * radii)
    for key, scale in zip(moments, power_sums, strict=True):
        groups = _refine(groups, key, TIE_TOLERANCE * scale)
    return groups.argsort(dim=-1, stable=True).argsort(-1)


def _refine(groups: Tensor, key: Tensor, tolerance: Tensor) -> Tensor:
    """Split groups [B, N] where sorted keys [B, N] are farther apart than the tolerance [B, N] of the larger one."""
    by_key = key.argsort(dim=-1, stable=True)
    order = by_key.gather(-1, groups.gather(-1, by_key).argsort(dim=-1, stable=True))
    sorted_groups, sorted_keys = groups.gather(-1, order), key.gather(-1, order)
    is_new = (sorted_groups.diff(dim=-1) != 0) | (sorted_keys.diff(dim=-1) > tolerance.gather(-1, order)[..., 1:])
    numbers = torch.nn.functional.pad(is_new.long().cumsum(-1), (1, 0))
    return torch.zeros_like(groups).scatter(-1, order, numbers)
