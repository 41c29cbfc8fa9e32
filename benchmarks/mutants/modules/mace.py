"""mace-torch: small interatomic potentials of several kinds of blocks, without the derivative that makes forces."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from e3nn import o3
from mace import modules
from torch import Tensor, nn

from benchmarks.mutants.example import Example
from benchmarks.mutants.modules import clouds

BLOCKS = modules.interaction_classes


class Energies(nn.Module):
    """Makes the dictionary that the library wants, and reads energies of molecules and atoms."""

    def __init__(self, kind: type[nn.Module], first: str, then: str, **options: Any) -> None:
        """Two interactions."""
        super().__init__()
        self.network = kind(
            r_max=6.0, num_bessel=4, num_polynomial_cutoff=5, max_ell=2, num_interactions=2, num_elements=2,
            interaction_cls=BLOCKS[then], interaction_cls_first=BLOCKS[first], hidden_irreps=o3.Irreps("4x0e+4x1o"),
            MLP_irreps=o3.Irreps("4x0e"), correlation=2, atomic_energies=np.array([-1.0, -2.0]), avg_num_neighbors=4.0,
            atomic_numbers=[1, 8], gate=torch.nn.functional.silu, **options,
        )  # fmt: skip

    def forward(self, kinds: Tensor, positions: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Returns [B] and [N]."""
        shifts = positions.new_zeros(edge_index.shape[1], 3)
        counts = torch.bincount(batch)
        found = self.network(
            {"positions": positions, "node_attrs": torch.nn.functional.one_hot(kinds, 2).to(positions.dtype),
             "edge_index": edge_index, "shifts": shifts, "unit_shifts": shifts, "batch": batch,
             "cell": 20 * torch.eye(3, dtype=positions.dtype).repeat(len(counts), 1),
             "ptr": torch.cat([counts.new_zeros(1), counts.cumsum(0)]), "head": torch.zeros_like(counts)},
            compute_force=False,
        )  # fmt: skip
        return found["energy"], found["node_energy"]


def molecules(kind: type[nn.Module], first: str, then: str, **options: Any) -> Example:
    """Two molecules."""
    tensors = {"kinds": clouds.kinds(11, most=2), "positions": clouds.normal(11, 3, scale=1.5),
               "edge_index": clouds.pairs((5, 6)), "batch": clouds.batch_of((5, 6))}  # fmt: skip
    laws = {"kinds": clouds.FEATURES, "positions": clouds.POINTS, "edge_index": clouds.EDGES, "batch": clouds.BATCH}
    return Example(
        lambda: Energies(kind, first, then, **options), tensors, laws, (clouds.PER_SAMPLE, clouds.FEATURES),
        unpack=tuple, symmetries=("translation", "rotation", "inversion", "permutation", "edges", "batch"),
        modes=("eval",), components=(3, 9, 16, 36),
    )  # fmt: skip


MODULES = {
    "MACE": lambda: molecules(
        modules.MACE, "RealAgnosticInteractionBlock", "RealAgnosticResidualInteractionBlock"
    ),
    "MACE, density": lambda: molecules(
        modules.MACE, "RealAgnosticDensityInteractionBlock", "RealAgnosticDensityResidualInteractionBlock"
    ),
    "MACE, residual first": lambda: molecules(
        modules.MACE, "RealAgnosticResidualInteractionBlock", "RealAgnosticResidualInteractionBlock"
    ),
    "ScaleShiftMACE": lambda: molecules(
        modules.ScaleShiftMACE, "RealAgnosticInteractionBlock", "RealAgnosticResidualInteractionBlock",
        atomic_inter_scale=1.5, atomic_inter_shift=0.2,
    ),
}  # fmt: skip
