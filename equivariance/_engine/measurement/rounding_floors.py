"""Measures the errors that rounding and grids explain, at every site, and keeps them for all symmetries.

`survey` reads the floor of each error. An error that exceeds its floor is measured again here, with every effect that
rounding could have. The verdict is made in `verdict`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch

from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.measurement.comparisons import Errors, IntroducedErrors, RoundingResponse, rounding_response
from equivariance._engine.measurement.grid_floors import ContentFloors, GridFloors
from equivariance._engine.measurement.isolation import run_isolated
from equivariance._engine.measurement.jumps import EXCUSED, Jumps
from equivariance._engine.measurement.relative_error import PartKey
from equivariance._engine.measurement.survey_results import ComparedPart, Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import Measurement

Floors = dict[Site, dict[PartKey, float]]

_PERTURBATIONS = 16
_STRENGTH = 4.0
"""Number and strength of the perturbations for an error that exceeds its floor: a tie flips in every other run."""

_FEW = 8
"""Number of perturbations that decide whether a response jumps."""

_FALLS = 1e6
"""An error that is larger in float32 by this factor (rounding: 2**29) comes from rounding."""


class RoundingFloors:
    """The floors of one network, each measured at its first use.

    Invariants:
        A floor does not depend on the order of requests: each perturbation has a seed of its own, and an error is
        compared with perturbations in the order of their numbers.
        All floors are relative to the size of the part, in the reference precision.

    Args:
        runs: Runs the network.
        seed: The first seed of the perturbations.
    """

    def __init__(self, runs: TransformedRuns, seed: int) -> None:
        """Starts without any floor."""
        self.runs, self.runner, self.seed = runs, runs.runner, seed
        self._floors: dict[bool, Floors] = {}
        self._draws: dict[tuple[ModelState, LayerCall | None], list[Floors]] = {}
        self._grids: dict[ModelState, GridFloors] = {}
        self._contents = ContentFloors(runs)
        self._jumps = Jumps(runs, seed, self._largest_change)
        self._latest_single: tuple[tuple[Trial, LayerCall | None] | None, Mapping[Site, Errors]] = (None, {})

    def floors(self, patched: bool) -> Floors:
        """Returns the response to one last-bit perturbation, with the weights as given.

        Args:
            patched: True for one call's own code at each site, False for the whole run.
        """
        patched = patched and len(self.runner.contracts) > 1  # without inner layers, both are the same run
        if patched not in self._floors:
            handler = rounding_response(
                self.runner, self.runner.states[0], patched, self.seed, self.runner.capabilities.epsilon
            )
            self._floors[patched] = _relative_errors(handler.errors)
        return self._floors[patched]

    def at_output(self, key: PartKey) -> float:
        """Returns the effect of last-bit perturbations of the input on a part of the network's output."""
        return self.floors(False).get(Site(ROOT), {}).get(key, 0.0)

    def response(self, state: ModelState, owner: LayerCall | None, number: int) -> Floors:
        """Returns the errors that one-ulp noise causes, in one of several perturbations.

        The floors that all sites share come from one perturbation, with the weights as given. An error that exceeds
        them is compared with these responses: ties do not always flip, and other weights may be worse conditioned.

        Args:
            state: Weights and mode.
            owner: The call that is run in isolation; None for the whole network.
            number: The number of the perturbation, from 0.
        """
        draws = self._draws.setdefault((state, owner), [])
        while len(draws) <= number:
            found = _relative_errors(_perturb(self.runner, state, owner, self.seed + 1 + len(draws)).errors)
            draws.append({site: {k: f / _STRENGTH for k, f in floors.items()} for site, floors in found.items()})
        return draws[number]

    def grid(self, trial: Trial, site: Site, key: PartKey, patched: bool) -> float:
        """Returns the error that grids explain: interpolation, and content that leaves; `patched` as for `floors`."""
        if self.runs.sizes.grid is None:
            return 0.0
        if trial.state not in self._grids:
            self._grids[trial.state] = GridFloors(self.runner.reference(trial.state))
        grids, inside = self._grids[trial.state], patched and len(self.runner.contracts) > 1
        owner = self.runner.reference(trial.state).owner(site) if inside else None
        cells = grids.introduced(site, trial.element, key) if inside else grids.accumulated(trial.element)
        return max(cells, self._contents.floor(trial, owner, site, key))

    def judge(self, measurement: Measurement, part: ComparedPart) -> Measurement:
        """Returns the measurement with a floor for every effect of rounding, if the floor is earned.

        Args:
            measurement: An error with the floor that all sites share.
            part: The part that has the error.
        """
        found = measurement
        if found.error > found.tolerance:
            found = self.remeasure(found, part)
        return self.judge_excuse(found, part)

    def judge_excuse(self, measurement: Measurement, part: ComparedPart) -> Measurement:
        """Returns the measurement without a floor that does not excuse its error; arguments as for `judge`."""
        return self._jumps.judge(measurement, part) if self.is_unproven(measurement) else measurement

    def is_unproven(self, measurement: Measurement) -> bool:
        """True if a floor excuses an error that is too large to be excused without proof."""
        least = 0.0 if measurement.discrete else EXCUSED
        precise = self.runner.reference_dtype == torch.float64
        return precise and measurement.is_excused and measurement.error > least

    def judge_zero(self, measurement: Measurement, part: ComparedPart) -> Measurement:
        """Returns the measurement of a part that is zero at the example only, as inputs nearby decide it.

        The error has no scale at the example. Arguments as for `judge`.
        """
        if self.runner.reference_dtype != torch.float64:
            return measurement
        return self._jumps.judge_nearby(measurement, part) or measurement

    def remeasure(self, measurement: Measurement, part: ComparedPart) -> Measurement:
        """Returns the measurement with a floor for every effect of rounding: lower precision, ties, other weights.

        One run in float32 comes first. Perturbations follow until one of them explains the error. An error that stalls
        at the precision of float32 needs no perturbations: it is no violation, and the run in float32 explains it.

        Args:
            measurement: An error that exceeds its floor.
            part: The part that has the error.
        """
        single = relative_error(self._single_errors(part.trial, part.owner).get(part.site, {}), part.key)
        if math.isfinite(single) and single > _FALLS * measurement.error:
            return replace(measurement, rounding_floor=max(measurement.error, measurement.rounding_floor))
        found, number_of_draws = measurement, 0 if single and measurement.plateaus else _PERTURBATIONS
        for number in range(number_of_draws):
            if found.error <= found.tolerance:
                break
            floor = self.response(part.trial.state, part.owner, number).get(part.site, {}).get(part.key, 0.0)
            found = replace(found, rounding_floor=max(floor, found.rounding_floor))
        return found

    def _largest_change(self, runner: Runner, state: ModelState, owner: LayerCall | None, factor: float) -> Floors:
        """Returns the largest change under noise that is stronger by `factor`; for `Jumps`."""
        found: Floors = {}
        for seed in range(self.seed + 1, self.seed + 1 + _FEW):
            for site, changes in _relative_errors(_perturb(runner, state, owner, seed, factor).errors).items():
                known = found.setdefault(site, {})
                known.update({key: max(change, known.get(key, 0.0)) for key, change in changes.items()})
        return found

    def _single_errors(self, trial: Trial, owner: LayerCall | None) -> Mapping[Site, Errors]:
        """Returns the errors in float32; `owner` as for `response`. Empty if they cannot be compared."""
        if self.runner.reference_dtype != torch.float64 or trial.state.mode == "train":
            return {}
        if self._latest_single[0] != (trial, owner):
            try:
                errors = self._run_single(trial, owner)
            except Exception:  # a layer may reject an unknown dtype in any way
                errors = {}
            self._latest_single = ((trial, owner), errors)
        return self._latest_single[1]

    def _run_single(self, trial: Trial, owner: LayerCall | None) -> Mapping[Site, Errors]:
        if owner is None:
            return self.runs.plain_run(trial, torch.float32).errors
        reference = self.runner.reference(trial.state)
        handler = IntroducedErrors(reference, trial.element, torch.float32)
        if owner in reference.inputs:
            run_isolated(self.runner, trial.state, owner, handler, torch.float32)
        return handler.errors


def _perturb(
    runner: Runner, state: ModelState, owner: LayerCall | None, seed: int, factor: float = 1.0
) -> RoundingResponse:
    """Runs one call, or the whole network if `owner` is None, under noise."""
    reference, epsilon = runner.reference(state), factor * _STRENGTH * runner.capabilities.epsilon
    if owner in reference.inputs and state.mode == "eval":
        handler = RoundingResponse(reference, epsilon, seed, patched=True)
        run_isolated(runner, state, owner, handler, runner.reference_dtype)
        return handler
    return rounding_response(runner, state, owner is not None, seed, epsilon)


def relative_error(errors: Errors, key: PartKey) -> float:
    """Returns the relative error of one part; 0 if nothing was measured or the part has no size."""
    return errors[key].relative if key in errors and errors[key].scale else 0.0


def _relative_errors(found: Mapping[Site, Errors]) -> Floors:
    """Returns all relative errors without NaN and infinity, which as a floor would hide every violation."""
    return {
        site: {k: e.relative for k, e in errors.items() if e.scale and (e.discrete or math.isfinite(e.difference))}
        for site, errors in found.items()
    }
