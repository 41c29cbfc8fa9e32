"""nequip: small interatomic potentials, without the derivative that makes forces."""

from __future__ import annotations

from typing import Any

import torch
from nequip.model import NequIPGNNModel
from nequip.utils.global_state import set_global_state
from torch import Tensor, nn

from benchmarks.mutants.example import Example
from benchmarks.mutants.modules import clouds

set_global_state()
SIZES = {"seed": 1, "type_names": ["H", "O"], "r_max": 6.0, "num_layers": 2, "l_max": 1, "parity": True,
         "num_features": 4, "avg_num_neighbors": 4.0, "radial_mlp_width": 8}  # fmt: skip


class Energies(nn.Module):
    """Makes the dictionary that the library wants, and reads energies of molecules and atoms."""

    def __init__(self, **options: Any) -> None:
        """In the default precision."""
        super().__init__()
        dtype = str(torch.get_default_dtype()).removeprefix("torch.")
        torch.set_default_dtype(torch.float64)
        try:
            self.network = NequIPGNNModel(**{**SIZES, "model_dtype": dtype, **options}).model.func
        finally:
            torch.set_default_dtype(getattr(torch, dtype))

    def forward(self, atom_types: Tensor, pos: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Returns [B, 1] and [N, 1]."""
        data = {"atom_types": atom_types, "pos": pos, "edge_index": edge_index, "batch": batch,
                "num_atoms": torch.bincount(batch)}  # fmt: skip
        found = self.network(data)
        return found["total_energy"], found["atomic_energy"]


def molecules(**options: Any) -> Example:
    """Two molecules."""
    tensors = {"atom_types": clouds.kinds(11, most=2), "pos": clouds.normal(11, 3, scale=1.5),
               "edge_index": clouds.pairs((5, 6)), "batch": clouds.batch_of((5, 6))}  # fmt: skip
    laws = {"atom_types": clouds.FEATURES, "pos": clouds.POINTS, "edge_index": clouds.EDGES, "batch": clouds.BATCH}
    return Example(
        lambda: Energies(**options), tensors, laws, (clouds.PER_SAMPLE, clouds.FEATURES), unpack=tuple,
        symmetries=("translation", "rotation", "inversion", "permutation", "edges", "batch"), modes=("eval",),
        components=(3, 4, 9, 16, 32),
    )  # fmt: skip


MODULES = {
    "NequIP": molecules,
    "NequIP, degree 2": lambda: molecules(l_max=2),
    "NequIP, even features": lambda: molecules(parity=False),
    "NequIP, one layer": lambda: molecules(num_layers=1, radial_mlp_depth=2),
}
