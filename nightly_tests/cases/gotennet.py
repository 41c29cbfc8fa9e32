"""lucidrains' gotennet-pytorch."""

from __future__ import annotations

import torch
from gotennet_pytorch import GotenNet

import equivariance as eq
from nightly_tests.cases.clouds import cloud, numbers


def network() -> eq.Report:
    """Neither what it takes nor what it gives is declared."""
    module = GotenNet(dim=16, max_degree=2, depth=2, heads=2, dim_head=8, dim_edge_refinement=16, return_coors=True)
    inputs = (numbers(7, 5)[None], cloud(7)[None])
    return eq.diagnose(Given(module), inputs, group=["e3", "permutation"], samples=4)


class Given(torch.nn.Module):
    """By position: the network asks for coordinates by name."""

    def __init__(self, network: torch.nn.Module) -> None:
        """Keep it."""
        super().__init__()
        self.network = network

    def forward(self, atoms: torch.Tensor, coors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features [B, N, C] and what is added to coordinates [B, N, 3]."""
        features, change = self.network(atoms, coors=coors)
        return features, change


CASES = {"GotenNet": network}
