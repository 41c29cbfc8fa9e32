"""Declares how the kernels transform: the claims of the paper, and those of the corrected kernels.

The elements move observed points and leave the points of the model. A kernel that the paper calls sensitive to a
parameter is declared `Sensitive`: an equivariance test alone cannot refute a kernel that ignores it.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature

from torch import nn

from equivariance import CartesianPoints, CartesianTensor, Contract, Invariant, Pairs, Representation, Sensitive

POINTS = CartesianPoints(nodes=0, batch=None, dimensions=2)
ROWS = Invariant(nodes=0, batch=None)
_SIMILARITY = ("translation", "rotation", "scale")

PUBLISHED: Mapping[str, Representation] = {
    "t": Sensitive(Pairs(), to=_SIMILARITY),
    "s": Sensitive(Invariant(nodes=0, batch=None, pairs=1, degree=1), to=("rotation", "scale")),
    "r_z": Sensitive(Pairs(), to="rotation"),
    "r_xy": Pairs(),
}
"""Section 2.2 of the paper. What it says of r_x, r_y and the shape is measured in `benchmarks.cprfa`."""

CORRECTED: Mapping[str, Representation] = {
    "t": Sensitive(ROWS, to=_SIMILARITY),
    "s": Sensitive(Pairs(), to="scale", at_least=0.5),
    "r_z": Sensitive(CartesianTensor((-1,), nodes=0, batch=None, pairs=1, dimensions=2), to="rotation", at_least=0.5),
    "r_xy": Pairs(),
}
"""The corrected kernels: cosine and sine of the in-plane rotation are a vector of the plane, for each pair."""

_LAYERS = {"t": "translation", "s": "scale", "r_z": "in_plane", "r_xy": "out_of_plane"}
_INPUTS = {"points": POINTS, "observed": POINTS, "model": ROWS, "there": ROWS}


def layers_of(kernels: nn.Module, claims: Mapping[str, Representation]) -> dict[str, Contract]:
    """Returns the contracts of the layers that compute the kernels of some claims."""
    made = {}
    for name, claim in claims.items():
        layer = kernels.get_submodule(_LAYERS[name])
        made[_LAYERS[name]] = Contract({key: _INPUTS[key] for key in signature(layer.forward).parameters}, claim)
    return made
