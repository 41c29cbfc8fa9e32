"""Upsampling by inverse distance weighting (report, section 6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from se3unet.fibers import Fibers

# The known points within this multiple of the nearest one's distance always count, however few are asked for: a shell
# of ties around a point is taken whole, and the weights never all vanish.
NEAREST_SHELL = 1.1


class Upsample(nn.Module):
    """Estimates features at every point of the finer cloud from those at the known points near it.

    f_i = sum_j w_ij f_j / sum_j w_ij with w_ij = u(d_ij / R_i) / d_ij^p (report, eq. 6 and 7). The envelope
    u(x) = (1 - x^4)^2 for x < 1 restricts the sum to the nearest known points and makes it independent of which of two
    tied points is the last: R_i is the distance to the m-th nearest. A known point at the same place gives its value
    exactly. Weights are relative to the nearest point, so that no power overflows.

    Time and memory grow with N M.
    """

    def __init__(self, neighbours: int, power: float) -> None:
        """Set the number m of known points and the power p > 0."""
        super().__init__()
        if neighbours < 1:
            raise ValueError(f"neighbours: expected 1 or more, got {neighbours}")
        if not power > 0:
            raise ValueError(f"power: expected a number above 0, got {power}")
        self.neighbours = neighbours
        self.power = power

    def forward(self, fibers: Fibers, coarse_positions: Tensor, fine_positions: Tensor) -> Fibers:
        """Interpolate.

        Args:
            fibers: [B, M, C_l, 2l+1] at the known points.
            coarse_positions: [B, M, 3] of the known points.
            fine_positions: [B, N, 3] of the points asked for.

        Returns:
            fibers [B, N, C_l, 2l+1].

        Raises:
            ValueError: there are fewer than m known points.
        """
        if coarse_positions.shape[-2] < self.neighbours:
            raise ValueError(
                f"coarse_positions: expected neighbours={self.neighbours} known points or more, "
                f"got {coarse_positions.shape[-2]}"
            )
        weights = self._weights(coarse_positions, fine_positions)
        return {
            degree: (weights @ feature.flatten(2)).unflatten(-1, feature.shape[2:])
            for degree, feature in fibers.items()
        }

    def _weights(self, coarse_positions: Tensor, fine_positions: Tensor) -> Tensor:
        """Weights [B, N, M] of the known points, each row of sum 1."""
        # Differences, not the expanded square, which cancels.
        distances = torch.cdist(fine_positions, coarse_positions, compute_mode="donot_use_mm_for_euclid_dist")
        nearest = distances.topk(self.neighbours, largest=False, sorted=True).values
        closest, reach = nearest[..., :1], torch.maximum(nearest[..., -1:], NEAREST_SHELL * nearest[..., :1])
        is_known = closest == 0
        # Rows with a known point at distance 0 divide by ones, whose gradients are finite, and are replaced below.
        distances_or_one = torch.where(is_known, torch.ones_like(distances), distances)
        ratio = (distances / torch.where(is_known, torch.ones_like(reach), reach)).clamp(max=1)
        inverse = (torch.where(is_known, torch.ones_like(closest), closest) / distances_or_one) ** self.power
        weights = torch.where(is_known, (distances == 0).to(distances), inverse * (1 - ratio**4).square())
        return weights / weights.sum(-1, keepdim=True)

    def extra_repr(self) -> str:
        """Show m and p."""
        return f"neighbours={self.neighbours}, power={self.power}"
