"""se3-transformer-pytorch: attention over degrees, convolutions, EGNN layers. Its kernels have no parity."""

from __future__ import annotations

from typing import Any

import torch
from se3_transformer_pytorch import SE3Transformer
from torch import Tensor, nn

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.modules import clouds

SIZES = {"dim": 8, "heads": 2, "depth": 1, "dim_head": 4, "num_degrees": 2, "output_degrees": 2, "num_neighbors": 4}
LAWS = (clouds.DENSE_FEATURES, clouds.DENSE_VECTORS)
MASK = torch.arange(7) < torch.tensor([[7], [6]])


class Typed(nn.Module):
    """Lists the features of both degrees."""

    def __init__(self, network: nn.Module) -> None:
        """Keep the network."""
        super().__init__()
        self.network = network

    def forward(self, feats: Tensor, coors: Tensor, **more: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features [B, N, C] and vectors [B, N, C, 3]."""
        found = self.network(feats, coors, **more)
        return found["0"].squeeze(-1), found["1"]


def network(more: dict[str, Tensor] | None = None, laws: dict[str, Law] | None = None, **options: Any) -> Example:
    """One layer on two samples of seven points."""
    tensors = {"feats": clouds.normal(2, 7, 8), "coors": clouds.normal(2, 7, 3, seed=1), **(more or {})}
    given = {"feats": clouds.DENSE_FEATURES, "coors": clouds.DENSE_POINTS, **(laws or {})}
    return Example(
        lambda: Typed(SE3Transformer(**{**SIZES, **options})), tensors, given, LAWS, unpack=tuple,
        keywords=tuple(more or {}), symmetries=("translation", "rotation", "permutation", "batch"), modes=("eval",),
    )  # fmt: skip


def adjacency() -> Example:
    """With bonds, whose degrees are made."""
    near = clouds.normal(7, 7, seed=3)
    return network(
        {"adj_mat": (near + near.T) > 0.8}, {"adj_mat": Law(nodes=(0, 1))}, num_adj_degrees=2, adj_dim=4,
    )  # fmt: skip


def edges() -> Example:
    """With features of pairs and a mask."""
    more = {"edges": clouds.normal(2, 7, 7, 4, seed=2), "mask": MASK}
    laws = {"edges": Law(nodes=(1, 2), samples=0), "mask": clouds.DENSE_FEATURES}
    return network(more, laws, edge_dim=4, norm_gated_scale=True)


MODULES = {
    "SE3Transformer": network,
    "SE3Transformer, self-attention of another kind": lambda: network(
        attend_self=False, use_null_kv=True, one_headed_key_values=True, norm_out=True
    ),
    "SE3Transformer, edges and mask": edges,
    "SE3Transformer, adjacency": adjacency,
    "SE3Transformer, linear keys": lambda: network(linear_proj_keys=True, num_conv_layers=1, fourier_encode_dist=True),
    "SE3Transformer, EGNN": lambda: network(use_egnn=True, egnn_feedforward=True, depth=2, num_edge_tokens=None),
    "SE3Transformer, rotary": lambda: network(rotary_rel_dist=True, dim_head=8),
}
