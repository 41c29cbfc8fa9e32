"""Makes the finding for an output that is broken in runs of the whole network, whose layers are not searched.

`padding` and `supercells` call it.
"""

from __future__ import annotations

from equivariance._engine.instrumentation.source_lines import location_of
from equivariance._engine.measurement.relative_error import PartKey, part_name
from equivariance._engine.measurement.survey import SymmetrySurvey
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.verdict import Measurement
from equivariance.cause_catalogue import mechanism_named
from equivariance.findings import Finding

Top = tuple[PartKey, Measurement, Trial]
"""The part with the worst error, the error, and the trial that shows it."""


def output_part(top: Top) -> str:
    """Returns the broken part of the output, in words."""
    return f"output{part_name(top[0])}"


def output_finding(survey: SymmetrySurvey, top: Top, symmetry: str, mechanism: str, evidence: str) -> Finding:
    """Returns the finding at the `forward` of the network.

    Args:
        survey: The survey of the symmetry.
        top: The worst measurement at the output.
        symmetry: The symmetry that is broken.
        mechanism: Its name in the catalogue, which also gives the cause and the remedy.
        evidence: One sentence that a person can check.
    """
    (_, measurement, trial), runner, known = top, survey.runs.runner, mechanism_named(mechanism)
    module = runner.module(runner.states[0], runner.reference_dtype)
    return Finding(
        layer="", symmetry=symmetry, cause=known.cause, evidence=evidence, part=output_part(top),
        location=location_of(module, ""), error=measurement.error, noise_floor=measurement.rounding_floor,
        contributed=measurement.error, counterexample=trial.element, state=str(trial.state), fix=known.remedy,
        mechanism=mechanism,
    )  # fmt: skip
