"""Explains why a layer violates rotations or the inversion.

`explain` calls it. Experiments are tried from the most specific to the weakest, until one fits. Layers on a grid are
treated in `grid`.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from equivariance._engine.causes.components.alike_components import explain_alike
from equivariance._engine.causes.components.component_axis import part_of
from equivariance._engine.causes.components.component_mixing import Components
from equivariance._engine.causes.components.statement_values import explain_statement
from equivariance._engine.causes.components.wrong_representation import explain_deviation, explain_other_law
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.fixed_axes import (
    MANY,
    ORDINARY,
    explain_angle,
    explain_built_in_axis,
    explain_signs,
    explain_special_input,
    free_axis,
)
from equivariance._engine.causes.operation_words import DECOMPOSITIONS, NORMALIZING
from equivariance._engine.causes.orders.row_matching import ascending_axis, reordered
from equivariance._engine.causes.quantization import (
    cell_size,
    is_choice,
    is_grid_of_cells,
    jumps_under_rotation,
    respects_the_cube,
)
from equivariance._engine.causes.signs import explain_inner_signs
from equivariance._engine.causes.sphere_grid import explain_sphere_grid
from equivariance._engine.instrumentation.operations import DECIDES
from equivariance._engine.instrumentation.perturbations import noisy, scaled
from equivariance.groups.elements import Transform, rotation
from equivariance.representations.standard import NodeIndices

_FINER = 8.0
"""Factor that scales the input; relative to the input, the cells of a grid become finer by this factor."""


def explain_rotation(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the first explanation that fits: an order, another law, a fixed frame, a grid, or mixed components."""
    looks = (
        explain_sphere_grid,
        _explain_order,
        explain_other_law,
        explain_signs,
        _explain_choice,
        explain_built_in_axis,
        explain_angle,
        explain_special_input,
    )
    for look in (*looks, explain_deviation):
        found = look(experiment, part)
        if found:
            return _more_precise(experiment, found, part)
    return _explain_mixing(experiment, element, part)


def _more_precise(experiment: Experiment, found: Explanation, part: str) -> Explanation:
    """Returns a more precise explanation if the deviation of the whole call leaves two explanations open.

    Components in another order that are added to the same vectors are a matrix on the components. Invariant rows in the
    output of a call may be constants that the call mixes with factors of the input: the values of the statement tell.
    """
    if found.mechanism == "component-order":
        return Components(experiment, part).explain_rows() or found
    if found.mechanism != "unturned-part":
        return found
    either = ", or a constant is added to components before factors of the input mix them"
    return explain_statement(experiment) or Explanation(found.cause, found.evidence + either, own_fix=found.fix)


def explain_inversion(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the explanation: a parity. If rotations are violated too, their explanation serves for the inversion.

    If rotations are violated by a tie of the example only, the parity is explained at inputs nearby.
    """
    turns_too = [] if experiment.repaired else [r for r in MANY if not experiment.respects(r)]
    other = experiment.with_inputs(noisy(1e-3, experiment.seed)) if turns_too else None
    if other is not None and not other.respects(element) and all(map(other.respects, MANY)):
        found = _explain_parity(replace(other, error=other.outcome(element).error), part)
        text = "the example holds a tie, and the inversion is violated at inputs without it"
        return replace(found, evidence=f"{found.evidence}; {text}")
    if turns_too:
        inner = experiment.for_element(turns_too[0])
        found = explain_rotation(inner, turns_too[0], part)
        return replace(found, evidence=f"rotations are broken too, and explain it: {found.evidence}")
    return _explain_parity(experiment, part)


def _explain_parity(experiment: Experiment, part: str) -> Explanation:
    """Returns the explanation of a violated inversion if rotations are respected."""
    if abs(experiment.error - 2) < 0.01:
        return explained(
            "parity",
            f"the sign of {part} is opposite under inversion, and rotations are respected: the declared parity is not "
            "the one that is computed",
        )
    even = _even_share(experiment)
    share = "" if even is None else f" (the even part of {part} has {even:.0%} of its norm)"
    return explained(
        "mixed-parity",
        f"even and odd parts are mixed{share}: the error under inversion is {experiment.error:.2g}, and rotations are "
        "respected",
    )


def _explain_order(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if rotations that exchange no axes give the same numbers in another order."""
    if isinstance(experiment.how, NodeIndices):
        return _explain_order_of_numbers(experiment)
    outcomes = [experiment.outcome(r) for r in ORDINARY]
    if experiment.plain is None or not all(o.comparable for o in outcomes) or not experiment.plain.is_floating_point():
        return None
    tolerance = max(experiment.tolerance, 1e-9)
    moved = [reordered(o.made, o.wanted, tolerance) for o in outcomes if o.made is not None and o.wanted is not None]
    same = [m is not None or experiment.respects(r) for m, r in zip(moved, ORDINARY, strict=True)]
    if all(same) and any(moved):
        most = max(m for m in moved if m is not None)
        text = f"holds the same rows in another order ({most[0]} of {most[1]} moved): sorted by something that turns"
        return explained("coordinate-sort", f"after a rotation, {part} {text}")
    axes = {ascending_axis(experiment.plain, o.made) for o in outcomes if o.made is not None}
    if len(axes) == 1 and None not in axes:
        text = f"every column of {part} ascends or descends along axis {axes.pop()}, whatever the rotation"
        return explained("coordinate-sort", f"{text}: coordinates are sorted one by one")
    return None


def _explain_order_of_numbers(experiment: Experiment) -> Explanation | None:
    outcome = experiment.outcome(experiment.element)
    if outcome.made is None or outcome.wanted is None or not outcome.comparable or not outcome.made.dim():
        return None
    if not torch.equal(outcome.made.sort(dim=-1).values, outcome.wanted.sort(dim=-1).values):
        return None
    return explained(
        "search-order", "the same numbers come in another order: the result of a search or a sort is used by place"
    )


def _explain_choice(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if small rotations are respected: a choice of a cell, by a coordinate, or of an order."""
    if not is_choice(experiment):
        return _explain_finer_cells(experiment, part)
    jumps = f"{part} respects very small rotations and jumps under larger ones"
    taken = next((words for name, words in DECOMPOSITIONS.items() if name in experiment.operations), None)
    if taken:
        text = f"{jumps}, and the statement at fault takes {taken}: the coordinates decide on their signs"
        return explained("frame-sign", text)
    return explain_inner_signs(experiment, jumps) or _explain_decided_choice(experiment, part, jumps)


def _explain_decided_choice(experiment: Experiment, part: str, jumps: str) -> Explanation | None:
    """Returns the explanation of a choice: by cells, along an axis, or by other coordinates."""
    if is_grid_of_cells(experiment):
        if _has_few_values(experiment):
            return None
        cell = cell_size(experiment)
        also = f"; {cell.evidence(part)}" if cell else ""
        cube = "all 24 rotations of the cube are" if respects_the_cube(experiment) else "exchanging the axes is"
        return explained(
            "cells",
            f"{part} stays or turns exactly under small rotations and jumps under larger ones, while {cube} respected "
            f"up to the order of rows: positions fall into cells of a grid{also}",
        )
    axis = free_axis(experiment)
    if axis:
        return explained(
            "fixed-axis",
            f"rotations about {axis} are respected, others are not, and very small ones are: the axis {axis} is built "
            "in, by a choice (a comparison, a sort, a maximum) along it",
        )
    return _explain_decision(experiment, jumps)


def _explain_decision(experiment: Experiment, text: str) -> Explanation:
    """Returns the explanation for a decision by components, of the control flow or of an operation."""
    if DECIDES in experiment.operations:
        return explained("coordinate-decides", f"{text}: what the statement decides by changes with the pose")
    text = f"{text}, and exchanging the axes is not respected: coordinates decide on an order or a choice"
    fix = "Choose and sort by invariants (distances), not by coordinates."
    return Explanation("order-dependent", text, own_fix=fix)


def _explain_finer_cells(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if the output jumps, exchanged axes are respected and a larger input has finer cells."""
    if not is_grid_of_cells(experiment) or not jumps_under_rotation(experiment):
        return None
    other = experiment.with_inputs(scaled(_FINER))
    errors = [e.outcome(ORDINARY[0]).error for e in (experiment, other) if e is not None]
    if len(errors) < 2 or not math.isfinite(errors[0]) or errors[1] > 3 * errors[0] / _FINER:
        return None
    return explained(
        "cells",
        f"{part} jumps along a path of rotations, exchanging the axes is respected, and the error falls from "
        f"{errors[0]:.2g} to {errors[1]:.2g} for an input {_FINER:g} times as large: positions fall into cells",
    )


def _has_few_values(experiment: Experiment) -> bool:
    """True if the output has only signs: a step function of components, and no grid."""
    plain = experiment.plain
    return plain is not None and len(plain.abs().unique()) <= 2


def _explain_mixing(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the explanation by the components of the whole call, of the statement, or by the cube."""
    found = Components(experiment, part).explain() or explain_statement(experiment)
    normalized = next((words for name, words in NORMALIZING.items() if name in experiment.operations), None)
    if found and found.mechanism == "component-mask" and normalized:
        return explained("component-normalization", f"{found.evidence}, and the statement applies {normalized}")
    if found:
        return found
    if respects_the_cube(experiment):
        return explain_alike(experiment, element, part)
    off = {a: experiment.outcome(rotation(np.pi / 2 * v)).error for a, v in zip("xyz", np.eye(3), strict=True)}
    listed = ", ".join(f"{a} {error:.2g}" for a, error in off.items())
    text = (
        f"{part} is off by {experiment.outcome(element).error:.2g} under {element} (quarter turns about {listed}): "
        "components of an irrep are mixed or shifted one by one"
    )
    if normalized:
        return explained("component-normalization", f"{text}, and the statement applies {normalized}")
    return Explanation("component-mixing", text)


def _even_share(experiment: Experiment) -> float | None:
    """Returns the norm of (f(x) + f(-x)) / 2 over that of f(x); None if it is unknown."""
    how, plain, made = experiment.how, experiment.plain, experiment.outcome(experiment.element).made
    if how is None or plain is None or made is None or made.shape != plain.shape:
        return None
    left, right = (part_of(t, how, experiment.key[1]) for t in (plain, made))
    return float((left + right).norm() / (2 * left.norm() + 1e-300))
