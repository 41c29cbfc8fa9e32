"""Finds the layers whose own code breaks a symmetry, in the result of a survey.

`diagnosis.localizer` asks for them. Which statement of a layer is at fault is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.reference import CONTROL_FLOW, OUTPUT, Site
from equivariance._engine.measurement.relative_error import PartKey, part_name
from equivariance._engine.measurement.survey_results import SurveyResult, Trial
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance._ranking import largest, ordered

_Entry = tuple[Site, PartKey, Measurement, Trial]

_UNSURE = 2.0
"""Floors are measured on few perturbations: on another processor they differ by up to this factor."""


@dataclass(frozen=True)
class SuspectLayer:
    """One layer under one symmetry: the sites where its own code breaks the law, and the worst of them.

    Attributes:
        layer: Dotted path of the layer whose code is at fault.
        owner: The call of the layer that makes the worst error.
        sites: Every site with a violation.
        site, key, measurement, trial: The worst violation: its site, part, size, element and state.
    """

    layer: str
    owner: LayerCall
    sites: tuple[Site, ...]
    site: Site
    key: PartKey
    measurement: Measurement
    trial: Trial

    @property
    def part(self) -> str:
        """The part that shows the violation, in words."""
        where = (
            self.site.name
            if self.site.slot in (OUTPUT, CONTROL_FLOW)
            else f"what it hands to {self.site.call} as {self.site.slot}"
        )
        return where + part_name(self.key)


def suspect_layers(survey: SurveyResult, worst_allowed: Verdict) -> list[SuspectLayer]:
    """Returns the layers whose own code is worse than `worst_allowed`, the largest introduced error first."""
    broken: dict[str, list[_Entry]] = {}
    for site, place in survey.introduced.items():
        for key, (measurement, trial) in place.parts().items():
            if measurement.verdict > worst_allowed:
                broken.setdefault(survey.owners[site].layer, []).append((site, key, measurement, trial))
    found = []
    for layer, entries in broken.items():
        site, key, measurement, trial = _worst_of(entries)
        sites = tuple(dict.fromkeys(e[0] for e in entries))
        found.append(SuspectLayer(layer, survey.owners[site], sites, site, key, measurement, trial))
    return ordered(found, lambda s: s.measurement.error, descending=True)


def _worst_of(entries: Sequence[_Entry]) -> _Entry:
    """Returns the entry with the worst verdict and the largest ratio of error to tolerance.

    If the uncertainty of the floors could exchange two ratios, the larger error counts.
    """
    verdict, ratio = largest(entries, lambda e: e[2].severity)[2].severity
    near = [e for e in entries if e[2].severity >= (verdict, ratio / _UNSURE)]
    return largest(near, lambda e: e[2].error)
