"""Finds the place in the source that a finding names, for a layer or for a statement.

`localizer`, `layer_rows` and `sanity` call it. Statements at fault are found in `localization`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from equivariance._engine.causes.explanation import Explanation
from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.source_lines import SourceLine, is_in_library, location_at, location_of
from equivariance._engine.instrumentation.testbed import Runner
from equivariance._engine.localization.locate_statement import Statement

MADE_BY_THE_CALLER = frozenset({"missing-batch-vector"})
"""Mechanisms of a mistake in the call of a layer. Several statements of the layer then show it."""


def place_of_layer(runner: Runner, layer: str) -> dict[str, Any]:
    """Returns the fields of a finding that name a layer whose statement at fault is not known.

    The place is the layer's `forward`. If the `forward` is code of a library, the place is the user's statement that
    calls the layer: a suspect.
    """
    state = runner.states[0]
    location = location_of(runner.module(state, runner.reference_dtype), layer)
    if location is None or is_in_library(location):
        calling = runner.reference(state).call_sites.get(LayerCall(layer))
        if calling is not None:
            return {"location": location_at(calling), "located": "suspect"}
    return {"location": location, "located": "layer"}


def place_of(runner: Runner, layer: str, statement: Statement | None, explanation: Explanation) -> dict[str, Any]:
    """Returns the fields of a finding that name the statement at fault, or the layer if no statement is known.

    If the mistake is in the call of the layer, the place is the statement that calls it. If experiments show that the
    statement only meets a mistake that was made earlier, the place is open between both.

    Args:
        runner: The copies of the network.
        layer: The layer of the finding.
        statement: The statement at fault; None if none was found.
        explanation: What experiments on the statement show.
    """
    if statement is None or statement.place is None:
        return place_of_layer(runner, layer)
    sure = statement.confirmed and not statement.alternatives
    calling = runner.reference(runner.states[0]).call_sites.get(LayerCall(layer))
    if explanation.mechanism in MADE_BY_THE_CALLER and calling is not None:
        return {"location": location_at(calling), "located": "confirmed" if sure else "suspect"}
    origin = explanation.origin
    if origin is not None and origin.place not in (None, statement.place):
        others = tuple(map(location_at, (statement.place, *statement.alternatives)))
        return {
            "location": location_at(origin.place),
            "located": "suspect",
            "alternatives": others,
            "chain": origin.layer if origin.layer != layer else "",
        }
    return {
        "location": location_at(statement.place),
        "located": "confirmed" if sure else "suspect",
        "alternatives": tuple(map(location_at, statement.alternatives)),
        "chain": _chain(statement, layer),
    }


def of_exchange(place: dict[str, Any], before: Sequence[SourceLine]) -> dict[str, Any]:
    """Returns the fields of a finding where two branches should exchange and differ: either may be wrong.

    Args:
        place: The fields that `place_of` gave.
        before: Statements that break what goes into the statement at fault.
    """
    known = (*map(location_at, before), place.get("location"), *place.get("alternatives", ()))
    first, *others = dict.fromkeys(location for location in known if location is not None)
    return {**place, "location": first, "located": "suspect", "alternatives": tuple(others)}


def _chain(statement: Statement, layer: str) -> str:
    """Returns the path of the innermost module that runs a statement, and the statement that calls its function.

    The chain is empty if it says no more than the layer.
    """
    calling = str(location_at(statement.callers[-1])) if statement.callers else ""
    if statement.layer == layer and not calling:
        return ""
    return " at ".join(filter(None, (statement.layer, calling)))
