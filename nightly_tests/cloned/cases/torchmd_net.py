"""torchmd/torchmd-net: the equivariant transformer and TensorNet, energies and forces."""

from __future__ import annotations

import torch
from torchmdnet.models.model import create_model

from nightly_tests.cloned.example import Example, Law
from nightly_tests.cloned.graphs import NODES, POSITIONS, SAMPLE_OF, positions, sizes

SETTINGS = {
    "embedding_dimension": 16, "num_layers": 2, "num_rbf": 8, "rbf_type": "expnorm", "trainable_rbf": False,
    "activation": "silu", "neighbor_embedding": True, "cutoff_lower": 0.0, "cutoff_upper": 5.0, "max_z": 10,
    "max_num_neighbors": 32, "output_model": "Scalar", "reduce_op": "add", "precision": 32, "prior_model": None,
    "equivariance_invariance_group": "O(3)", "num_heads": 2, "attn_activation": "silu", "distance_influence": "both",
    "aggr": "add", "static_shapes": False, "check_errors": False, "vector_cutoff": True, "atom_filter": -1,
}  # fmt: skip


def potential(model: str, forces: bool) -> Example:
    """Two molecules of 7 and 5 atoms."""
    module = create_model({**SETTINGS, "model": model, "derivative": forces})
    tensors = {"z": torch.randint(1, 9, (12,)), "pos": positions(12), "batch": sizes(7, 5)}
    results = (Law(samples=0), Law("vector", nodes=0)) if forces else (Law(samples=0),)
    return Example(
        module, tensors, {"z": NODES, "pos": POSITIONS, "batch": SAMPLE_OF},
        pack=lambda t: (t["z"], t["pos"], t["batch"]), unpack=lambda out: out[: len(results)], results=results,
    )  # fmt: skip


CASES = {
    "equivariant transformer": lambda: potential("equivariant-transformer", forces=False),
    "TensorNet": lambda: potential("tensornet", forces=False),
    "TensorNet and forces": lambda: potential("tensornet", forces=True),
}
