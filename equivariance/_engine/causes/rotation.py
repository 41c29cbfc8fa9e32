"""Explains why a layer violates rotations or the inversion.

`explain` calls it. Experiments are tried from the most specific to the weakest, until one fits. Layers on a grid are
treated in `grid`.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from equivariance._engine.causes.component_mixing import Components
from equivariance._engine.causes.experiment import Experiment, part_of
from equivariance._engine.causes.explanation import Explanation
from equivariance._engine.causes.fixed_axes import (
    FIX_SIGNS,
    INVARIANTS,
    MANY,
    ORDINARY,
    explain_angle,
    explain_built_in_axis,
    explain_signs,
    explain_special_input,
    free_axis,
)
from equivariance._engine.causes.quantization import (
    cell_size,
    is_choice,
    is_grid_of_cells,
    jumps_under_rotation,
    respects_the_cube,
)
from equivariance._engine.causes.row_matching import ascending_axis, reordered
from equivariance._engine.causes.wrong_representation import explain_invariant_part, explain_other_law
from equivariance._engine.instrumentation.operations import DECIDES
from equivariance._engine.instrumentation.perturbations import scaled
from equivariance.groups.elements import Transform, rotation
from equivariance.representations.standard import NodeIndices

_FINER = 8.0
"""Factor that scales the input; relative to the input, the cells of a grid become finer by this factor."""

_CELLS = (
    "Voxelize less: keep the exact positions beside their cells, make the cells smaller, or average over rotations."
)


_DECOMPOSED = {
    "_linalg_eigh": "eigenvectors",
    "linalg_eig": "eigenvectors",
    "_linalg_svd": "singular vectors",
    "linalg_qr": "the axes of a QR decomposition",
}
"""Operations whose results have signs that only a convention fixes."""


def explain_rotation(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the first explanation that fits: an order, another law, a fixed frame, a grid, or mixed components."""
    looks = (
        _explain_order,
        explain_other_law,
        explain_signs,
        _explain_choice,
        explain_built_in_axis,
        explain_angle,
        explain_special_input,
    )
    for look in (*looks, explain_invariant_part):
        found = look(experiment, part)
        if found:
            return found
    return _explain_mixing(experiment, element, part)


def explain_inversion(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the explanation: a parity. If rotations are violated too, their explanation serves for the inversion."""
    turns_too = [] if experiment.repaired else [r for r in MANY if not experiment.respects(r)]
    if turns_too:
        inner = experiment.for_element(turns_too[0])
        found = explain_rotation(inner, turns_too[0], part)
        return Explanation(found.cause, f"rotations are broken too, and explain it: {found.evidence}", found.fix)
    if abs(experiment.error - 2) < 0.01:
        return Explanation(
            "wrong-irrep",
            f"the sign of {part} is opposite under inversion, and rotations are respected: the declared parity is not "
            "the one that is computed",
            "Declare the other parity (1e for a cross product, 0o for a triple product).",
        )
    even = _even_share(experiment)
    share = "" if even is None else f" (the even part of {part} has {even:.0%} of its norm)"
    return Explanation(
        "wrong-irrep",
        f"even and odd parts are mixed{share}: the error under inversion is {experiment.error:.2g}, and rotations are "
        "respected",
        "Keep polar and axial vectors (and scalars and pseudoscalars) in irreps of their own: 1o and 1e, 0e and 0o.",
    )


def _explain_order(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if rotations that exchange no axes give the same numbers in another order."""
    if isinstance(experiment.how, NodeIndices):
        return _explain_order_of_numbers(experiment)
    fix = "Sort by an invariant (a distance), or do not sort: aggregate by sum, mean or max."
    outcomes = [experiment.outcome(r) for r in ORDINARY]
    if experiment.plain is None or not all(o.comparable for o in outcomes) or not experiment.plain.is_floating_point():
        return None
    tolerance = max(experiment.tolerance, 1e-9)
    moved = [reordered(o.made, o.wanted, tolerance) for o in outcomes if o.made is not None and o.wanted is not None]
    same = [m is not None or experiment.respects(r) for m, r in zip(moved, ORDINARY, strict=True)]
    if all(same) and any(moved):
        most = max(m for m in moved if m is not None)
        text = f"holds the same rows in another order ({most[0]} of {most[1]} moved): sorted by something that turns"
        return Explanation("order-dependent", f"after a rotation, {part} {text}", fix)
    axes = {ascending_axis(experiment.plain, o.made) for o in outcomes if o.made is not None}
    if len(axes) == 1 and None not in axes:
        text = f"every column of {part} ascends or descends along axis {axes.pop()}, whatever the rotation"
        return Explanation("order-dependent", f"{text}: coordinates are sorted one by one", fix)
    return None


def _explain_order_of_numbers(experiment: Experiment) -> Explanation | None:
    outcome = experiment.outcome(experiment.element)
    if outcome.made is None or outcome.wanted is None or not outcome.comparable or not outcome.made.dim():
        return None
    if not torch.equal(outcome.made.sort(dim=-1).values, outcome.wanted.sort(dim=-1).values):
        return None
    return Explanation(
        "order-dependent",
        "the same numbers come in another order: the result of a search or a sort is used by place",
        "Sort by distance, which all poses share, or declare eq.NodeIndices(unordered=True).",
    )


def _explain_choice(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if small rotations are respected: a choice of a cell, by a coordinate, or of an order."""
    if not is_choice(experiment):
        return _explain_finer_cells(experiment, part)
    if is_grid_of_cells(experiment):
        if _has_few_values(experiment):
            return None
        cell = cell_size(experiment)
        also = f"; {cell.evidence(part)}" if cell else ""
        cube = "all 24 rotations of the cube are" if respects_the_cube(experiment) else "exchanging the axes is"
        return Explanation(
            "discretization",
            f"{part} stays or turns exactly under small rotations and jumps under larger ones, while {cube} respected "
            f"up to the order of rows: positions fall into cells of a grid{also}",
            _CELLS,
        )
    axis = free_axis(experiment)
    if axis:
        return Explanation(
            "frame-dependent",
            f"rotations about {axis} are respected, others are not, and very small ones are: the axis {axis} is built "
            "in, by a choice (a comparison, a sort, a maximum) along it",
        )
    taken = next((words for name, words in _DECOMPOSED.items() if name in experiment.operations), None)
    if taken:
        return Explanation(
            "frame-dependent",
            f"{part} respects very small rotations and jumps under larger ones, and the statement at fault takes "
            f"{taken}: the coordinates decide on their signs",
            FIX_SIGNS,
        )
    return _explain_decision(experiment, f"{part} respects very small rotations and jumps under larger ones")


def _explain_decision(experiment: Experiment, text: str) -> Explanation:
    """Returns the explanation for a decision by components, of the control flow or of an operation."""
    if DECIDES in experiment.operations:
        return Explanation(
            "frame-dependent", f"{text}: what the statement decides by changes with the pose", INVARIANTS
        )
    return Explanation(
        "order-dependent",
        f"{text}, and exchanging the axes is not respected: coordinates decide on an order or a choice",
        "Choose and sort by invariants (distances), not by coordinates.",
    )


def _explain_finer_cells(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if the output jumps, exchanged axes are respected and a larger input has finer cells."""
    if not is_grid_of_cells(experiment) or not jumps_under_rotation(experiment):
        return None
    other = experiment.with_inputs(scaled(_FINER))
    errors = [e.outcome(ORDINARY[0]).error for e in (experiment, other) if e is not None]
    if len(errors) < 2 or not math.isfinite(errors[0]) or errors[1] > 3 * errors[0] / _FINER:
        return None
    return Explanation(
        "discretization",
        f"{part} jumps along a path of rotations, exchanging the axes is respected, and the error falls from "
        f"{errors[0]:.2g} to {errors[1]:.2g} for an input {_FINER:g} times as large: positions fall into cells",
        _CELLS,
    )


def _has_few_values(experiment: Experiment) -> bool:
    """True if the output has only signs: a step function of components, and no grid."""
    plain = experiment.plain
    return plain is not None and len(plain.abs().unique()) <= 2


def _explain_mixing(experiment: Experiment, element: Transform, part: str) -> Explanation:
    found = Components(experiment, part).explain()
    if found:
        return found
    if respects_the_cube(experiment):
        return Explanation(
            "component-mixing",
            f"the 24 rotations of the cube are respected and others are not ({element}: error "
            f"{experiment.outcome(element).error:.2g}): {part} treats the components alike, but one by one (absolute "
            "values, maxima, odd functions of x, y, z)",
        )
    off = {a: experiment.outcome(rotation(np.pi / 2 * v)).error for a, v in zip("xyz", np.eye(3), strict=True)}
    listed = ", ".join(f"{a} {error:.2g}" for a, error in off.items())
    return Explanation(
        "component-mixing",
        f"{part} is off by {experiment.outcome(element).error:.2g} under {element} (quarter turns about {listed}): "
        "components of an irrep are mixed or shifted one by one",
    )


def _even_share(experiment: Experiment) -> float | None:
    """Returns the norm of (f(x) + f(-x)) / 2 over that of f(x); None if it is unknown."""
    how, plain, made = experiment.how, experiment.plain, experiment.outcome(experiment.element).made
    if how is None or plain is None or made is None or made.shape != plain.shape:
        return None
    left, right = (part_of(t, how, experiment.key[1]) for t in (plain, made))
    return float((left + right).norm() / (2 * left.norm() + 1e-300))
