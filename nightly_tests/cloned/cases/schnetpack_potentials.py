"""schnetpack: energies by PaiNN and by SchNet, on the dictionary that its loader makes."""

from __future__ import annotations

import sys

import torch
from torch import Tensor, nn

from nightly_tests.cloned.example import Example, Law
from nightly_tests.cloned.graphs import NODES, POSITIONS, SAMPLE_OF, near, positions, sizes
from nightly_tests.cloned.importing import bare, empty

bare("schnetpack", "schnetpack.atomistic", "schnetpack.model", "schnetpack.representation")
sys.modules["schnetpack"].__version__ = "2.2.0"
empty("schnetpack.transform", Transform=nn.Module)

import schnetpack.nn as snn  # noqa: E402
from schnetpack.atomistic.atomwise import Atomwise  # noqa: E402
from schnetpack.atomistic.distances import PairwiseDistances  # noqa: E402
from schnetpack.model.base import NeuralNetworkPotential  # noqa: E402
from schnetpack.representation.painn import PaiNN  # noqa: E402
from schnetpack.representation.schnet import SchNet  # noqa: E402

OF_EDGES = Law(edges=0, counts="nodes")
LAWS = {
    "_atomic_numbers": NODES, "_positions": POSITIONS, "_idx_m": SAMPLE_OF, "_n_atoms": Law(samples=0),
    "_cell": Law("vector", samples=0), "_pbc": Law(samples=0), "_idx_i": OF_EDGES, "_idx_j": OF_EDGES,
    "_offsets": Law("vector", edges=0),
}  # fmt: skip


def molecules() -> dict[str, Tensor]:
    """Two molecules of 7 and 5 atoms without a cell."""
    pos, batch = positions(12), sizes(7, 5)
    i, j = near(pos, 5.0, batch)
    return {
        "_atomic_numbers": torch.randint(1, 9, (12,)), "_positions": pos, "_idx_m": batch,
        "_n_atoms": torch.tensor([7, 5]), "_cell": torch.zeros(2, 3, 3), "_pbc": torch.zeros(2, 3, dtype=torch.bool),
        "_idx_i": i, "_idx_j": j, "_offsets": torch.zeros(len(i), 3),
    }  # fmt: skip


def potential(representation: type[nn.Module]) -> Example:
    """One energy for each molecule."""
    atoms = representation(
        n_atom_basis=16, n_interactions=2, radial_basis=snn.GaussianRBF(8, cutoff=5.0), cutoff_fn=snn.CosineCutoff(5.0)
    )
    module = NeuralNetworkPotential(
        atoms, input_modules=[PairwiseDistances()], output_modules=[Atomwise(n_in=16, output_key="energy")]
    )
    return Example(
        module, molecules(), LAWS, pack=lambda t: (dict(t),), unpack=lambda out: (out["energy"],),
        results=(Law(samples=0),),
        symmetries=("translation", "rotation", "inversion", "permutation", "edges", "batch"),
    )  # fmt: skip


CASES = {"PaiNN": lambda: potential(PaiNN), "SchNet": lambda: potential(SchNet)}
