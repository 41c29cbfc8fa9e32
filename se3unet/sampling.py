"""Farthest point sampling, per sample and equivariant."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from se3unet.ties import priorities

# Relative difference of two distances that counts as a tie, in both dtypes: what float32 coordinates a few sizes of the
# cloud away from the origin leave undecided in the short distance from a point to the nearest pick.
FARTHEST_TIE = 1e-4


def kept_points(points: int, ratio: float) -> int:
    """Number of points left when the fraction `ratio` is dropped, rounded up: 1,024 points and 0.35 give 666."""
    # 0.29 * 100 is 28.999999999999996: the tiny number keeps a product that should be whole from being rounded down.
    return points - math.floor(points * ratio + 1e-9)


class FarthestPointSampling(nn.Module):
    """Picks points one by one, each the farthest from all picks before it, starting farthest from the centroid.

    Start and ties follow `priorities`; nothing is read but distances within the sample, so that the picks depend
    neither on the frame, nor on the order of the nodes, nor on the other samples. They are returned by priority,
    farthest from the centroid first: the order of picking would be as unambiguous, but rounding flips it more often.

    Which points are picked is a discrete choice: it changes where two distances cross, whatever the tolerance.
    """

    def __init__(self, ratio: float) -> None:
        """Set the fraction of the points to drop, 0 <= ratio < 1."""
        super().__init__()
        if not 0 <= ratio < 1:
            raise ValueError(f"ratio: expected a fraction of points to drop, 0 <= ratio < 1, got {ratio}")
        self.ratio = ratio

    def forward(self, positions: Tensor) -> Tensor:
        """Sample each cloud.

        Args:
            positions: [B, N, 3] float32 or float64.

        Returns:
            [B, M] int64 node numbers with M = kept_points(N, ratio).
        """
        # In float64 the comparisons add no rounding of their own to that of the coordinates.
        points, ranks = positions.detach().double(), priorities(positions)
        samples = torch.arange(len(points), device=points.device)
        share = (1 - FARTHEST_TIE) ** 2
        pick = ranks.argmax(-1)
        picks = [pick]
        squares = torch.full_like(points[..., 0], math.inf)
        # Every pick depends on all before it, so that this loop is the algorithm itself; each step is batched.
        for _ in range(kept_points(points.shape[-2], self.ratio) - 1):
            to_pick = (points - points[samples, pick].unsqueeze(-2)).square().sum(-1)
            squares = torch.minimum(squares, to_pick).index_put((samples, pick), to_pick.new_tensor(-1.0))
            is_farthest = squares >= share * squares.amax(-1, keepdim=True)
            pick = torch.where(is_farthest, ranks, -1).argmax(-1)
            picks.append(pick)
        chosen = torch.stack(picks, -1)
        return chosen.gather(-1, ranks.gather(-1, chosen).argsort(-1, descending=True))

    def extra_repr(self) -> str:
        """Show the fraction."""
        return f"ratio={self.ratio}"
