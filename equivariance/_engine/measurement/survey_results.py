"""The result of a survey: the worst measurement of every part at every site, and the trial that gave it.

`survey` fills these values; `localization` and `diagnosis` read them. This module runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import ModelState
from equivariance._engine.measurement.relative_error import PartKey
from equivariance._engine.measurement.verdict import Measurement
from equivariance._ranking import exceeds, largest
from equivariance.groups.elements import Transform


@dataclass(frozen=True)
class Trial:
    """One run of a survey: a group element applied to a model in one state.

    Attributes:
        element: The transformation of the network's input.
        state: The weights (given or perturbed) and the mode (evaluation or training).
    """

    element: Transform
    state: ModelState


@dataclass(frozen=True)
class ComparedPart:
    """One part of a value in one trial, which can be compared again: with other noise, precision or inputs.

    Attributes:
        trial: The element and the state.
        owner: The call whose own code made the error; None for the whole run.
        site: The site of the value.
        key: The part of the value.
    """

    trial: Trial
    owner: LayerCall | None
    site: Site
    key: PartKey


@dataclass
class WorstMeasurements:
    """The worst measurement of each part at one site, with the trial that gave it.

    Attributes:
        measurements: Part -> its worst measurement in the reference precision.
        tested: Part -> largest error and floor in the tested precision, measured on some trials only.
    """

    measurements: dict[PartKey, tuple[Measurement, Trial]] = field(default_factory=dict)
    tested: dict[PartKey, tuple[float, float]] = field(default_factory=dict)

    def add(self, key: PartKey, measurement: Measurement, trial: Trial) -> None:
        """Keeps the more severe measurement, and the larger numbers of the tested precision."""
        error, floor = self.tested.get(key, (0.0, 0.0))
        self.tested[key] = (max(error, measurement.tested_error), max(floor, measurement.tested_floor))
        if self.rises(key, measurement):
            self.measurements[key] = (measurement, trial)

    def rises(self, key: PartKey, measurement: Measurement) -> bool:
        """True if this measurement would be the worst of its part."""
        if key not in self.measurements:
            return True
        (verdict, ratio), (known, least) = measurement.severity, self.measurements[key][0].severity
        return verdict > known or (verdict == known and exceeds(ratio, least))

    def plateaus(self, key: PartKey) -> bool:
        """True if the worst measurement of a part stalls at the precision of float32."""
        return key in self.measurements and self.measurements[key][0].plateaus

    def parts(self) -> dict[PartKey, tuple[Measurement, Trial]]:
        """Returns each part's worst measurement, with the largest numbers of the tested precision."""
        return {
            key: (replace(measurement, tested_error=self.tested[key][0], tested_floor=self.tested[key][1]), trial)
            for key, (measurement, trial) in self.measurements.items()
        }

    def copy(self) -> WorstMeasurements:
        """Returns a copy that can be added to."""
        return WorstMeasurements(dict(self.measurements), dict(self.tested))

    @property
    def top(self) -> tuple[PartKey, Measurement, Trial] | None:
        """The most severe part with its measurement and trial; None if nothing was measured."""
        if not self.measurements:
            return None
        key, (measurement, trial) = largest(self.parts().items(), lambda item: item[1][0].severity)
        return key, measurement, trial


@dataclass
class SurveyResult:
    """All measurements under one symmetry.

    Attributes:
        symmetry: The symmetry that the elements were drawn from.
        accumulated: Output site -> worst measurements in plain transformed runs.
        introduced: Site -> worst measurements with exact surroundings.
        owners: Site -> the call whose code produced the value there.
        skipped: State in training mode that does not run on transformed inputs -> the reason.
        cut: The samples that the time limit left, as in "3 of 8 samples"; "" if all were measured.
    """

    symmetry: str
    accumulated: dict[Site, WorstMeasurements] = field(default_factory=dict)
    introduced: dict[Site, WorstMeasurements] = field(default_factory=dict)
    owners: dict[Site, LayerCall] = field(default_factory=dict)
    skipped: dict[ModelState, str] = field(default_factory=dict)
    cut: str = ""

    @property
    def root(self) -> WorstMeasurements:
        """The accumulated errors at the network's output."""
        return self.accumulated.get(Site(ROOT), WorstMeasurements())
