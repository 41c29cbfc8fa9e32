"""Turns the result of a survey into rows of the report, and into notes about rounding.

`localizer` calls both. A row has one layer call. A note has one layer whose selection flips on rounding, which is
ill-conditioned, or whose error stops falling at the precision of float32. This module measures nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from equivariance._engine.diagnosis.places import place_of_layer
from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.testbed import Runner
from equivariance._engine.measurement.relative_error import part_name
from equivariance._engine.measurement.survey_results import SurveyResult, WorstMeasurements
from equivariance._engine.measurement.verdict import SINGLE, Measurement, Verdict
from equivariance._ranking import exceeds
from equivariance.cause_catalogue import remedy
from equivariance.findings import Finding, LayerRow


def rows_of(
    runner: Runner, result: SurveyResult, contributed: Mapping[str, float], allowed: Verdict
) -> tuple[LayerRow, ...]:
    """Returns one row per layer call, in the order of the calls.

    Args:
        runner: The copies of the network.
        result: The result of the survey.
        contributed: Suspect layer -> its contributed error.
        allowed: The most severe verdict of a sound layer.
    """
    module, rows = runner.module(runner.states[0], runner.reference_dtype), []
    for reached_site, place in result.accumulated.items():
        call, own = reached_site.call, _own_measurements(result, reached_site.call)
        top, reached = own.top, place.top
        measurement = top[1] if top else Measurement(0, 0, 1, 0, 0, 1)
        rows.append(
            LayerRow(
                layer=call.layer,
                call=call.number,
                kind=type(module.get_submodule(call.layer)).__name__,
                symmetry=result.symmetry,
                accumulated=reached[1].error if reached else 0.0,
                introduced=measurement.error,
                contributed=contributed.get(call.layer, 0.0) if measurement.verdict > allowed else 0.0,
                noise_floor=_largest(own, "tested_floor"),
                working=_largest(own, "tested_error"),
                reached_working=_largest(place, "tested_error"),
                reached_floor=_largest(place, "tested_floor"),
                verdict=str(measurement.verdict),
                part=part_name(top[0]) if top else "",
            )
        )
    order = {call: i for i, call in enumerate(runner.reference(runner.states[0]).inputs)}
    return tuple(sorted(rows, key=lambda r: order.get(LayerCall(r.layer, r.call), len(order))))


def notes_on_rounding(runner: Runner, result: SurveyResult) -> tuple[Finding, ...]:
    """Returns a note for each layer with ties, with ill-conditioning, or with float64 no better than float32."""
    notes: dict[tuple[str, str], Finding] = {}
    for site, place in result.introduced.items():
        layer = result.owners[site].layer
        for key, (measurement, trial) in place.parts().items():
            cause, text = _describe_rounding(measurement, site.name + part_name(key))
            if cause and not exceeds(notes.get((layer, cause), _NOTHING).error, measurement.tested_error):
                notes[layer, cause] = Finding(
                    layer=layer, symmetry=result.symmetry, cause=cause, evidence=text, part=part_name(key),
                    error=measurement.tested_error, noise_floor=measurement.tested_floor,
                    counterexample=trial.element, state=str(trial.state), fix=remedy(cause),
                    **place_of_layer(runner, layer),
                )  # fmt: skip
    return tuple(notes.values())


_NOTHING = Finding("", "", "", "", error=-1.0)


def _own_measurements(result: SurveyResult, call: LayerCall) -> WorstMeasurements:
    """Returns the introduced errors of one call, at all sites that its code produced."""
    own = WorstMeasurements()
    for site, found in result.introduced.items():
        if result.owners[site] == call:
            for key, (measurement, trial) in found.parts().items():
                own.add((f"{site.name}{key[0]}", key[1]), measurement, trial)
    return own


def _largest(place: WorstMeasurements, name: str) -> float:
    """Returns the largest value over all parts: the worst part need not be the same in both precisions."""
    return max((getattr(measurement, name) for measurement, _ in place.parts().values()), default=0.0)


def _describe_rounding(measurement: Measurement, place: str) -> tuple[str, str]:
    """Returns the cause and the evidence of a note; two empty strings if there is nothing to note."""
    if measurement.is_tie:
        share = f"{measurement.tested_error:.2g} of the entries differ" if measurement.discrete else (
            f"jumps by {max(measurement.tested_floor, measurement.rounding_floor):.2g}"
        )  # fmt: skip
        return (
            "discrete-tie",
            f"{place}: {share} under rounding alone, while the law holds in float64: a selection flips",
        )
    if measurement.verdict == Verdict.ILL_CONDITIONED:
        return "ill-conditioned", f"{place}: rounding is amplified, condition number {measurement.condition:.1g}"
    if measurement.plateaus:
        lost = "float32" if measurement.stored_epsilon <= SINGLE else "the tested precision"
        return "precision", f"{place}: float64 stalls at {measurement.error:.1g}, as with a constant rounded to {lost}"
    return "", ""
