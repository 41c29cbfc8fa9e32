"""equiformer-pytorch: attention by distances, by scalar products, and by perceptrons. Its kernels have no parity."""

from __future__ import annotations

from typing import Any

import torch
from equiformer_pytorch import Equiformer
from torch import Tensor, nn

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.modules import clouds

SIZES = {"num_tokens": 5, "dim": (8, 4), "num_degrees": 2, "heads": (2, 1), "dim_head": (4, 4), "depth": 1,
         "num_neighbors": 4, "reduce_dim_out": False, "radial_hidden_dim": 8}  # fmt: skip
MASK = torch.arange(7) < torch.tensor([[7], [6]])


class Typed(nn.Module):
    """Lists the features of both degrees."""

    def __init__(self, network: nn.Module) -> None:
        """Keep the network."""
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, coors: Tensor, **more: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features [B, N, C] and vectors [B, N, C, 3]."""
        found = self.network(tokens, coors, **more)
        return found.type0, found.type1


def network(more: dict[str, Tensor] | None = None, laws: dict[str, Law] | None = None, **options: Any) -> Example:
    """One layer on two samples of seven points."""
    tensors = {"tokens": clouds.kinds(2, 7, most=5), "coors": clouds.normal(2, 7, 3, seed=1), **(more or {})}
    given = {"tokens": clouds.DENSE_FEATURES, "coors": clouds.DENSE_POINTS, **(laws or {})}
    return Example(
        lambda: Typed(Equiformer(**{**SIZES, **options})), tensors, given,
        (clouds.DENSE_FEATURES, clouds.DENSE_VECTORS), unpack=tuple, keywords=tuple(more or {}),
        symmetries=("translation", "rotation", "permutation", "batch"), modes=("eval",),
    )  # fmt: skip


def edges() -> Example:
    """With features of pairs and a mask."""
    more = {"edges": clouds.normal(2, 7, 7, 4, seed=2), "mask": MASK}
    laws = {"edges": Law(nodes=(1, 2), samples=0), "mask": clouds.DENSE_FEATURES}
    return network(more, laws, edge_dim=4)


MODULES = {
    "Equiformer": network,
    "Equiformer, one head for keys": lambda: network(single_headed_kv=True, ff_include_htype_norms=True),
    "Equiformer, edges and mask": edges,
    "Equiformer, perceptrons": lambda: network(l2_dist_attention=False),
    "Equiformer, perceptrons, norms": lambda: network(l2_dist_attention=False, ff_include_htype_norms=True),
    "Equiformer, perceptrons, two layers": lambda: network(l2_dist_attention=False, depth=2, single_headed_kv=True),
    "Equiformer, perceptrons, one channel": lambda: network(l2_dist_attention=False, reduce_dim_out=True),
}
