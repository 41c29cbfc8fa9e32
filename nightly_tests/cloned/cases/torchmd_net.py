"""torchmd/torchmd-net: the equivariant transformer and TensorNet, energies and forces."""

from __future__ import annotations

import torch
from torchmdnet.models.model import create_model

from nightly_tests.cloned.example import Example, Law
from nightly_tests.cloned.graphs import NODES, POSITIONS, SAMPLE_OF, positions, sizes
from nightly_tests.torchmd_settings import SETTINGS


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
