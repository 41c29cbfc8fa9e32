"""Measures every site of a network under sampled elements of one symmetry.

Per sample: one pass on exactly transformed activations (introduced errors) in the reference precision. For two samples
of each state also a plain transformed pass (accumulated errors). If the tested precision differs, some passes are made
again in it. The number of passes does not depend on the number of layers.

`diagnosis.localizer` and `inference` call it. Layers at fault are chosen in `localization.suspects`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeVar

import torch

from equivariance._deadline import TimeLimitReached
from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import Runner
from equivariance._engine.measurement.comparisons import AccumulatedErrors, IntroducedErrors
from equivariance._engine.measurement.relative_error import EQUAL, PartError, PartKey
from equivariance._engine.measurement.rounding_floors import RoundingFloors, relative_error
from equivariance._engine.measurement.survey_results import ComparedPart, SurveyResult, Trial, WorstMeasurements
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance._engine.measurement.zero_parts import ZeroParts
from equivariance.errors import TransformedInputError
from equivariance.groups.sampling import Group, InputSizes
from equivariance.progress import UNOBSERVED, Observer

_TESTED = 2
"""Number of samples that are also run in the tested precision: at most this, and a quarter of all."""

_PLAIN = 2
"""Number of plain runs in each state: a violation may reach the output in one state only, for example behind weights
that start at zero.
"""

_TESTED_APART = 1
"""Number of samples whose layers are also run on exact values in the tested precision."""

_Pass = TypeVar("_Pass", AccumulatedErrors, IntroducedErrors)


class _Passes(NamedTuple):
    """The passes of one sample, besides the one on exactly transformed activations.

    Attributes:
        plain: True for the plain transformed pass (accumulated errors).
        tested: True for the plain pass in the tested precision, too.
        tested_apart: True for the pass on exactly transformed activations in the tested precision, too.
    """

    plain: bool = False
    tested: bool = False
    tested_apart: bool = False


@dataclass(frozen=True)
class SurveyOptions:
    """Options of all surveys of an examination.

    Attributes:
        samples: Number of elements that are drawn for each symmetry.
        seed: The seed of elements, perturbations and changed inputs.
    """

    samples: int
    seed: int


class SymmetrySurvey:
    """Runs the passes of surveys; symmetries share the rounding floors.

    Invariants:
        A result does not change after `survey` returned it.
        The number of passes per sample does not depend on the number of layers.

    Attributes:
        runs: Runs the network on transformed inputs.
        floors: The errors that rounding and grids explain.
        options: The number of samples and the seed.
    """

    def __init__(
        self, runner: Runner, sizes: InputSizes, options: SurveyOptions, observer: Observer = UNOBSERVED
    ) -> None:
        """Runs nothing yet; `observer` is called after each sample."""
        self.options, self.observer = options, observer
        self.runs = TransformedRuns(runner, sizes)
        self.floors = RoundingFloors(self.runs, options.seed)
        self._zeros = ZeroParts(self.runs, options.seed)

    def survey(self, group: Group, layers: Collection[str] | None = None) -> SurveyResult:
        """Draws elements and measures; the states alternate, and every state is measured at the output.

        Args:
            group: The symmetry.
            layers: The layers to measure, in addition to the output of the whole; None for all.

        Raises:
            TransformedInputError: If the network does not run on transformed inputs in evaluation mode.
            TimeLimitReached: If no time was left for the first sample. Later samples may be left out (`cut`).
        """
        result, sizes = SurveyResult(group.symmetry), self.runs.sizes
        tested: list[Trial] = []
        states = self.runs.runner.capabilities.states_under(group.symmetry)
        elements = group.draw(self.options.samples, self.options.seed, sizes)
        total = max(len(elements), len(states))
        for index in range(total):
            trial = Trial(elements[index % len(elements)], states[index % len(states)])
            try:
                if trial.state not in result.skipped:
                    passes = self._passes(index, len(states), layers is None)
                    self._measure(trial, result, passes, layers)
                    tested += [trial] * passes.tested
            except TimeLimitReached:
                if index == 0:
                    raise
                result.cut = f"{index} of {total} samples"
                return result
            self.observer.sampled(group.symmetry, index + 1, total, _output_error(result))
        inconclusive = _inconclusive_trial(result)
        if inconclusive is not None:
            for element in group.further(sizes):
                self._measure(Trial(element, inconclusive.state), result, _Passes(), layers)
        worst = result.root.top
        if worst is not None and worst[1].error > worst[1].tolerance and worst[2] not in tested:
            # A table that says "broken" shows the break in both precisions.
            return self.with_plain_run(result, worst[2])
        return result

    def _passes(self, index: int, states: int, whole: bool) -> _Passes:
        """Returns the passes of a sample; if only layers are asked for, the whole is run once in each state."""
        quarter = max(1, self.options.samples // 4)
        plain, tested = (_PLAIN, min(_TESTED, quarter)) if whole else (1, 1)
        between = self.runs.sizes.grid is not None and index == 1
        return _Passes(index < plain * states, index < tested or between, index < _TESTED_APART or between)

    def introduced_in(self, trial: Trial, symmetry: str) -> SurveyResult:
        """Returns the introduced errors of all layers in one trial."""
        result = SurveyResult(symmetry)
        self._collect(trial, (self.runs.patched_run(trial), None), result.introduced, patched=True)
        self._add_owners(trial, result)
        return result

    def with_plain_run(self, result: SurveyResult, trial: Trial) -> SurveyResult:
        """Returns the result of a survey with one more plain run among the accumulated errors."""
        accumulated = {site: place.copy() for site, place in result.accumulated.items()}
        self._collect(trial, self._both(trial, self.runs.plain_run, True), accumulated, patched=False)
        return replace(result, accumulated=accumulated)

    def output_measurement(self, group: Group, every_state: bool = True) -> Measurement:
        """Returns the worst measurement at the network's output, from one plain run in each evaluation state.

        Args:
            group: The symmetry. The tested precision is run in the first state.
            every_state: False for the first state only.
        """
        (element, *_), found = group.draw(1, self.options.seed, self.runs.sizes), dict[Site, WorstMeasurements]()
        states = [state for state in self.runs.runner.states if state.mode == "eval"]
        for trial in (Trial(element, state) for state in (states if every_state else states[:1])):
            passes = self._both(trial, self.runs.plain_run, trial.state == states[0])
            self._collect(trial, passes, found, patched=False)
        top = found.get(Site(ROOT), WorstMeasurements()).top
        return Measurement(0, 0, 1, 0, 0, 1) if top is None else top[1]

    def _measure(
        self, trial: Trial, result: SurveyResult, passes: _Passes, layers: Collection[str] | None = None
    ) -> None:
        """Adds the errors of one trial."""
        try:
            self._measure_state(trial, result, passes, layers)
        except TransformedInputError as error:
            if trial.state.mode == "eval":
                raise
            result.skipped[trial.state] = error.reason

    def _measure_state(
        self, trial: Trial, result: SurveyResult, passes: _Passes, layers: Collection[str] | None
    ) -> None:
        single = len(self.runs.runner.contracts) == 1
        if passes.plain or passes.tested or single:
            made = self._both(trial, partial(self.runs.plain_run, layers=layers), passes.tested)
            self._collect(trial, made, result.accumulated, patched=False)
            if single:
                self._collect(trial, made, result.introduced, patched=True)
        if not single:
            run = self.runs.patched_run if layers is None else partial(self.runs.isolated_runs, layers=layers)
            self._collect(trial, self._both(trial, run, passes.tested_apart), result.introduced, patched=True)
        self._add_owners(trial, result)

    def _add_owners(self, trial: Trial, result: SurveyResult) -> None:
        reference = self.runs.runner.reference(trial.state)
        result.owners |= {s: reference.owner(s) for s in result.introduced if s not in result.owners}

    def _both(self, trial: Trial, run: Callable[..., _Pass], tested: bool) -> tuple[_Pass, _Pass | None]:
        """Returns the passes in the reference and in the tested precision; the same pass if the two are equal."""
        runner = self.runs.runner
        same = runner.tested_dtype == runner.reference_dtype
        if same or not tested:
            single = run(trial, runner.reference_dtype)
            return single, single if same else None
        rough = run(trial, runner.tested_dtype, keep=True)
        return run(trial, runner.reference_dtype, against=rough.kept), rough

    def _collect(
        self, trial: Trial, passes: tuple[_Pass, _Pass | None], places: dict[Site, WorstMeasurements], patched: bool
    ) -> None:
        main, rough = passes
        floors = self.floors.floors(patched)
        for site, errors in main.errors.items():
            place, known = places.setdefault(site, WorstMeasurements()), floors.get(site, {})
            for key, error in errors.items():
                if error.difference == 0 and key in place.measurements and rough in (None, main):
                    continue
                if self._zeros.explains(error, trial, site, key, patched):
                    place.add(key, self._measurement(trial, EQUAL, 0.0, (0.0, 0.0)), trial)
                    continue
                floor = known.get(key, 0.0)
                tested = self._tested_error(main, rough, site, key, floor)
                found = self._measurement(trial, error, floor, tested)
                if found.error > found.tolerance:
                    found = replace(found, grid=self.floors.grid(trial, site, key, patched))
                rises = place.rises(key, found) or self.floors.is_unproven(found)
                stalled = found.plateaus and place.plateaus(key)  # another look would change no verdict
                if (patched or site == Site(ROOT)) and rises and not stalled:
                    found = self._judge(found, error, trial, site, key, patched)
                place.add(key, found, trial)

    def _judge(
        self, found: Measurement, error: PartError, trial: Trial, site: Site, key: PartKey, patched: bool
    ) -> Measurement:
        """Returns the measurement with the floor that its error has earned; the whole run is not measured again."""
        owner = self.runs.runner.reference(trial.state).owner(site) if patched else None
        part = ComparedPart(trial, owner, site, key)
        if not error.scale and math.isfinite(error.difference):
            return self.floors.judge_zero(found, part)
        return (self.floors.judge if patched else self.floors.judge_excuse)(found, part)

    def _tested_error(
        self, main: _Pass, rough: _Pass | None, site: Site, key: PartKey, floor: float
    ) -> tuple[float, float]:
        """Returns error and floor in the tested precision; zeros if it was not run."""
        if rough is None:
            return 0.0, 0.0
        error = relative_error(rough.errors.get(site, {}), key)
        if rough is main:
            return error, max(floor, self.runs.runner.capabilities.epsilon)
        return error, relative_error(main.distances.get(site, {}), key)

    def _measurement(self, trial: Trial, error: PartError, floor: float, tested: tuple[float, float]) -> Measurement:
        runner = self.runs.runner
        return Measurement(
            error=error.relative,
            rounding_floor=floor,
            epsilon=runner.capabilities.epsilon,
            tested_error=tested[0],
            tested_floor=tested[1],
            tested_epsilon=runner.capabilities.tested_epsilon,
            stored_epsilon=torch.finfo(runner.tested_dtype).eps,
            discrete=error.discrete,
            reach=1 + trial.element.reach / max(self.runs.sizes.extent, 1e-300),
            reordered=runner.capabilities.only_reorders(trial.element),
        )


def _output_error(result: SurveyResult) -> float:
    """Returns the error of the network's output, 0 if rounding explains it."""
    top = result.root.top
    return top[1].error if top is not None and top[1].error > top[1].tolerance else 0.0


def _inconclusive_trial(result: SurveyResult) -> Trial | None:
    """Returns the trial of an error that is more than rounding, if no error is clearly a violation."""
    tops = [place.top for place in result.introduced.values()]
    beyond = [top for top in tops if top is not None and top[1].error > top[1].tolerance]
    if any(measurement.verdict == Verdict.BROKEN for _, measurement, _ in beyond):
        return None
    return beyond[0][2] if beyond else None
