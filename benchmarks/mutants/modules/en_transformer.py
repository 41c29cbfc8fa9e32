"""en-transformer: attention with coordinates, dense, with neighbours, edges, bonds and masks."""

from __future__ import annotations

from typing import Any

import torch
from en_transformer import EnTransformer, EquivariantAttention
from torch import Tensor

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.modules import clouds

RESULTS = (clouds.DENSE_FEATURES, clouds.DENSE_POINTS)
SIZES = {"dim": 8, "dim_head": 32, "heads": 2}
MASK = torch.arange(7) < torch.tensor([[7], [6]])


def network(make: Any, more: dict[str, Tensor] | None = None, laws: dict[str, Law] | None = None, **options: Any) \
        -> Example:  # fmt: skip
    """A network on two clouds of seven nodes; `dim` is no length of a list."""
    tensors = {"feats": clouds.normal(2, 7, 8), "coors": clouds.normal(2, 7, 3, seed=1), **(more or {})}
    given = {"feats": clouds.DENSE_FEATURES, "coors": clouds.DENSE_POINTS, **(laws or {})}
    return Example(
        lambda: make(**SIZES, **options), tensors, given, RESULTS, unpack=tuple, keywords=tuple(more or {}),
        symmetries=options.pop("symmetries", ("translation", "rotation", "inversion", "permutation", "batch")),
        modes=("eval",),
    )  # fmt: skip


def edges() -> Example:
    """With features of pairs and a mask."""
    more = {"edges": clouds.normal(2, 7, 7, 4, seed=2), "mask": MASK}
    laws = {"edges": Law(nodes=(1, 2), samples=0), "mask": clouds.DENSE_FEATURES}
    return network(EnTransformer, more, laws, depth=1, edge_dim=4, neighbors=4)


def bonds() -> Example:
    """With bonds, whose degrees are made."""
    near = clouds.normal(7, 7, seed=3)
    return network(
        EnTransformer, {"adj_mat": (near + near.T) > 0.8}, {"adj_mat": Law(nodes=(0, 1))}, depth=1,
        num_adj_degrees=2, adj_dim=4,
    )  # fmt: skip


def attention(**options: Any) -> Example:
    """One layer of attention; it gives the changes of coordinates."""
    made = network(EquivariantAttention, **options)
    return Example(
        made.make, made.tensors, made.laws, (clouds.DENSE_FEATURES, clouds.DENSE_VECTORS), unpack=tuple,
        symmetries=made.symmetries, modes=("eval",),
    )  # fmt: skip


MODULES = {
    "EnTransformer": lambda: network(EnTransformer, depth=2),
    "EnTransformer, neighbours": lambda: network(EnTransformer, depth=1, neighbors=4),
    "EnTransformer, edges and mask": edges,
    "EnTransformer, bonds": bonds,
    "EnTransformer, talking heads": lambda: network(EnTransformer, depth=1, talking_heads=True, norm_rel_coors=False),
    "EquivariantAttention": attention,
    "EquivariantAttention, global": lambda: attention(num_global_linear_attn_heads=1, gate_outputs=False),
}
