"""What a survey finds: the worst reading of every part of every place, and the trial that gave it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import ModelState
from equivariance._engine.measurement.relative_error import PartKey
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance._ranking import exceeds, largest
from equivariance.groups.elements import Transform

_UNSURE = 2.0
"""A floor is measured on few perturbations: between processors it differs by up to this factor."""

Item = TypeVar("Item")


def most_severe(items: Sequence[Item], reading: Callable[[Item], Measurement]) -> Item:
    """Returns the item with the worst verdict, and the largest error over limit within it; there must be an item.

    Breaks whose floors may explain the difference of their ratios are compared by their errors alone.
    """
    worst = largest(items, lambda item: reading(item).severity)
    verdict, ratio = reading(worst).severity
    if verdict < Verdict.PRECISION:
        return worst
    near = [i for i in items if reading(i).severity >= (verdict, ratio / _UNSURE)]
    return largest(near, lambda item: reading(item).error)


@dataclass(frozen=True)
class Trial:
    """One element applied in one state."""

    element: Transform
    state: ModelState


@dataclass
class WorstMeasurements:
    """The worst reading of each part of a place, with the trial that gave it.

    The working precision is measured on some trials only; its largest error and floor are kept apart.
    """

    readings: dict[PartKey, tuple[Measurement, Trial]] = field(default_factory=dict)
    working: dict[PartKey, tuple[float, float]] = field(default_factory=dict)

    def add(self, key: PartKey, reading: Measurement, trial: Trial) -> None:
        """Keep the more severe one, and the larger working numbers."""
        error, floor = self.working.get(key, (0.0, 0.0))
        self.working[key] = (max(error, reading.tested_error), max(floor, reading.tested_floor))
        if self.rises(key, reading):
            self.readings[key] = (reading, trial)

    def rises(self, key: PartKey, reading: Measurement) -> bool:
        """Whether this reading would be the worst of its part."""
        if key not in self.readings:
            return True
        (verdict, ratio), (known, least) = reading.severity, self.readings[key][0].severity
        return verdict > known or (verdict == known and exceeds(ratio, least))

    def parts(self) -> dict[PartKey, tuple[Measurement, Trial]]:
        """Each part's worst reading, completed by the largest working numbers."""
        return {
            key: (replace(reading, tested_error=self.working[key][0], tested_floor=self.working[key][1]), trial)
            for key, (reading, trial) in self.readings.items()
        }

    @property
    def top(self) -> tuple[PartKey, Measurement, Trial] | None:
        """The most severe part, None where nothing was measured."""
        if not self.readings:
            return None
        key, (reading, trial) = most_severe(list(self.parts().items()), lambda item: item[1][0])
        return key, reading, trial


@dataclass
class SurveyResult:
    """Everything that was measured under one symmetry.

    Attributes:
        accumulated: Output site -> worst reading in plain transformed runs
        introduced: Site -> worst reading with exact surroundings
        owners: Site -> the call whose code produced the value there
    """

    symmetry: str
    accumulated: dict[Site, WorstMeasurements] = field(default_factory=dict)
    introduced: dict[Site, WorstMeasurements] = field(default_factory=dict)
    owners: dict[Site, LayerCall] = field(default_factory=dict)

    @property
    def root(self) -> WorstMeasurements:
        """The network's own output."""
        return self.accumulated.get(Site(ROOT), WorstMeasurements())
