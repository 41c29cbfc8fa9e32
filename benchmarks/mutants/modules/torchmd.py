"""torchmd-net: the equivariant transformer, TensorNet, the graph network and the transformer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torchmdnet.models.model import create_model

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.modules import clouds

SETTINGS = {
    "embedding_dimension": 16, "num_layers": 2, "num_rbf": 8, "rbf_type": "expnorm", "trainable_rbf": False,
    "activation": "silu", "neighbor_embedding": True, "cutoff_lower": 0.0, "cutoff_upper": 5.0, "max_z": 10,
    "max_num_neighbors": 32, "output_model": "Scalar", "reduce_op": "add", "prior_model": None, "derivative": False,
    "equivariance_invariance_group": "O(3)", "num_heads": 2, "attn_activation": "silu", "distance_influence": "both",
    "aggr": "add", "static_shapes": False, "check_errors": False, "vector_cutoff": True, "atom_filter": -1,
}  # fmt: skip


class Energies(nn.Module):
    """Returns what the model predicts of the molecules, without forces."""

    def __init__(self, **options: Any) -> None:
        """In the default precision."""
        super().__init__()
        bits = 64 if torch.get_default_dtype() == torch.float64 else 32
        self.model = create_model({**SETTINGS, "precision": bits, **options})

    def forward(self, z: Tensor, pos: Tensor, batch: Tensor) -> Tensor:
        """Returns [B, 1], or [B, 3] for dipoles."""
        return self.model(z, pos, batch)[0]


def molecules(out: Law = clouds.PER_SAMPLE, **options: Any) -> Example:
    """Two molecules."""
    tensors = {"z": clouds.kinds(11, most=8) + 1, "pos": clouds.normal(11, 3, scale=1.5),
               "batch": clouds.batch_of((5, 6))}  # fmt: skip
    laws = {"z": clouds.FEATURES, "pos": clouds.POINTS, "batch": clouds.BATCH}
    return Example(lambda: Energies(**options), tensors, laws, (out,), modes=("eval",))


MODULES = {
    "equivariant transformer": lambda: molecules(model="equivariant-transformer"),
    "equivariant transformer, distances into keys": lambda: molecules(
        model="equivariant-transformer", distance_influence="keys", neighbor_embedding=False, vector_cutoff=False
    ),
    "equivariant transformer, mean": lambda: molecules(
        model="equivariant-transformer", reduce_op="mean", attn_activation="tanh", num_layers=1
    ),
    "TensorNet": lambda: molecules(model="tensornet"),
    "graph network": lambda: molecules(model="graph-network"),
    "transformer": lambda: molecules(model="transformer"),
}
