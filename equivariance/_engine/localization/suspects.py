"""Finds the layers whose own code breaks a symmetry, in the result of a survey.

`diagnosis.localizer` asks for them. Which statement of a layer is at fault is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.reference import CONTROL_FLOW, OUTPUT, Site
from equivariance._engine.measurement.relative_error import PartKey, part_name
from equivariance._engine.measurement.survey_results import SurveyResult, Trial, most_severe
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance._ranking import ordered


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
    broken: dict[str, list[tuple[Site, PartKey, Measurement, Trial]]] = {}
    for site, place in survey.introduced.items():
        top = place.top
        if top is not None and top[1].verdict > worst_allowed:
            broken.setdefault(survey.owners[site].layer, []).append((site, *top))
    found = []
    for layer, entries in broken.items():
        site, key, measurement, trial = most_severe(entries, lambda e: e[2])
        sites = tuple(e[0] for e in entries)
        found.append(SuspectLayer(layer, survey.owners[site], sites, site, key, measurement, trial))
    return ordered(found, lambda s: s.measurement.error, descending=True)
