"""nequip: a small interatomic potential."""

from __future__ import annotations

import torch
from nequip.model import NequIPGNNModel
from nequip.utils.global_state import set_global_state

import equivariance as eq
from nightly_tests.cases.clouds import cloud, radius_graph
from nightly_tests.cases.planted import leaking

set_global_state()
GROUPS = ["e3", "permutation"]
OUT = {
    "total_energy": eq.Invariant(nodes=None, batch=None),
    "atomic_energy": eq.Invariant(nodes=0, batch=None),
    "forces": eq.Irreps("1x1o", nodes=0, batch=None),
}


class Picked(torch.nn.Module):
    """Some fields of what a model gives."""

    def __init__(self, model: torch.nn.Module, keys: tuple[str, ...]) -> None:
        """Keep both."""
        super().__init__()
        self.model, self.keys = model, keys

    def forward(self, data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """These fields alone."""
        result = self.model(dict(data))
        return {key: result[key] for key in self.keys}


def model() -> torch.nn.Module:
    """Two layers."""
    return NequIPGNNModel(
        seed=1, model_dtype="float32", type_names=["H", "O"], r_max=4.0, num_layers=2, l_max=1, parity=True,
        num_features=4, avg_num_neighbors=4.0, radial_mlp_width=8,
    )  # fmt: skip


def molecule() -> dict[str, torch.Tensor]:
    """Six atoms."""
    pos = cloud()
    return {"pos": pos, "atom_types": torch.tensor([0, 1, 0, 1, 1, 0]), "edge_index": radius_graph(pos, 4.0),
            "batch": torch.zeros(6, dtype=torch.int64), "num_atoms": torch.tensor([6])}  # fmt: skip


def energies(broken: bool = False) -> eq.Report:
    """Layer by layer: the model without its derivative."""
    keys = ("total_energy", "atomic_energy")
    energy = Picked(leaking(model().model.func) if broken else model().model.func, keys)
    return eq.diagnose(energy, (molecule(),), irreps_out={k: OUT[k] for k in keys}, group=GROUPS, samples=3)


def forces() -> eq.Report:
    """As a whole."""
    return eq.check(Picked(model(), tuple(OUT)), (molecule(),), irreps_out=OUT, group=GROUPS, samples=3)


CASES = {
    "NequIPGNNModel, energies": energies,
    "NequIPGNNModel, energies and forces": forces,
    "planted: a bias on vectors, energies": lambda: energies(True),
}
