"""Geometric vector perceptrons (Jing et al. 2021), in lucidrains' and others' version."""

from __future__ import annotations

import torch
from geometric_vector_perceptron import GVP, GVPLayerNorm
from torch import Tensor, nn

import equivariance as eq


class Stack(nn.Module):
    """Two perceptrons with a normalization between them."""

    def __init__(self) -> None:
        """Eight features, four vectors."""
        super().__init__()
        self.first = GVP(dim_vectors_in=4, dim_vectors_out=6, dim_feats_in=8, dim_feats_out=8)
        self.norm = GVPLayerNorm(8)
        self.second = GVP(dim_vectors_in=6, dim_vectors_out=3, dim_feats_in=8, dim_feats_out=8)

    def forward(self, features: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """[N, 8] and [N, 3, 3]."""
        return self.second(self.norm(*self.first((features, vectors))))


def report() -> eq.Report:
    """Nothing is declared."""
    generator = torch.Generator().manual_seed(0)
    given = torch.randn(7, 8, generator=generator), torch.randn(7, 4, 3, generator=generator)
    return eq.diagnose(Stack(), given, group=["o3", "permutation"], samples=4)


CASES = {"GVP, GVPLayerNorm, GVP": report}
