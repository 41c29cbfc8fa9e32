"""Orders points whose distances tie, by a rule that depends neither on the node order nor on the frame.

`graph` and `sampling` call it. It selects no point itself.

Distances tie in lattices, in symmetric shapes and if they differ by rounding only. A selection by the order of the
nodes, or by the last bit, is not equivariant. Here invariants of the cloud decide: the distance to the centroid, then
moments of the cloud about its centroid in the direction of the point.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Relative difference of lengths that counts as a tie: the rounding of float32 coordinates a few sizes of the cloud away
# from the origin. Float64 uses the same value, so that the two dtypes decide equally.
TIE_TOLERANCE = 4e-6


def centre(positions: Tensor) -> Tensor:
    """Returns positions relative to the centroid of their sample, in the dtype of the input.

    Mean and difference are computed in float64, so that only the rounding of the coordinates remains.

    Args:
        positions: [B, N, 3].

    Returns:
        [B, N, 3]; equivariant under rotations, invariant under translations.
    """
    exact = positions.double()
    return (exact - exact.mean(-2, keepdim=True)).to(positions.dtype)


@torch.compiler.disable
def priorities(positions: Tensor) -> Tensor:
    """Ranks the points of each sample by invariants, the highest rank for the point farthest from the centroid.

    The keys are |p|, p^T S p and T(p, p, p) of the centred position p, with S and T the second and third moments of the
    cloud. Each key is used only if the keys before it tie. If all keys tie (duplicates, mirror images, the corners of a
    cube), points are ranked by node number. No equivariant rule can order points that a symmetry of the cloud swaps.

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
    """Splits groups [B, N] if sorted keys [B, N] differ by more than the tolerance [B, N] of the larger one."""
    by_key = key.argsort(dim=-1, stable=True)
    order = by_key.gather(-1, groups.gather(-1, by_key).argsort(dim=-1, stable=True))
    sorted_groups, sorted_keys = groups.gather(-1, order), key.gather(-1, order)
    is_new = (sorted_groups.diff(dim=-1) != 0) | (sorted_keys.diff(dim=-1) > tolerance.gather(-1, order)[..., 1:])
    numbers = torch.nn.functional.pad(is_new.long().cumsum(-1), (1, 0))
    return torch.zeros_like(groups).scatter(-1, order, numbers)
