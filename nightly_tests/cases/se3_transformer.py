"""lucidrains' se3-transformer-pytorch. SE(3) only: its kernels have no parity."""

from __future__ import annotations

import torch
from se3_transformer_pytorch import SE3Transformer

import equivariance as eq
from nightly_tests.cases.clouds import cloud


class Typed(torch.nn.Module):
    """Features of one degree."""

    def __init__(self, degree: int) -> None:
        """A small network."""
        super().__init__()
        options = {"dim": 8, "heads": 2, "depth": 2, "dim_head": 4, "num_degrees": 2, "output_degrees": 2}
        self.network, self.degree = SE3Transformer(**options, num_neighbors=4), degree

    def forward(self, feats: torch.Tensor, coors: torch.Tensor) -> torch.Tensor:
        """Degree 0 [B, N, C] or degree 1 [B, N, C, 3]."""
        mask = torch.ones(feats.shape[:2], dtype=torch.bool)
        return self.network(feats, coors, mask, return_type=self.degree)


def transformer(degree: int) -> eq.Report:
    """The inputs are not declared."""
    laws = {0: eq.Invariant(nodes=1, batch=0), 1: eq.Irreps("1x1o", nodes=1, batch=0)}
    inputs = (torch.randn(1, 7, 8), cloud(7)[None])
    return eq.diagnose(Typed(degree), inputs, irreps_out=laws[degree], group=["se3", "permutation"], samples=3)


CASES = {f"SE3Transformer, degree {degree}": (lambda degree=degree: transformer(degree)) for degree in (0, 1)}
