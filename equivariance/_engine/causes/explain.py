"""Finds out why a layer violates a symmetry: chooses experiments, and returns the first explanation that fits.

`diagnosis.localizer` calls `explain` for every violation. The experiments of each symmetry are in its own module.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from equivariance._engine.causes.batch import explain_batch
from equivariance._engine.causes.discontinuity import explain_jump
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.fixed_axes import free_axis
from equivariance._engine.causes.further import explain_further
from equivariance._engine.causes.grid import explain_on_grid
from equivariance._engine.causes.lattice import explain_lattice
from equivariance._engine.causes.orders.permutation import explain_permutation
from equivariance._engine.causes.quantization import is_grid_of_cells
from equivariance._engine.causes.rotation import explain_inversion, explain_rotation
from equivariance._engine.causes.translation import explain_translation
from equivariance._engine.causes.undeclared_input import explain_undeclared_input
from equivariance._engine.instrumentation.operations import DECIDES
from equivariance._engine.localization.suspects import SuspectLayer
from equivariance._engine.measurement.verdict import Verdict
from equivariance.errors import ForeignElementError
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry

_EXPERIMENTS = {
    "translation": explain_translation,
    "rotation": explain_rotation,
    "inversion": explain_inversion,
    "permutation": explain_permutation,
    "batch": explain_batch,
    "lattice": explain_lattice,
}
_ON_GRIDS = ("translation", "rotation", "inversion")
_CAUSE_OF_DIVERGENCE = {
    "translation": ("absolute-position", "positions decide"),
    "permutation": ("order-dependent", "node numbers decide"),
    "batch": ("batch-coupled", "the other samples decide"),
    "lattice": ("periodic-image", "the cells in which nodes lie decide"),
}


def explain(experiment: Experiment, symmetry: str, suspect: SuspectLayer, element: Transform) -> Explanation:
    """Returns the cause, the evidence and the remedy.

    Args:
        experiment: The suspected call in isolation.
        symmetry: The violated symmetry.
        suspect: The layer and its worst part.
        element: The shrunk counterexample.
    """
    experiment = replace(experiment, symmetry=symmetry)
    try:
        return _explain(experiment, symmetry, suspect, element)
    except ForeignElementError as error:
        text = f"broken under {element}; what would tell why needs elements that its group has not ({error})"
        return Explanation("unknown", text)


def _explain(experiment: Experiment, symmetry: str, suspect: SuspectLayer, element: Transform) -> Explanation:
    if suspect.measurement.verdict == Verdict.PRECISION:
        return _explain_precision(experiment)
    if suspect.measurement.jump:
        return explain_jump(experiment, suspect.measurement.jump, suspect.part)
    forgotten = explain_undeclared_input(experiment, symmetry)
    if forgotten:
        return forgotten
    if math.isinf(suspect.measurement.error) and not experiment.outcome(suspect.trial.element).comparable:
        return _explain_incomparable(experiment, symmetry, suspect, element)
    return _explain_by_symmetry(experiment, symmetry, suspect, element)


def _explain_by_symmetry(
    experiment: Experiment, symmetry: str, suspect: SuspectLayer, element: Transform
) -> Explanation:
    grid = experiment.runs.sizes.grid
    if grid is not None and symmetry in _ON_GRIDS:
        return explain_on_grid(experiment, grid, symmetry, element, suspect.part)
    turns_in_plane = symmetry == Symmetry.ROTATION and experiment.runs.sizes.planar
    if element.actions is not None or turns_in_plane:
        return explain_further(experiment, element, suspect.part)
    return _EXPERIMENTS.get(symmetry, explain_further)(experiment, element, suspect.part)


def _explain_incomparable(
    experiment: Experiment, symmetry: str, suspect: SuspectLayer, shrunk: Transform
) -> Explanation:
    outcome, element = experiment.outcome(experiment.element), experiment.element
    if outcome.made is not None and not bool(torch.isfinite(outcome.made).all()):
        count = int((~torch.isfinite(outcome.made)).sum())
        return Explanation(
            "not-finite",
            f"{count} of {outcome.made.numel()} entries of {suspect.part} are NaN or infinite under {element}, "
            "though all are finite in the reference run",
        )
    what = f"another shape, or another course of the program, under {element}"
    if symmetry in _CAUSE_OF_DIVERGENCE:
        cause, decides = _CAUSE_OF_DIVERGENCE[symmetry]
        if shrunk.edges is not None and shrunk.order is None:
            decides = "the order of the edges decides"
        return Explanation(cause, f"{what}: {decides} on what is computed")
    axis = free_axis(experiment)
    if axis:
        return explained("fixed-axis", f"{what}, but not under rotations about {axis}: the axis {axis} decides")
    if is_grid_of_cells(experiment):
        return explained("cells", f"{what}, but not where the axes are only exchanged: cells decide")
    if DECIDES in experiment.operations:
        return explained("coordinate-decides", f"{what}: what the statement decides by changes with the pose")
    return Explanation("unknown", f"{what}; no single axis and no grid explains it")


def _explain_precision(experiment: Experiment) -> Explanation:
    single = experiment.in_precision(torch.float32)
    beside = f" ({single:.1g} in float32)" if math.isfinite(single) and single > 0 else ""
    return Explanation(
        "precision",
        f"the error stalls at {experiment.error:.1g} in float64{beside}, where rounding explains "
        f"{experiment.tolerance:.1g}: a constant was rounded to float32",
    )
