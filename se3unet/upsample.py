"""Upsampling by inverse distance weighting (report, section 6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from se3unet.fibers import Fibers
from se3unet.graph import Graph, envelope

# A known point counts up to this multiple of the distance to the nearest one, however short the reach: a shell of ties
# around a point is taken whole, and the weights never all vanish.
NEAREST_SHELL = 1.1


class Upsample(nn.Module):
    """Estimates features at every point of the finer cloud from the known points in its neighbourhood.

    f_i = sum_j w_ij f_j / sum_j w_ij with w_ij = m_j u(d_ij / R_i) / d_ij^p (report, eq. 6 and 7): the neighbourhood of
    i ends smoothly at its reach R_i, and m_j is the presence of the known point. A known point at the place of i gives
    its value exactly, at presence 1; at less it shares with the others. Weights are relative to the nearest point, so
    that no power overflows.

    Time and memory grow with N M.
    """

    def __init__(self, power: float) -> None:
        """Set the power p > 0."""
        super().__init__()
        if not power > 0:
            raise ValueError(f"power: expected a number above 0, got {power}")
        self.power = power

    def forward(self, fibers: Fibers, coarse: Graph, fine: Graph) -> Fibers:
        """Interpolate.

        Args:
            fibers: [B, M, C_l, 2l+1] at the known points.
            coarse: graph of the M known points; their positions and presence are read.
            fine: graph of the N points asked for; their positions and reach are read.

        Returns:
            fibers [B, N, C_l, 2l+1].
        """
        weights = self._weights(coarse, fine)
        return {
            degree: (weights @ feature.flatten(2)).unflatten(-1, feature.shape[2:])
            for degree, feature in fibers.items()
        }

    def _weights(self, coarse: Graph, fine: Graph) -> Tensor:
        """Weights [B, N, M] of the known points, each row of sum 1."""
        # Differences, not the expanded square, which cancels.
        distances = torch.cdist(fine.positions, coarse.positions, compute_mode="donot_use_mm_for_euclid_dist")
        presence = coarse.presence.unsqueeze(-2)
        is_here = distances == 0
        others = self._inverse_powers(distances, is_here, fine.reach) * presence
        total = others.sum(-1, keepdim=True)
        others = others / torch.where(total > 0, total, torch.ones_like(total))
        here = is_here * presence
        most = here.amax(-1, keepdim=True)
        share = torch.where(total > 0, most, (most > 0).to(most))
        here = here / torch.where(most > 0, here.sum(-1, keepdim=True), torch.ones_like(most))
        return share * here + (1 - share) * others

    def _inverse_powers(self, distances: Tensor, is_here: Tensor, reach: Tensor) -> Tensor:
        """Values [B, N, M] of u(d / R) / d^p up to a factor per point, 0 where d is."""
        # Ones in place of zeros, whose powers have no finite gradient.
        apart = torch.where(is_here, torch.ones_like(distances), distances)
        nearest = torch.where(is_here, torch.inf, distances).amin(-1, keepdim=True)
        closest = distances.amin(-1)
        weights = envelope(distances, torch.maximum(reach, NEAREST_SHELL * closest))
        relative = torch.where(nearest.isfinite(), nearest, torch.ones_like(nearest)) / apart
        return torch.where(is_here, torch.zeros_like(weights), weights * relative**self.power)

    def extra_repr(self) -> str:
        """Show p."""
        return f"power={self.power}"
