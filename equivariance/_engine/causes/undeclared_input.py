"""Finds an input that is declared invariant and is not.

`explain` calls it before all other experiments. Inputs of the whole module are decided in `inference`.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation
from equivariance.groups.elements import translation
from equivariance.groups.named import Symmetry
from equivariance.representations.base import Representation
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices


def explain_undeclared_input(experiment: Experiment, symmetry: str) -> Explanation | None:
    """Returns the explanation if the error is gone once an unchanged input transforms as vectors, points or nodes."""
    if experiment.state.mode != "eval" or experiment.owner not in experiment.reference.inputs:
        return None
    for path, tensor, how in experiment.inputs():
        for text, fix, instead in _other_declarations(experiment, symmetry, tensor, how):
            other = experiment.declaring(path, instead)
            error = other.outcome(experiment.element).error
            if error <= max(experiment.tolerance, 1e-6 * min(experiment.error, 1.0)) and _keeps_translations(
                other, instead
            ):
                sentence = (
                    f"the input {path} is declared unchanged; transformed as {text} it leaves an error of {error:.1g} "
                    f"in place of {experiment.error:.2g}"
                )
                return Explanation("undeclared-input", sentence, own_fix=f"Declare {path} as {fix}.")
    return None


def _keeps_translations(other: Experiment, instead: Representation) -> bool:
    """True if translations are respected: points rotate like vectors, and only translations separate them."""
    takes_points = any(isinstance(how, CartesianPoints) for _, _, how in other.inputs())
    if not (isinstance(instead, Irreps) and takes_points):
        return True
    return other.outcome(translation([other.extent, 0, 0])).error <= max(other.tolerance, 1e-6 * min(other.error, 1.0))


def _other_declarations(
    experiment: Experiment, symmetry: str, tensor: torch.Tensor, how: Representation
) -> Iterator[tuple[str, str, Representation]]:
    scalars = isinstance(how, Irreps) and all(degree == 0 for _, degree, _ in how.blocks)
    if Symmetry(symmetry).is_motion:
        unchanged = type(how) is Invariant or scalars
        if not (unchanged and tensor.is_floating_point() and tensor.dim() and tensor.shape[-1] == 3):
            return
        if symmetry != "translation":
            yield "vectors", '"1x1o"', Irreps("1x1o", nodes=how.nodes, batch=how.batch)
        yield "points", '"cartesian_points"', CartesianPoints(nodes=how.nodes, batch=how.batch)
    listed = how.nodes is not None or how.edges is not None
    if symmetry == "permutation" and not listed and type(how) in (Invariant, Irreps, CartesianPoints):
        for name, order in (("node", experiment.element.order), ("edge", experiment.element.edges)):
            for axis in (a for a in range(tensor.dim()) if order is not None and tensor.shape[a] == len(order)):
                law = Invariant(nodes=axis, batch=how.batch) if name == "node" else Invariant(nodes=None, edges=axis)
                yield f"one row per {name} (axis {axis})", f"rows that follow the {name}s: {name}s={axis}", law
    if symmetry == "permutation" and type(how) is Invariant and _are_integers(tensor):
        yield "node numbers", "eq.NodeIndices(...)", NodeIndices(nodes=how.nodes, batch=how.batch)


def _are_integers(tensor: torch.Tensor) -> bool:
    return not tensor.is_floating_point() and tensor.dtype != torch.bool
