"""Upsampling by inverse distance weighting (report, section 6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from se3unet.geometry.graph import Graph, envelope, gather, nearest_known
from se3unet.geometry.neighbourhoods import gathered_sums
from se3unet.layers.fibers import Fibers

# A known point counts up to this multiple of the distance to the nearest one, also if the reach is shorter: a shell of
# ties around a point is included completely, and the weights never all vanish.
NEAREST_SHELL = 1.1
# A known point of presence 1/2 at the place of a point has the weight of a fully present one at this share of the
# reach: about the weight of all others together.
FADED_DISTANCE = 0.15


class Upsample(nn.Module):
    """Estimates features at every point of the finer cloud from the known points in its neighbourhood.

    f_i = sum_j w_ij f_j / sum_j w_ij with w_ij = m_j u(d_ij / R_i) / (d_ij^p + (1 - m_j) (0.15 R_i)^p). For points of
    presence m_j = 1, the formula is the inverse distance weighting of the report (eq. 6 and 7), in a neighbourhood that
    ends smoothly at its reach R_i. A present point at the place of i gives its value exactly. Points of small presence
    have small weights at every place.
    """

    def __init__(self, power: float) -> None:
        """Sets the power p > 0."""
        super().__init__()
        if not power > 0:
            raise ValueError(f"power: expected a number above 0, got {power}")
        self.power = power

    def forward(self, fibers: Fibers, coarse: Graph, fine: Graph) -> Fibers:
        """Interpolates features.

        Args:
            fibers: [B, M, C_l, 2l+1] at the known points.
            coarse: Graph of the M known points; their positions and presence are read.
            fine: Graph of the N query points; their positions and reach are read.

        Returns:
            Fibers [B, N, C_l, 2l+1].
        """
        known, reach = _known_within_reach(coarse, fine)
        weights = self._weights(coarse, fine, known, reach)
        return {degree: gathered_sums(weights, feature, known) for degree, feature in fibers.items()}

    def _weights(self, coarse: Graph, fine: Graph, known: Tensor, reach: Tensor) -> Tensor:
        """Computes weights [B, N, W] of the known points [B, N, W] int64 of each point; each row sums to 1."""
        distances = _distances(coarse, fine, known)
        presence = gather(coarse.presence, known)
        is_here = distances == 0
        is_exact = is_here & (presence == 1)
        # Powers in logarithms do not overflow. Zeros are excluded, because their gradients are not finite.
        near = self.power * torch.where(is_here, torch.ones_like(distances), distances).log()
        near = near.masked_fill(is_here & ~is_exact, -torch.inf)
        fade = torch.log1p(-presence) + self.power * (FADED_DISTANCE * reach).log().unsqueeze(-1)
        costs = torch.logaddexp(near, fade)
        inverse = (costs.detach().amin(-1, keepdim=True) - costs).exp()
        weights = presence * envelope(distances, reach) * inverse
        weights = torch.where(is_exact.any(-1, keepdim=True), is_exact.to(weights), weights)
        return weights / weights.sum(-1, keepdim=True)

    def extra_repr(self) -> str:
        """Shows p."""
        return f"power={self.power}"


def _distances(coarse: Graph, fine: Graph, known: Tensor) -> Tensor:
    return torch.linalg.vector_norm(fine.positions.unsqueeze(-2) - gather(coarse.positions, known), dim=-1)


@torch.compiler.disable
def _known_within_reach(coarse: Graph, fine: Graph) -> tuple[Tensor, Tensor]:
    """Returns numbers [B, N, W] int64 of the W nearest known points, with all in reach, and the reach [B, N]."""
    total = coarse.positions.shape[1]
    # If the known points are a subset of the points, at most the neighbours, the point itself and one more lie within
    # reach; otherwise there may be more.
    width = min(total, fine.neighbours.shape[-1] + 2)
    while True:
        known = nearest_known(fine.positions, coarse.positions, width)
        distances = _distances(coarse, fine, known)
        reach = torch.maximum(fine.reach, NEAREST_SHELL * distances[..., 0])
        # Among duplicates the reach may be 0; any unit of length is then valid.
        reach = torch.where(reach > 0, reach, torch.ones_like(reach))
        if width == total or bool((distances[..., -1] >= reach).all()):
            return known, reach
        width = min(total, 2 * width)
