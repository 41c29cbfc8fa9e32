"""schnetpack: SchNet, PaiNN, SO3net and FieldSchNet, with heads for energies and vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.data import dataloader

# A name that schnetpack imports for annotations, and that later versions of PyTorch do not have.
dataloader.T_co = TypeVar("T_co", covariant=True)  # type: ignore[attr-defined]

import schnetpack as spk  # noqa: E402

from benchmarks.mutants.example import Example, Law  # noqa: E402
from benchmarks.mutants.modules import clouds  # noqa: E402

KEYS = spk.properties
VECTORS = Law("1o", axis=1, nodes=0)


class Representation(nn.Module):
    """Makes the dictionary that the library wants of plain tensors, and reads the results."""

    def __init__(self, network: nn.Module, heads: list[nn.Module], reads: tuple[str, ...]) -> None:
        """Keep all."""
        super().__init__()
        self.distances, self.network, self.heads = spk.atomistic.PairwiseDistances(), network, nn.ModuleList(heads)
        self.reads = reads

    def forward(self, z: Tensor, pos: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, ...]:
        """Returns the results that are read."""
        count = int(batch.max()) + 1
        inputs = {KEYS.Z: z, KEYS.R: pos, KEYS.idx_i: edge_index[0], KEYS.idx_j: edge_index[1], KEYS.idx_m: batch,
                  KEYS.offsets: pos.new_zeros(edge_index.shape[1], 3), KEYS.n_atoms: torch.bincount(batch)}  # fmt: skip
        if KEYS.electric_field in getattr(self.network, "external_fields", ()):
            inputs[KEYS.electric_field] = pos.new_zeros(count, 3)
        inputs = self.network(self.distances(inputs))
        for head in self.heads:
            inputs = head(inputs)
        return tuple(inputs[name] for name in self.reads)


def molecules(make: Callable[[], Representation], *results: Law) -> Example:
    """Two molecules."""
    tensors = {"z": clouds.kinds(11, most=8) + 1, "pos": clouds.normal(11, 3, scale=1.5),
               "edge_index": clouds.pairs((5, 6)), "batch": clouds.batch_of((5, 6))}  # fmt: skip
    laws = {"z": clouds.FEATURES, "pos": clouds.POINTS, "edge_index": clouds.EDGES, "batch": clouds.BATCH}
    symmetries = ("translation", "rotation", "inversion", "permutation", "edges", "batch")
    return Example(make, tensors, laws, results, unpack=tuple, symmetries=symmetries, modes=("eval",))


def sizes(**more: Any) -> dict[str, Any]:
    """Returns the settings that all networks share."""
    basis = spk.nn.BesselRBF(n_rbf=6, cutoff=6.0)
    return {
        "n_atom_basis": 8,
        "n_interactions": 2,
        "radial_basis": basis,
        "cutoff_fn": spk.nn.CosineCutoff(6.0),
        **more,
    }


def energies(network: nn.Module) -> Representation:
    """Returns a network with energies of molecules."""
    return Representation(network, [spk.atomistic.Atomwise(8, output_key="energy")], ("energy",))


def vectors(network: nn.Module) -> Representation:
    """Returns a network that gives features and vectors of atoms."""
    return Representation(network, [], ("scalar_representation", "vector_representation"))


def dipoles(network: nn.Module) -> Representation:
    """Returns a network with dipoles of molecules."""
    head = spk.atomistic.DipoleMoment(8, use_vector_representation=True, correct_charges=False)
    return Representation(network, [head], (KEYS.dipole_moment,))


PaiNN, SO3net = spk.representation.PaiNN, spk.representation.SO3net
MODULES = {
    "SchNet, energies": lambda: molecules(
        lambda: energies(spk.representation.SchNet(**sizes())), clouds.PER_SAMPLE
    ),
    "PaiNN": lambda: molecules(lambda: vectors(PaiNN(**sizes())), clouds.FEATURES, VECTORS),
    "PaiNN, energies": lambda: molecules(lambda: energies(PaiNN(**sizes(shared_filters=True))), clouds.PER_SAMPLE),
    "SO3net": lambda: molecules(
        lambda: vectors(SO3net(**sizes(lmax=2, return_vector_representation=True))), clouds.FEATURES, VECTORS
    ),
    "SO3net, energies": lambda: molecules(lambda: energies(SO3net(**sizes(lmax=1))), clouds.PER_SAMPLE),
    "FieldSchNet, energies": lambda: molecules(
        lambda: energies(spk.representation.FieldSchNet(**sizes(external_fields=[KEYS.electric_field]))),
        clouds.PER_SAMPLE,
    ),
}  # fmt: skip
