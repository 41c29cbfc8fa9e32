"""Decides whether a large error is excused because last-bit noise moves a value as far.

If last-bit noise makes a value jump, the measured floor is as large as the jump, and it would hide any error. The
excuse must therefore be earned. The same comparison (element, site, part) is made at inputs near the example, with
floors of their own:

- If noise makes the value jump at most of them, generic inputs meet the jump: the error is a violation.
- If noise makes it jump at the example only, the example has a tie. The inputs nearby decide.

Exact elements (inversion, rotations of the cube, permutations) are exact at the inputs nearby, too. A parity break
therefore stays a break if the example has a tie. Amplification in proportion to the noise excuses errors up to
`LARGEST`; beyond it, the inputs nearby decide.

`rounding_floors` calls it for errors above `EXCUSED` in float64. docs/tolerance.md documents the constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import NamedTuple

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.perturbations import Change, noisy, noisy_everywhere
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.measurement.relative_error import PartKey
from equivariance._engine.measurement.survey_results import ComparedPart
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import CONFIDENCE, Measurement
from equivariance.contracts.nested import walk

EXCUSED = 1e-6
"""Largest error in float64 that a measured floor excuses without further proof."""

LARGEST = 1e-2
"""Largest error in float64 that amplification of rounding in proportion to the noise excuses."""

_SIZES = (1e-3, 1e-6)
"""Distances of the inputs nearby, relative to each input. The second one is used if the network rejects the first."""

_NEARBY = 3
"""Number of inputs nearby, at each distance."""

_STRONGER, _STEEP = 1e3, 30.0
"""Factor by which noise is made stronger, and the least growth of a response in proportion to the noise."""

Floors = dict[Site, dict[PartKey, float]]

Response = Callable[[Runner, ModelState, LayerCall | None, float], Floors]
"""Returns the largest change at every site under last-bit noise, made stronger by a factor."""


class _Judgement(Enum):
    """The outcome of the same comparison at one input nearby."""

    HOLDS = "the error is rounding"
    BROKEN = "the error exceeds rounding"
    ROUGH = "last-bit noise makes the value jump"


class _Nearby(NamedTuple):
    """A judgement, and the change that last-bit noise makes at the input nearby."""

    judgement: _Judgement
    change: float


class Jumps:
    """The inputs near the example, and the responses to noise, each measured at its first use.

    Args:
        runs: Runs the network on the example.
        seed: The seed of the inputs nearby.
        response: Measures responses to noise.
    """

    def __init__(self, runs: TransformedRuns, seed: int, response: Response) -> None:
        """Runs nothing yet."""
        self.runs, self.seed, self._response = runs, seed, response
        self._places: dict[tuple[float, bool, int], TransformedRuns] = {}
        self._known: dict[tuple[int, ModelState, LayerCall | None, float], Floors] = {}

    def judge(self, measurement: Measurement, part: ComparedPart) -> Measurement:
        """Returns the measurement with the floor that its error has earned.

        Args:
            measurement: An error that its floor excuses.
            part: The part that has the error.
        """
        strong = self._size(self.runs, part, _STRONGER)
        if strong >= _STEEP * measurement.rounding_floor and measurement.error <= LARGEST:
            return measurement
        found = self.judge_nearby(measurement, part)
        return found or replace(measurement, rounding_floor=0.0, jump=measurement.rounding_floor)

    def judge_nearby(self, measurement: Measurement, part: ComparedPart) -> Measurement | None:
        """Returns the measurement as inputs nearby decide it; None if there is none. Arguments as for `judge`."""
        for size in _SIZES:
            for everything in (True, False):
                places = [(size, everything, number) for number in range(_NEARBY)]
                found = [self._judge_at(place, measurement, part) for place in places]
                known = [nearby for nearby in found if nearby is not None]
                if known:
                    return _decide(measurement, known)
        return None

    def _judge_at(self, place: tuple[float, bool, int], measurement: Measurement, part: ComparedPart) -> _Nearby | None:
        """Makes the comparison at an input nearby; None if the network does not run there, or the part has no size."""
        try:
            runs = self._runs_at(place)
            error = _error(runs, part)
            weak, strong = (self._size(runs, part, factor) for factor in (1.0, _STRONGER))
        except Exception:  # a network may reject changed inputs in any way
            return None
        if math.isnan(error):
            return None
        here = replace(measurement, error=error, rounding_floor=weak)
        jumps = weak > 0 if here.discrete else CONFIDENCE * weak > EXCUSED and strong < _STEEP * weak
        if jumps or (here.is_excused and error > LARGEST):
            return _Nearby(_Judgement.ROUGH, weak)
        return _Nearby(_Judgement.BROKEN if error > here.tolerance else _Judgement.HOLDS, weak)

    def _runs_at(self, place: tuple[float, bool, int]) -> TransformedRuns:
        if place not in self._places:
            runner, specs = self.runs.runner, self.runs.runner.contracts[""].inputs
            change = _change(*place[:2], self.seed + place[2])
            moved = {k: walk(v, specs.get(k), k, change) for k, v in runner.arguments.items()}
            self._places[place] = TransformedRuns(replace(runner, arguments=moved, recorded={}), self.runs.sizes)
        return self._places[place]

    def _size(self, runs: TransformedRuns, part: ComparedPart, factor: float) -> float:
        """Returns the largest change of one part under noise."""
        state, owner = part.trial.state, part.owner
        asked = id(runs), state, owner, factor
        if asked not in self._known:
            self._known[asked] = self._response(runs.runner, state, owner, factor)
        return self._known[asked].get(part.site, {}).get(part.key, 0.0)


def _decide(measurement: Measurement, found: list[_Nearby]) -> Measurement:
    judgements = [nearby.judgement for nearby in found]
    rough, broken = judgements.count(_Judgement.ROUGH), judgements.count(_Judgement.BROKEN)
    if 2 * rough >= len(found):
        return replace(measurement, rounding_floor=0.0, jump=max(nearby.change for nearby in found))
    if 2 * broken >= len(found) - rough:
        return replace(measurement, rounding_floor=0.0)
    return replace(measurement, error=measurement.error if measurement.is_excused else 0.0, tie=True)


def _error(runs: TransformedRuns, part: ComparedPart) -> float:
    """Returns the error of one part; infinite if the values cannot be compared, NaN if there is nothing to compare."""
    handler = runs.plain_run(part.trial) if part.owner is None else runs.isolated_run(part.trial, part.owner)
    errors, key = handler.errors.get(part.site), part.key
    if errors is None or (key in errors and not errors[key].scale):
        return math.nan
    if key in errors:
        return errors[key].relative
    return max((e.relative for e in errors.values() if math.isinf(e.relative)), default=0.0)


def _change(size: float, everything: bool, seed: int) -> Change:
    """Returns a change that adds normal noise to all floating-point inputs, or only to those that turn."""
    return noisy_everywhere(size, seed) if everything else noisy(size, seed)
