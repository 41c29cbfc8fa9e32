"""Measures every site of a network under sampled elements of one symmetry.

Per sample: one plain transformed pass (accumulated errors) and one pass on exactly transformed activations (introduced
errors), in the main precision and, where it is another, in the working precision. The number of passes does not
depend on the number of layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from equivariance.bench import Bench, State
from equivariance.elements import Transform
from equivariance.groups import Group, Setting
from equivariance.handlers import DIVERGED, OUTPUT, Accumulated, Errors, Introduced, Reference, Site
from equivariance.measure import PartKey, compare, worst
from equivariance.noise import Reading
from equivariance.probe import Call
from equivariance.trees import cast, transform

_SHAKES = 2


@dataclass(frozen=True)
class Trial:
    """One element applied in one state."""

    element: Transform
    state: State


@dataclass
class Worst:
    """The worst reading of each part of a place, with the trial that gave it."""

    readings: dict[PartKey, tuple[Reading, Trial]] = field(default_factory=dict)

    def add(self, key: PartKey, reading: Reading, trial: Trial) -> None:
        """Keep the more severe one."""
        if key not in self.readings or reading.severity > self.readings[key][0].severity:
            self.readings[key] = (reading, trial)

    @property
    def top(self) -> tuple[PartKey, Reading, Trial] | None:
        """The most severe part, None where nothing was measured."""
        if not self.readings:
            return None
        key, (reading, trial) = max(self.readings.items(), key=lambda item: item[1][0].severity)
        return key, reading, trial


@dataclass
class Survey:
    """Everything that was measured under one symmetry.

    Attributes
    ----------
    accumulated : call -> worst reading at its output in plain transformed runs
    introduced : site -> worst reading with exact surroundings
    owners : site -> the call whose code produced the value there
    trials : (trial, introduced errors by site) of every sample, for slopes over |t|
    """

    symmetry: str
    accumulated: dict[Call, Worst] = field(default_factory=dict)
    introduced: dict[Site, Worst] = field(default_factory=dict)
    owners: dict[Site, Call] = field(default_factory=dict)
    trials: list[tuple[Trial, dict[Site, Errors]]] = field(default_factory=list)

    @property
    def root(self) -> Worst:
        """The network's own output."""
        return self.accumulated.get(Call(""), Worst())


class Surveyor:
    """Runs the passes of a survey and keeps the rounding floors, which all symmetries share."""

    def __init__(self, bench: Bench, setting: Setting, samples: int, seed: int) -> None:
        """``samples`` elements are drawn per symmetry."""
        self.bench, self.setting, self.samples, self.seed = bench, setting, samples, seed
        self.epsilon = torch.finfo(bench.main).eps
        self.working_epsilon = torch.finfo(bench.working).eps
        self._latest: tuple[Trial, Introduced] | None = None
        self._floors: dict[tuple[State, bool], dict[Site, dict[PartKey, float]]] = {}

    def survey(self, group: Group) -> Survey:
        """Draw and measure; states take turns."""
        result = Survey(group.symmetry)
        states = [s for s in self.bench.states if s.mode == "eval" or group.symmetry not in {"permutation", "batch"}]
        for index, element in enumerate(group.draw(self.samples, self.seed, self.setting)):
            self._measure(Trial(element, states[index % len(states)]), result)
        return result

    def at_output(self, group: Group) -> float:
        """The largest error at the network's output in plain transformed runs, and nothing else."""
        found = 0.0
        for element in group.draw(1, self.seed, self.setting):
            trial = Trial(element, self.bench.states[0])
            errors = self._accumulated(trial, self.bench.main).errors[Call("")]
            found = max(found, worst(errors)[1].relative)
        return found

    def inputs(self, element: Transform) -> dict[str, Any]:
        """The root's arguments, transformed exactly in float64."""
        contract = self.bench.contracts[""]
        return {
            name: transform(cast(value, torch.float64), contract.inputs.get(name), element, name)
            for name, value in self.bench.arguments.items()
        }

    def introduced(self, trial: Trial, dtype: torch.dtype | None = None) -> Introduced:
        """One pass on exactly transformed activations."""
        dtype = dtype or self.bench.main
        if self._latest is not None and self._latest[0] == trial and dtype == self.bench.main:
            return self._latest[1]
        handler = Introduced(self.bench.reference(trial.state), trial.element, dtype)
        self.bench.run(trial.state, dtype, self.inputs(trial.element), handler)
        for call in handler.missing():
            handler.errors[Site(call, "call")] = DIVERGED
        if dtype == self.bench.main:
            self._latest = (trial, handler)
        return handler

    def _accumulated(self, trial: Trial, dtype: torch.dtype) -> Accumulated:
        handler = Accumulated(self.bench.reference(trial.state), trial.element)
        self.bench.run(trial.state, dtype, self.inputs(trial.element), handler)
        return handler

    def _measure(self, trial: Trial, survey: Survey) -> None:
        bench, reference = self.bench, self.bench.reference(trial.state)
        plain = self._accumulated(trial, bench.main)
        rough = plain if bench.working == bench.main else self._accumulated(trial, bench.working)
        self._collect_accumulated(trial, plain, rough, survey)
        if len(bench.contracts) == 1:
            errors = {Site(call): e for call, e in plain.errors.items()}
            survey.trials.append((trial, errors))
            survey.owners.update({site: site.call for site in errors})
            survey.introduced.update({Site(call): worst for call, worst in survey.accumulated.items()})
            return
        exact = self.introduced(trial)
        fuzzy = exact if bench.working == bench.main else self.introduced(trial, bench.working)
        survey.trials.append((trial, exact.errors))
        floors = self._floors_of(trial.state, patched=True)
        for site, errors in exact.errors.items():
            survey.owners[site] = _owner(reference, site)
            distances = _distances(reference, site, exact.kept, fuzzy.kept, trial.element)
            worst = survey.introduced.setdefault(site, Worst())
            self._add(worst, trial, errors, fuzzy.errors.get(site, {}), floors.get(site, {}), distances)

    def _collect_accumulated(self, trial: Trial, plain: Accumulated, rough: Accumulated, survey: Survey) -> None:
        reference = self.bench.reference(trial.state)
        floors = self._floors_of(trial.state, patched=False)
        for call, errors in plain.errors.items():
            site = Site(call)
            distances = _distances(reference, site, plain.kept, rough.kept, trial.element)
            worst = survey.accumulated.setdefault(call, Worst())
            self._add(worst, trial, errors, rough.errors.get(call, {}), floors.get(site, {}), distances)

    def _add(
        self, worst: Worst, trial: Trial, errors: Errors, working: Errors, floors: Mapping[PartKey, float],
        distances: Errors,
    ) -> None:  # fmt: skip
        single = self.bench.working == self.bench.main
        reach = 1 + trial.element.distance / max(self.setting.extent, 1e-300)
        for key, error in errors.items():
            floor = floors.get(key, 0.0)
            reading = Reading(
                error=error.relative,
                floor=floor,
                epsilon=self.epsilon,
                working_error=error.relative if single else _relative(working, key),
                working_floor=max(floor, self.epsilon) if single else _relative(distances, key),
                working_epsilon=self.working_epsilon,
                discrete=error.discrete,
                reach=reach,
            )
            worst.add(key, reading, trial)

    def _floors_of(self, state: State, patched: bool) -> dict[Site, dict[PartKey, float]]:
        """Largest response to last-bit perturbations, per site and part."""
        if (state, patched) not in self._floors:
            found: dict[Site, dict[PartKey, float]] = {}
            for shake in range(_SHAKES):
                handler = self.bench.jittered(state, patched, self.seed + shake, self.epsilon)
                for site, errors in handler.errors.items():
                    place = found.setdefault(site, {})
                    for key, error in errors.items():
                        place[key] = max(place.get(key, 0.0), error.relative)
            self._floors[state, patched] = found
        return self._floors[state, patched]


def _relative(errors: Errors, key: PartKey) -> float:
    return errors[key].relative if key in errors else float("inf")


def _owner(reference: Reference, site: Site) -> Call:
    if site.place == OUTPUT or site.call not in reference.callers:
        return site.call
    return reference.callers[site.call] or Call("")


def _distances(
    reference: Reference, site: Site, main: Mapping[Site, Any], working: Mapping[Site, Any], element: Transform
) -> Errors:
    """How far the working-precision value is from the main-precision one."""
    if main is working or site not in main or site not in working:
        return {}
    return compare(working[site], main[site], reference.spec(site), element)
