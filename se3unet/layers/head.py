"""The first features of the network and its head, which reads invariants only."""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor, nn

from se3unet.geometry.ties import centre
from se3unet.layers.fibers import Fibers, channels_by_degree, check_fibers


class Embed(nn.Module):
    """First features of a cloud: the constant 1 as type 0, the position relative to the centroid as type 1."""

    irreps_out = o3.Irreps("1x0e+1x1e")

    def forward(self, positions: Tensor) -> Fibers:
        """Maps positions [B, N, 3] to fibers {0: [B, N, 1, 1], 1: [B, N, 1, 3]}."""
        return {0: torch.ones_like(positions[..., :1, None]), 1: centre(positions).unsqueeze(-2)}


class InvariantHead(nn.Module):
    """Computes logits from the invariants of the features of a node.

    The invariants are the type-0 channels and, for each higher degree, the norms of the channels and the inner products
    of every two, divided by 2l+1. A product p enters as p / sqrt(1 + |p|), which is linear in large features. They are
    invariants of SO(3), not of O(3): the inner product of a vector and a pseudovector is odd under reflections.
    """

    def __init__(self, irreps_in: o3.Irreps | str, outputs: int, width: int) -> None:
        """Sets up LayerNorm, Linear, ReLU, Linear on the invariants.

        Args:
            irreps_in: Fibers of the nodes.
            outputs: Logits per node.
            width: Hidden units.
        """
        super().__init__()
        self.irreps_in = o3.Irreps(irreps_in)
        channels = channels_by_degree(self.irreps_in)
        invariants = sum(count if degree == 0 else count * (count + 1) // 2 for degree, count in channels.items())
        self.irreps_out = o3.Irreps(f"{outputs}x0e")
        self.mlp = nn.Sequential(
            nn.LayerNorm(invariants), nn.Linear(invariants, width), nn.ReLU(), nn.Linear(width, outputs)
        )

    def forward(self, fibers: Fibers) -> Tensor:
        """Maps fibers [..., C_l, 2l+1] to logits [..., outputs]."""
        check_fibers("fibers", fibers, self.irreps_in)
        parts = [_scalars(feature) if degree == 0 else _invariants(feature) for degree, feature in fibers.items()]
        return self.mlp(torch.cat(parts, -1))


def _scalars(feature: Tensor) -> Tensor:
    return feature.squeeze(-1)


def _invariants(feature: Tensor) -> Tensor:
    """Returns norms and compressed inner products [..., C (C + 1) / 2] of [..., C, 2l+1]."""
    channels, components = feature.shape[-2:]
    first, second = torch.triu_indices(channels, channels, 1, device=feature.device)
    products = (feature @ feature.transpose(-1, -2))[..., first, second] / components
    norms = torch.linalg.vector_norm(feature, dim=-1) / components**0.5
    return torch.cat([norms, products / (1 + products.abs()).sqrt()], -1)
