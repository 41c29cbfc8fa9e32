"""lucidrains' equiformer-pytorch. SE(3) only: its kernels have no parity."""

from __future__ import annotations

import torch
from equiformer_pytorch import Equiformer

import equivariance as eq
from nightly_tests.cases.clouds import cloud, numbers

OUT = (eq.Invariant(nodes=1, batch=0), eq.Irreps("1x1o", nodes=1, batch=0))


class Types(torch.nn.Module):
    """Features of both degrees."""

    def __init__(self, **options: object) -> None:
        """A small network."""
        super().__init__()
        self.network = Equiformer(
            num_tokens=5, dim=(8, 4), num_degrees=2, heads=(2, 1), dim_head=(4, 4), depth=2, num_neighbors=4,
            reduce_dim_out=False, radial_hidden_dim=8, **options,
        )  # fmt: skip

    def forward(self, tokens: torch.Tensor, coors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Degree 0 [B, N, C] and degree 1 [B, N, C, 3]."""
        made = self.network(tokens, coors, torch.ones(tokens.shape, dtype=torch.bool))
        return made.type0, made.type1


def network(**options: object) -> eq.Report:
    """The inputs are not declared."""
    inputs = (numbers(7, 5)[None], cloud(7)[None])
    return eq.diagnose(Types(**options), inputs, irreps_out=OUT, group=["se3", "permutation"], samples=3)


CASES = {
    "Equiformer": network,
    "Equiformer(l2_dist_attention=False)": lambda: network(l2_dist_attention=False),
}
