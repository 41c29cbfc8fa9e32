"""mace-torch: a small interatomic potential."""

from __future__ import annotations

import numpy as np
import torch
from e3nn import o3
from mace import modules

import equivariance as eq
from nightly_tests.cases.clouds import cloud, radius_graph
from nightly_tests.cases.planted import leaking

GROUPS = ["e3", "permutation"]
OUT = {
    "energy": eq.Invariant(nodes=None, batch=None),
    "node_energy": eq.Invariant(nodes=0, batch=None),
    "forces": eq.Irreps("1x1o", nodes=0, batch=None),
}


class Potential(torch.nn.Module):
    """MACE with or without forces."""

    def __init__(self, forces: bool) -> None:
        """Two interactions."""
        super().__init__()
        self.keys = tuple(OUT) if forces else ("energy", "node_energy")
        self.network = modules.MACE(
            r_max=4.0, num_bessel=4, num_polynomial_cutoff=5, max_ell=2, num_interactions=2, num_elements=2,
            interaction_cls=modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
            interaction_cls_first=modules.interaction_classes["RealAgnosticInteractionBlock"],
            hidden_irreps=o3.Irreps("4x0e+4x1o"), MLP_irreps=o3.Irreps("4x0e"), correlation=2,
            atomic_energies=np.array([-1.0, -2.0]), avg_num_neighbors=4.0, atomic_numbers=[1, 8],
            gate=torch.nn.functional.silu,
        )  # fmt: skip

    def forward(self, data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Energies, and forces if wanted."""
        result = self.network(dict(data), compute_force="forces" in self.keys)
        return {key: result[key] for key in self.keys}


def molecule() -> dict[str, torch.Tensor]:
    """Six atoms in a large cell; the fields that MACE's own loader makes."""
    pos = cloud()
    edges = radius_graph(pos, 4.0)
    kinds = torch.nn.functional.one_hot(torch.tensor([0, 1, 0, 1, 1, 0]), 2).float()
    shifts = torch.zeros(edges.shape[1], 3)
    return {"positions": pos, "node_attrs": kinds, "edge_index": edges, "shifts": shifts, "unit_shifts": shifts.clone(),
            "cell": 20 * torch.eye(3), "batch": torch.zeros(6, dtype=torch.int64), "ptr": torch.tensor([0, 6]),
            "head": torch.tensor([0])}  # fmt: skip


def potential(forces: bool, broken: bool = False) -> eq.Report:
    """Layer by layer without forces, as a whole with them."""
    module = leaking(Potential(forces)) if broken else Potential(forces)
    examine = eq.check if forces else eq.diagnose
    out = {key: OUT[key] for key in module.keys}
    return examine(module, (molecule(),), irreps_out=out, group=GROUPS, samples=3)


CASES = {
    "MACE, energies": lambda: potential(False),
    "MACE, energies and forces": lambda: potential(True),
    "planted: a bias on vectors, energies": lambda: potential(False, True),
    "planted: a bias on vectors, energies and forces": lambda: potential(True, True),
}
