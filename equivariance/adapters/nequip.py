"""The rule by which nequip's modules state contracts: irreps by the keys of the data.

Called through `contracts.adapter_registry`. nequip's data are dicts, so there is no adapter for values.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from equivariance.contracts.declared import NODE_NUMBERS, SAMPLE_NUMBERS, attributes_of
from equivariance.contracts.field_names import POINTS, plain
from equivariance.representations.standard import CartesianPoints, Invariant


def contract_of(module: torch.nn.Module, parameters: tuple[str, ...]) -> tuple[Mapping[str, object], object] | None:
    """Returns (inputs by parameter name, output) that the module states, or None if it states nothing."""
    stated = attributes_of(module)
    given, output = stated.get("irreps_in"), stated.get("irreps_out")
    if not isinstance(given, dict) or not isinstance(output, dict) or not parameters:
        return None
    return {parameters[0]: _fields_of_nequip(given)}, _fields_of_nequip({**given, **output})


def _fields_of_nequip(irreps: Mapping[str, object]) -> dict[str, object]:
    """Returns representations of the stated fields, and of the fields that all data have."""
    fields: dict[str, object] = {"batch": SAMPLE_NUMBERS, **dict.fromkeys(_VECTORS_OF_NEQUIP, "1x1o")}
    fields |= dict.fromkeys(_INVARIANTS_OF_NEQUIP, Invariant())
    for key, spec in irreps.items():
        if key in _MATRICES_OF_NEQUIP:
            continue
        fields[key] = CartesianPoints() if plain(key) in POINTS else Invariant() if spec is None else spec
    return {**fields, "edge_index": NODE_NUMBERS}


_VECTORS_OF_NEQUIP = ("cell", "edge_vectors", "forces", "edge_forces", "partial_forces")
_INVARIANTS_OF_NEQUIP = (
    *("pbc", "edge_cell_shift", "num_atoms", "atomic_numbers", "edge_type_flat", "edge_lengths", "edge_cutoff"),
    *("normed_edge_lengths", "feature_norm_factor", "edge_energy", "atomic_energy", "total_energy", "free_energy"),
)

_MATRICES_OF_NEQUIP = ("stress", "virial", "stresses")
"""3 x 3 matrices on two axes, which irreps on one axis cannot describe."""
