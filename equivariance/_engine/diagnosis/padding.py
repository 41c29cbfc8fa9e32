"""Measures whether the output depends on the length of the padding, as a part of the symmetry "batch".

`localizer` calls it. The network is run as a whole on inputs with more padded rows. Layers are not searched: the values
between them have other shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from equivariance._engine.diagnosis.output_finding import Top, output_finding, output_part
from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.measurement.survey import SymmetrySurvey
from equivariance._engine.measurement.survey_results import SurveyResult, Trial, WorstMeasurements
from equivariance._engine.measurement.verdict import Verdict
from equivariance._words import counted
from equivariance.errors import ArgumentError
from equivariance.findings import Finding
from equivariance.groups.elements import Transform


def vary_padding(
    survey: SymmetrySurvey, elements: Sequence[Transform], result: SurveyResult, allowed: Verdict
) -> tuple[SurveyResult, list[Finding], list[str]]:
    """Runs the network with more padded rows.

    Args:
        survey: Runs the network.
        elements: Elements that append padded rows; without any, nothing is run.
        result: The survey of the symmetry.
        allowed: The most severe verdict of a sound layer.

    Returns:
        The survey with these errors at the output; a finding if the output depends on the padding; and a remark if the
        network does not run with more padded rows.
    """
    states = [state for state in survey.runs.runner.states if state.mode == "eval"]
    found, remarks = SurveyResult(result.symmetry), list[str]()
    for trial in (Trial(element, state) for element in elements for state in states):
        try:
            found = survey.with_plain_run(found, trial)
        except ArgumentError as error:
            remarks = [f"the length of the padding is not tested: {error}"]
    top = found.accumulated.get(Site(ROOT), WorstMeasurements()).top
    if top is None:
        return result, [], remarks
    broken = top[1].verdict > allowed
    return with_output(result, found), [_finding(survey, top)] if broken else [], remarks


def with_output(result: SurveyResult, more: SurveyResult) -> SurveyResult:
    """Returns a survey with the errors of another one at the output."""
    places = []
    for sites in (result.accumulated, result.introduced):
        place = sites.get(Site(ROOT), WorstMeasurements()).copy()
        for key, (measurement, trial) in more.accumulated[Site(ROOT)].parts().items():
            place.add(key, measurement, trial)
        places.append({**sites, Site(ROOT): place})
    accumulated, introduced = places
    owners = {**result.owners, Site(ROOT): ROOT}
    return replace(result, accumulated=accumulated, introduced=introduced, owners=owners)


def _finding(survey: SymmetrySurvey, top: Top) -> Finding:
    """Returns the finding for an output that depends on the padding."""
    rows = counted(top[2].element.padding, "more padded row")
    evidence = (
        f"{output_part(top)} changes by {top[1].error:.2g} with {rows} in every sample, which the mask leaves out: "
        "padding is read as if it were nodes"
    )
    return output_finding(survey, top, "batch", "padding", evidence)
