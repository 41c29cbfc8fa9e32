"""invariant-point-attention: attention over residues with frames; the rows of a rotation are vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from invariant_point_attention import InvariantPointAttention, IPABlock
from torch import Tensor, nn

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.modules import clouds

MASK = torch.arange(7) < torch.tensor([[7], [6]])
SIZES = {"dim": 8, "heads": 2, "scalar_key_dim": 4, "scalar_value_dim": 4}


def residues(make: Callable[[], nn.Module], *more: str) -> Example:
    """Two chains of seven residues."""
    rotations = torch.linalg.qr(clouds.normal(2, 7, 3, 3, seed=1))[0]
    tensors = {"single_repr": clouds.normal(2, 7, 8), "rotations": rotations,
               "translations": clouds.normal(2, 7, 3, seed=2)}  # fmt: skip
    laws = {"single_repr": clouds.DENSE_FEATURES, "rotations": clouds.DENSE_VECTORS,
            "translations": clouds.DENSE_POINTS}  # fmt: skip
    given = {"mask": MASK, "pairwise_repr": clouds.normal(2, 7, 7, 4, seed=3)}
    kinds = {"mask": clouds.DENSE_FEATURES, "pairwise_repr": Law(nodes=(1, 2), samples=0)}
    return Example(
        make, {**tensors, **{n: given[n] for n in more}}, {**laws, **{n: kinds[n] for n in more}},
        (clouds.DENSE_FEATURES,), keywords=("rotations", "translations", *more), modes=("eval",),
        symmetries=("translation", "rotation", "permutation", "batch"),
    )  # fmt: skip


class Blocks(nn.Module):
    """Two blocks."""

    def __init__(self, **options: Any) -> None:
        """Small ones."""
        super().__init__()
        self.blocks = nn.ModuleList([IPABlock(**SIZES, **options) for _ in range(2)])

    def forward(self, single_repr: Tensor, **more: Tensor) -> Tensor:
        """Returns features [B, N, 8]."""
        for block in self.blocks:
            single_repr = block(single_repr, **more)
        return single_repr


PAIRS = {"pairwise_repr_dim": 4}
ALONE = {"require_pairwise_repr": False}
MODULES = {
    "InvariantPointAttention": lambda: residues(lambda: InvariantPointAttention(**SIZES, **ALONE)),
    "InvariantPointAttention, mask": lambda: residues(lambda: InvariantPointAttention(**SIZES, **ALONE), "mask"),
    "InvariantPointAttention, pairs": lambda: residues(
        lambda: InvariantPointAttention(**SIZES, **PAIRS), "pairwise_repr", "mask"
    ),
    "IPABlock": lambda: residues(lambda: IPABlock(**SIZES, **ALONE)),
    "IPABlock, pairs, before": lambda: residues(
        lambda: IPABlock(**SIZES, **PAIRS, post_norm=False), "pairwise_repr"
    ),
    "IPABlock, two": lambda: residues(lambda: Blocks(**ALONE), "mask"),
}  # fmt: skip
