"""Measures every site of a network under sampled elements of one symmetry.

Per sample: one pass on exactly transformed activations (introduced errors) in the main precision. For two samples also
a plain transformed pass (accumulated errors), and both again in the working precision where that is another. The number
of passes does not depend on the number of layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import torch

from equivariance._engine.instrumentation.hooks import ROOT, UNWATCHED, LayerCall, RunHandler
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.measurement.comparisons import (
    AccumulatedErrors,
    Errors,
    IntroducedErrors,
    RoundingResponse,
    rounding_response,
)
from equivariance._engine.measurement.grid_floors import GridFloors
from equivariance._engine.measurement.isolation import run_isolated
from equivariance._engine.measurement.relative_error import EQUAL, PartError, PartKey, worst
from equivariance._engine.measurement.survey_results import SurveyResult, Trial, WorstMeasurements
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance._engine.measurement.zero_parts import Zeros
from equivariance.contracts.nested import cast, transform
from equivariance.errors import ArgumentError, first_line
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry
from equivariance.groups.sampling import Group, InputSizes
from equivariance.progress import UNOBSERVED, Observer

_FULL = (0, 4)
"""Samples that are measured in all ways."""

_SHAKES = 16
_STRONG = 4.0
"""How many times, and how strongly, an error that exceeds its floor is shaken: a tie flips every other time."""

_FALLS = 1e6
"""An error that is larger in float32 by this factor (rounding: 2**29) comes from rounding."""

_Pass = TypeVar("_Pass", AccumulatedErrors, IntroducedErrors)


class SymmetrySurvey:
    """Runs the passes of a survey and keeps the rounding floors, which all symmetries share."""

    def __init__(
        self, bench: Runner, setting: InputSizes, samples: int, seed: int, observer: Observer = UNOBSERVED
    ) -> None:
        """`samples` elements are drawn per symmetry; `observer` is told of each."""
        self.bench, self.setting, self.samples, self.seed, self.observer = bench, setting, samples, seed, observer
        self.epsilon, self.tested_epsilon = bench.capabilities.epsilon, bench.capabilities.tested_epsilon
        self._latest: tuple[Trial, LayerCall, IntroducedErrors] | None = None
        self._latest_single: tuple[tuple[Trial, LayerCall | None] | None, Mapping[Site, Errors]] = (None, {})
        self._responses: dict[tuple[ModelState, LayerCall | None], dict[Site, dict[PartKey, float]]] = {}
        self._grids: dict[ModelState, GridFloors] = {}
        self._floors: dict[bool, dict[Site, dict[PartKey, float]]] = {}
        self._zeros = Zeros(bench, seed, self.inputs)

    def survey(self, group: Group) -> SurveyResult:
        """Draw and measure; states take turns, and every state has one."""
        result = SurveyResult(group.symmetry)
        states = [s for s in self.bench.states if s.mode == "eval" or not Symmetry(group.symmetry).is_reordering]
        elements = group.draw(self.samples, self.seed, self.setting)
        total = max(len(elements), len(states))
        for index in range(total):
            trial = Trial(elements[index % len(elements)], states[index % len(states)])
            between = self.setting.grid is not None and index == 1
            self._measure(trial, result, index in _FULL or between)
            self.observer.sampled(group.symmetry, index + 1, total, _off(result))
        doubtful = _doubtful(result)
        if doubtful is not None:
            for element in group.further(self.setting):
                self._measure(Trial(element, doubtful.state), result, working=False)
        return result

    def accumulate(self, trial: Trial, survey: SurveyResult) -> None:
        """Add a plain transformed run to what was measured."""
        self._collect(trial, self._both(trial, self._plain, True), survey.accumulated, patched=False)

    def at_output(self, group: Group) -> float:
        """The error at the network's output in one plain transformed run, and nothing else."""
        element = group.draw(1, self.seed, self.setting)[0]
        handler = self._plain(Trial(element, self.bench.states[0]), self.bench.reference_dtype)
        return worst(handler.errors[Site(ROOT)])[1].relative

    def apart(self, trial: Trial) -> None:
        """Run the network with every layer given exact values.

        Raises:
            ArgumentError: It does not run so
        """
        self._alone(trial, self.bench.reference_dtype, False)

    def floor_at_output(self, key: PartKey) -> float:
        """What last-bit perturbations of the input do to a part of the network's output."""
        return self._floors_of(False).get(Site(ROOT), {}).get(key, 0.0)

    def grid_floor(self, trial: Trial, site: Site, key: PartKey, patched: bool) -> float:
        """What grids leave open there: of one call's own code where `patched`, else of all in a row."""
        if self.setting.grid is None:
            return 0.0
        if trial.state not in self._grids:
            self._grids[trial.state] = GridFloors(self.bench.reference(trial.state))
        grids = self._grids[trial.state]
        alone = patched and len(self.bench.contracts) > 1
        return grids.own(site, trial.element, key) if alone else grids.reached(trial.element)

    def inputs(self, element: Transform) -> dict[str, Any]:
        """The root's arguments, transformed exactly in float64."""
        contract = self.bench.contracts[""]
        return {
            name: transform(cast(value, torch.float64), contract.inputs.get(name), element, name)
            for name, value in self.bench.arguments.items()
        }

    def judged(self, trial: Trial, owner: LayerCall) -> IntroducedErrors:
        """Errors and values of what one call makes of exact surroundings.

        In training mode the whole network is run, so that random numbers are drawn as in the reference; so it is for a
        call that the reference does not have.
        """
        if self._latest is None or self._latest[:2] != (trial, owner):
            reference = self.bench.reference(trial.state)
            if trial.state.mode == "eval" and owner in reference.inputs:
                handler = IntroducedErrors(reference, trial.element, self.bench.reference_dtype, keep=True)
                run_isolated(self.bench, trial.state, owner, handler, self.bench.reference_dtype)
            else:
                handler = self._alone(trial, self.bench.reference_dtype, True)
            self._latest = (trial, owner, handler)
        return self._latest[2]

    def response(self, state: ModelState, owner: LayerCall | None) -> dict[Site, dict[PartKey, float]]:
        """The largest response per last bit to several perturbations: of one call's own code, or of all in a row.

        The floors that all places share are of one perturbation, with the weights as given. Where an error exceeds
        them this one decides, as ties do not always flip and other weights may be worse conditioned.
        """
        if (state, owner) not in self._responses:
            reference = self.bench.reference(state)
            found: dict[Site, dict[PartKey, float]] = {}
            for seed in range(self.seed + 1, self.seed + 1 + _SHAKES):
                if owner in reference.inputs and state.mode == "eval":
                    handler = RoundingResponse(reference, _STRONG * self.epsilon, seed, patched=True)
                    run_isolated(self.bench, state, owner, handler, self.bench.reference_dtype)
                else:
                    handler = rounding_response(self.bench, state, owner is not None, seed, _STRONG * self.epsilon)
                for site, floors in _floors(handler.errors).items():
                    known = found.setdefault(site, {})
                    known.update({key: max(floor / _STRONG, known.get(key, 0.0)) for key, floor in floors.items()})
            self._responses[state, owner] = found
        return self._responses[state, owner]

    def _alone(
        self, trial: Trial, dtype: torch.dtype, keep: bool | Collection[Site], against: Any = None
    ) -> IntroducedErrors:
        handler = IntroducedErrors(self.bench.reference(trial.state), trial.element, dtype, keep, against)
        self._run(trial, dtype, handler)
        handler.finish()
        return handler

    def _plain(self, trial: Trial, dtype: torch.dtype, keep: bool = False, against: Any = None) -> AccumulatedErrors:
        handler = AccumulatedErrors(self.bench.reference(trial.state), trial.element, keep, against)
        self._run(trial, dtype, handler)
        return handler

    def returned(self, state: ModelState, element: Transform) -> Any:
        """What the network makes of transformed inputs."""
        return self._run(Trial(element, state), self.bench.reference_dtype, UNWATCHED)

    def _run(self, trial: Trial, dtype: torch.dtype, handler: RunHandler) -> Any:
        """A transformed pass; that a callable refuses transformed inputs is told by the element, not by the error."""
        inputs = self.inputs(trial.element)
        try:
            return self.bench.run(trial.state, dtype, inputs, handler)
        except ArgumentError:
            raise
        except Exception as error:
            words = f"{type(error).__name__}: {first_line(error)}"
            expected = f"a callable that runs on transformed inputs too; under this one it raised {words}"
            raise ArgumentError("group", trial.element, expected) from error

    def _measure(self, trial: Trial, survey: SurveyResult, working: bool) -> None:
        reference, single = self.bench.reference(trial.state), len(self.bench.contracts) == 1
        if working or single:
            plain = self._both(trial, self._plain, working)
            self._collect(trial, plain, survey.accumulated, patched=False)
            if single:
                self._collect(trial, plain, survey.introduced, patched=True)
        if not single:
            self._collect(trial, self._both(trial, self._alone, working), survey.introduced, patched=True)
        survey.owners |= {s: reference.owner(s) for s in survey.introduced if s not in survey.owners}

    def _both(self, trial: Trial, run: Callable[..., _Pass], working: bool) -> tuple[_Pass, _Pass | None]:
        """The pass in the main precision, and if asked for in the working one where that is another."""
        bench = self.bench
        if bench.tested_dtype == bench.reference_dtype or not working:
            single = run(trial, bench.reference_dtype, False)
            return single, single if bench.tested_dtype == bench.reference_dtype else None
        rough = run(trial, bench.tested_dtype, True)
        return run(trial, bench.reference_dtype, False, rough.kept), rough

    def _collect(
        self, trial: Trial, passes: tuple[_Pass, _Pass | None], places: dict[Site, WorstMeasurements], patched: bool
    ) -> None:
        main, rough = passes
        floors = self._floors_of(patched)
        for site, errors in main.errors.items():
            place, known = places.setdefault(site, WorstMeasurements()), floors.get(site, {})
            for key, error in errors.items():
                if error.difference == 0 and key in place.readings and rough in (None, main):
                    continue
                if self._zeros.holds(error, trial, site, key, patched):
                    place.add(key, self._reading(trial, EQUAL, 0.0, (0.0, 0.0)), trial)
                    continue
                floor = known.get(key, 0.0)
                reading = self._reading(trial, error, floor, self._working(main, rough, site, key, floor))
                if reading.error > reading.tolerance:
                    reading = replace(reading, grid=self.grid_floor(trial, site, key, patched))
                if patched and reading.error > reading.tolerance and place.rises(key, reading):
                    reading = self.doubted(reading, trial, self.bench.reference(trial.state).owner(site), site, key)
                place.add(key, reading, trial)

    def doubted(
        self, reading: Measurement, trial: Trial, owner: LayerCall | None, site: Site, key: PartKey
    ) -> Measurement:
        """The reading with every excuse that rounding has: ties, other weights, and errors that fall with precision.

        `owner` is the call whose own code made the error, or None for all calls in a row.
        """
        floor = self.response(trial.state, owner).get(site, {}).get(key, 0.0)
        single = _relative(self._single(trial, owner).get(site, {}), key)
        if math.isfinite(single) and single > _FALLS * reading.error:
            floor = reading.error
        return replace(reading, rounding_floor=max(floor, reading.rounding_floor))

    def _single(self, trial: Trial, owner: LayerCall | None) -> Mapping[Site, Errors]:
        """Errors in float32 of one call's own code, or of all in a row; none where that cannot be compared."""
        if self.bench.reference_dtype != torch.float64 or trial.state.mode == "train":
            return {}
        if self._latest_single[0] != (trial, owner):
            try:
                errors = self._judged_single(trial, owner)
            except Exception:  # whatever a layer says to a dtype that it does not know
                errors = {}
            self._latest_single = ((trial, owner), errors)
        return self._latest_single[1]

    def _judged_single(self, trial: Trial, owner: LayerCall | None) -> Mapping[Site, Errors]:
        reference = self.bench.reference(trial.state)
        if owner is None:
            return self._plain(trial, torch.float32).errors
        handler = IntroducedErrors(reference, trial.element, torch.float32)
        if owner in reference.inputs:
            run_isolated(self.bench, trial.state, owner, handler, torch.float32)
        return handler.errors

    def _working(self, main: _Pass, rough: _Pass | None, site: Site, key: PartKey, floor: float) -> tuple[float, float]:
        """Error and floor in the working precision; zeros where it was not run."""
        if rough is None:
            return 0.0, 0.0
        error = _relative(rough.errors.get(site, {}), key)
        if rough is main:
            return error, max(floor, self.epsilon)
        return error, _relative(main.distances.get(site, {}), key)

    def _reading(self, trial: Trial, error: PartError, floor: float, working: tuple[float, float]) -> Measurement:
        return Measurement(
            error=error.relative,
            rounding_floor=floor,
            epsilon=self.epsilon,
            tested_error=working[0],
            tested_floor=working[1],
            tested_epsilon=self.tested_epsilon,
            stored_epsilon=torch.finfo(self.bench.tested_dtype).eps,
            discrete=error.discrete,
            reach=1 + trial.element.distance / max(self.setting.extent, 1e-300),
        )

    def _floors_of(self, patched: bool) -> dict[Site, dict[PartKey, float]]:
        """Response to last-bit perturbations, per site and part, with the weights as given.

        NaN and infinity are no rounding: they leave no floor, under which everything could hide.
        """
        if patched not in self._floors:
            handler = rounding_response(self.bench, self.bench.states[0], patched, self.seed, self.epsilon)
            self._floors[patched] = _floors(handler.errors)
        return self._floors[patched]


def _off(survey: SurveyResult) -> float:
    """The error of the network's output, 0 where it is within rounding."""
    top = survey.root.top
    return top[1].error if top is not None and top[1].error > top[1].tolerance else 0.0


def _doubtful(survey: SurveyResult) -> Trial | None:
    """The trial of an error that is more than rounding and less than a break, where nothing breaks clearly."""
    tops = [place.top for place in survey.introduced.values()]
    beyond = [top for top in tops if top is not None and top[1].error > top[1].tolerance]
    if any(reading.verdict == Verdict.BROKEN for _, reading, _ in beyond):
        return None
    return beyond[0][2] if beyond else None


def _floors(found: Mapping[Site, Errors]) -> dict[Site, dict[PartKey, float]]:
    return {
        site: {k: e.relative for k, e in errors.items() if e.scale and (e.discrete or math.isfinite(e.difference))}
        for site, errors in found.items()
    }


def _relative(errors: Errors, key: PartKey) -> float:
    return errors[key].relative if key in errors and errors[key].scale else 0.0
