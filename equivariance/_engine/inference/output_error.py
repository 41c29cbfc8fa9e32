"""Measures the equivariance error of a module at its output, for one choice of representations.

`diagnosis.request` calls it to compare candidates for undeclared inputs. This module looks at no inner
layer, and searches no cause.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from equivariance._engine.inference.output_runs import OutputRuns
from equivariance._engine.instrumentation.testbed import ModelState
from equivariance._engine.measurement.prepare import Prepared
from equivariance._engine.measurement.relative_error import EQUAL, PartError, PartKey, compare
from equivariance._engine.measurement.survey_results import Trial, WorstMeasurements
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import CONFIDENCE, Measurement, Verdict
from equivariance.contracts.nested import transform
from equivariance.errors import TransformedInputError
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry
from equivariance.groups.sampling import Group

_TRIES = 2
"""Elements of each symmetry."""


def output_errors(ready: Prepared, runs: OutputRuns) -> tuple[bool, dict[str, float]]:
    """Measures the output under a few elements of every tested motion.

    Args:
        ready: The prepared call; all its inputs and outputs are declared.
        runs: Runs the module on the arguments of `ready`.

    Returns:
        True if no error is a violation, and the relative error under each symmetry.
    """
    able = ready.runner.capabilities
    allowed = Verdict.ILL_CONDITIONED if able.tested_dtype == able.reference_dtype else Verdict.PRECISION
    found = {group.symmetry: _worst(ready, runs, group) for group in ready.call.groups}
    tops = {symmetry: place.top for symmetry, place in found.items()}
    sound = all(top is None or top[1].verdict <= allowed for top in tops.values())
    return sound, {symmetry: 0.0 if top is None else top[1].error for symmetry, top in tops.items()}


def _worst(ready: Prepared, runs: OutputRuns, group: Group) -> WorstMeasurements:
    call, place = ready.call, WorstMeasurements()
    reorders = Symmetry(group.symmetry).is_reordering
    states = [state for state in ready.runner.states if state.mode == "eval" or not reorders]
    candidate = TransformedRuns(ready.runner, call.sizes)
    elements = group.draw(_TRIES, call.settings.seed, call.sizes)
    for index in range(max(len(elements), len(states))):
        trial = Trial(elements[index % len(elements)], states[index % len(states)])
        errors = _errors(ready, runs, candidate, trial)
        floors = _floors(ready, runs, trial.state) if any(e.difference for e in errors.values()) else {}
        for key, error in errors.items():
            place.add(key, _measure(ready, trial, error, floors.get(key, EQUAL)), trial)
    return place


def _errors(ready: Prepared, runs: OutputRuns, candidate: TransformedRuns, trial: Trial) -> dict[PartKey, PartError]:
    """Returns the errors of the output's parts; an infinite one if the module raises an error."""
    spec = ready.call.contract.output
    try:
        value = runs.transformed_output(candidate, trial)
    except TransformedInputError:
        return {("", ""): PartError(math.inf, 1.0, True)}
    return compare(value, transform(runs.reference(trial.state), spec, trial.element), spec, trial.element)


def _floors(ready: Prepared, runs: OutputRuns, state: ModelState) -> Mapping[PartKey, PartError]:
    """Returns the largest change of each part under last-bit perturbations of the inputs."""
    found: dict[PartKey, PartError] = {}
    for value in runs.perturbed_outputs(state):
        for key, error in compare(value, runs.reference(state), ready.call.contract.output, Transform()).items():
            if math.isfinite(error.difference) and error.difference >= found.get(key, EQUAL).difference:
                found[key] = error
    return found


def _measure(ready: Prepared, trial: Trial, error: PartError, floor: PartError) -> Measurement:
    """Returns the measurement of one part.

    If the reference is zero, the error has no scale. It is rounding if perturbations move the part as far.
    """
    able = ready.runner.capabilities
    if not error.scale and not error.discrete and error.difference <= CONFIDENCE * floor.difference:
        error = EQUAL
    return Measurement(
        error=error.relative,
        rounding_floor=floor.relative if floor.scale else 0.0,
        epsilon=able.epsilon,
        tested_error=0.0,
        tested_floor=0.0,
        tested_epsilon=able.tested_epsilon,
        discrete=error.discrete,
        reach=1 + trial.element.distance / max(ready.call.sizes.extent, 1e-300),
        stored_epsilon=torch.finfo(able.tested_dtype).eps,
        reordered=able.only_reorders(trial.element),
    )
