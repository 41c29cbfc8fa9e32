"""VN-transformer: attention over vector neurons, for rotations about the origin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from VN_transformer import VNAttention, VNInvariant, VNTransformer, VNTransformerEncoder, VNWeightedPool

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.modules import clouds

TURNED = ("rotation", "inversion", "permutation", "batch")
MASK = torch.arange(7) < torch.tensor([[7], [6]])
CHANNELS = Law("1o", nodes=1, samples=0)


def network(**options: Any) -> Example:
    """Two layers on two clouds of seven points."""
    settings = {"dim": 8, "depth": 2, "dim_head": 4, "heads": 2, **options}
    tensors = {"coors": clouds.normal(2, 7, 3), "mask": MASK}
    return Example(
        lambda: VNTransformer(**settings), tensors,
        {"coors": clouds.DENSE_VECTORS, "mask": clouds.DENSE_FEATURES}, (clouds.DENSE_VECTORS,), symmetries=TURNED,
        keywords=("mask",), modes=("eval",),
    )  # fmt: skip


def layer(make: Callable[[], nn.Module], out: Law = CHANNELS) -> Example:
    """A layer on eight vectors for each of seven nodes."""
    return Example(make, {"x": clouds.normal(2, 7, 8, 3)}, {"x": CHANNELS}, (out,), symmetries=TURNED, modes=("eval",))


class Pooled(nn.Module):
    """Two layers of attention, and the mean over the nodes."""

    def __init__(self) -> None:
        """A small one."""
        super().__init__()
        self.encoder = VNTransformerEncoder(8, depth=1, dim_head=4, heads=2, final_norm=True)
        self.pool = VNWeightedPool(8)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, 8, 3]."""
        return self.pool(self.encoder(x))


MODULES = {
    "VNTransformer": network,
    "VNTransformer, distances": lambda: network(l2_dist_attn=True),
    "VNTransformer, one layer": lambda: network(depth=1, heads=1, dim_head=8),
    "VNAttention": lambda: layer(lambda: VNAttention(8, dim_head=4, heads=2)),
    "VNTransformerEncoder": lambda: layer(lambda: VNTransformerEncoder(8, depth=2, dim_head=4, heads=2)),
    "VNTransformerEncoder, VNWeightedPool": lambda: layer(Pooled, Law("1o", samples=0)),
    "VNInvariant": lambda: layer(
        lambda: nn.Sequential(VNTransformerEncoder(8, depth=1, dim_head=4, heads=2), VNInvariant(8)),
        clouds.DENSE_FEATURES,
    ),
}  # fmt: skip
