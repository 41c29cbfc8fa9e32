"""Batch normalization of irreps, in versions of e3nn that run beside today's PyTorch only in part."""

from __future__ import annotations

import torch
from e3nn import nn, o3

import equivariance as eq

IRREPS = ("2x0o+1x1o", "2x0e+1x1o", "1x0e+2x1e+1x2o")


def norm(irreps: str) -> eq.Report:
    """Nothing is declared: the module states its irreps."""
    return eq.diagnose(nn.BatchNorm(irreps), torch.randn(9, o3.Irreps(irreps).dim), group=["o3"], samples=4)


CASES = {f"BatchNorm({irreps})": (lambda irreps=irreps: norm(irreps)) for irreps in IRREPS}
