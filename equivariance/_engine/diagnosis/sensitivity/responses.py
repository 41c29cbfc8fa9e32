"""Measures claims that an output must change, and makes the finding where it does not.

An element of the group is a direction. The network runs under the element itself, under a part of it and under a small
part. It is insensitive in this direction if its output is the same under all three, in every state. The response for
each unit of the small part is compared with the claim. `lost_information` finds the statement.

`examine` calls it, after the laws of a symmetry were tested.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from equivariance._engine.diagnosis.places import place_of_layer
from equivariance._engine.diagnosis.sensitivity.lost_information import LostInformation, Place, relative_change
from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.source_lines import location_at
from equivariance._engine.instrumentation.tensor_identity import equal
from equivariance._engine.instrumentation.testbed import ModelState
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance.cause_catalogue import mechanism_named
from equivariance.contracts.nested import UNSPECIFIED, leaves
from equivariance.findings import Finding
from equivariance.groups.elements import Transform, rotation, translation
from equivariance.groups.further import scaling
from equivariance.groups.named import Symmetry
from equivariance.groups.sampling import Group
from equivariance.representations.composed.sensitive import Sensitive

_DRAWN, _SIMPLE = 3, 6
"""Number of directions that are drawn, and of simple ones."""

_PARTS = (1.0, 0.37, 2.0**-6)
"""Parts of an element. No usual finite symmetry of an example is kept by all of them."""


@dataclass(frozen=True)
class Claim:
    """A tensor of the output that must change.

    Attributes:
        path: Its path in the output.
        how: Its representation.
    """

    path: str
    how: Sensitive


@dataclass(frozen=True)
class Response:
    """The response of one tensor in one direction, in the state in which it is largest.

    Attributes:
        elements: The parts of the element.
        largest: The largest response under them.
        rate: The response for each unit of the smallest part.
    """

    elements: tuple[Transform, ...]
    largest: float
    rate: float


@dataclass(frozen=True)
class Sensitivity:
    """The result for one symmetry.

    Attributes:
        findings: One finding for each tensor that does not respond as claimed.
        remarks: The measured response of the others, one sentence each.
    """

    findings: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def broken(self) -> bool:
        """True if a tensor does not respond as claimed."""
        return bool(self.findings)


def sensitivity_of(runs: TransformedRuns, group: Group, seed: int, inside: bool) -> Sensitivity:
    """Tests every claim that the output responds to a group.

    Args:
        runs: Runs the network.
        group: The group.
        seed: The seed of the elements.
        inside: True to search for the statement.
    """
    runner = runs.runner
    found = leaves(runner.output, runner.contracts[""].output)
    claims = [Claim(p, how) for p, _, how in found if isinstance(how, Sensitive) and how.responds_to(group.symmetry)]
    if not claims:
        return Sensitivity()
    directions = list(_directions(runs, group, seed))
    findings, remarks = [], []
    for claim in claims:
        responses = [_response(runs, claim, direction) for direction in directions]
        if not responses:
            continue
        weakest = _weakest(responses, group, _limit(runs))
        if weakest.largest <= _limit(runs) or weakest.rate < claim.how.at_least:
            findings.append(_finding(runs, group, claim, weakest, inside))
        else:
            unit = _UNITS.get(group.symmetry, "for an element")
            remarks.append(f"output{claim.path} responds by at least {weakest.rate:.2g} {unit}")
    return Sensitivity(tuple(findings), tuple(remarks))


_UNITS = {"rotation": "per radian", "translation": "per extent of the inputs", "scale": "per factor e"}


def _limit(runs: TransformedRuns) -> float:
    """Returns the response up to which an output counts as unchanged: half of the digits."""
    return math.sqrt(torch.finfo(runs.runner.reference_dtype).eps)


def _weakest(responses: Sequence[Response], group: Group, limit: float) -> Response:
    """Returns the first direction without a response, else the weakest response; of reorderings the strongest."""
    if Symmetry(group.symmetry).is_reordering:
        return max(responses, key=lambda r: r.rate)
    silent = (r for r in responses if r.largest <= limit)
    return next(silent, min(responses, key=lambda r: r.rate))


def _directions(runs: TransformedRuns, group: Group, seed: int) -> Iterator[tuple[Transform, ...]]:
    """Yields the parts of each element that moves an input."""
    sizes = runs.sizes
    for element in dict.fromkeys([*group.draw(_DRAWN, seed, sizes), *group.simplest(sizes)[:_SIMPLE]]):
        parts = tuple(dict.fromkeys(_part(element, share) for share in _PARTS))
        if any(not equal(runs.inputs(e), runs.inputs(Transform())) for e in parts):
            yield parts


def _part(element: Transform, share: float) -> Transform:
    """Returns a part of a rotation, a translation or a scaling; other elements have no parts."""
    if share == 1 or replace(element, matrix=Transform().matrix, vector=(0.0, 0.0, 0.0), scale=1.0) != Transform():
        return element
    if element.matrix != Transform().matrix and element.determinant < 0:
        return element
    turn = rotation(np.round(share * Rotation.from_matrix(element.array).as_rotvec(), 4))
    move = translation(share * np.array(element.vector))
    return move @ scaling(element.scale**share) @ (turn if element.matrix != Transform().matrix else Transform())


def _size(runs: TransformedRuns, element: Transform) -> float:
    """Returns the size of an element in the units of `Sensitive.at_least`."""
    sizes = (element.angle, element.distance / max(runs.sizes.extent, 1e-300), abs(math.log(element.scale)))
    return 1.0 if element.determinant < 0 or not any(sizes) else math.hypot(*sizes)


def _response(runs: TransformedRuns, claim: Claim, parts: tuple[Transform, ...]) -> Response:
    """Returns the response in one direction, in the evaluation state that responds most."""
    states = [state for state in runs.runner.states if state.mode == "eval"]
    found = []
    for state in states:
        before = _leaf(runs.runner.reference(state).outputs[ROOT], claim)
        changes = [relative_change(before, _leaf(runs.output(Trial(e, state)), claim)) for e in parts]
        found.append(Response(parts, max(changes), changes[-1] / _size(runs, parts[-1])))
    return max(found, key=lambda r: (r.largest, r.rate))


def _leaf(output: Any, claim: Claim) -> torch.Tensor:
    return next(t for path, t, _ in leaves(output, UNSPECIFIED) if path == claim.path)


def _finding(runs: TransformedRuns, group: Group, claim: Claim, weakest: Response, inside: bool) -> Finding:
    """Returns the finding of a tensor that does not respond as claimed."""
    least, state = claim.how.at_least, _state(runs)
    silent = weakest.largest <= _limit(runs)
    small = weakest.elements[-1:]
    compared = (weakest.elements, _limit(runs)) if silent else (small, least * _size(runs, small[0]))
    place = LostInformation(runs, state, claim.path, *compared).place() if inside else None
    listed = ", ".join(map(repr, weakest.elements[:2] if silent else small))
    part = f"output{claim.path}"
    if silent:
        text = f"{part} must change under {group.symmetry}, and is the same under {listed}"
    else:
        unit = _UNITS.get(group.symmetry, "for an element")
        text = f"{part} responds by {weakest.rate:.2g} {unit} under {listed}; at least {least:g} is claimed"
    mechanism = "no-response" if silent else "weak-response"
    text += "" if place is None else f"; {place.words}"
    missing = 1.0 if silent or not least else 1 - weakest.rate / least
    return Finding(
        layer="" if place is None else place.layer,
        symmetry=group.symmetry,
        cause="insensitive",
        evidence=text,
        part=part,
        error=missing,
        noise_floor=_limit(runs),
        contributed=missing,
        counterexample=weakest.elements[0],
        state=str(state),
        fix=mechanism_named(mechanism).remedy,
        mechanism=mechanism,
        **_fields(runs, place),
    )


def _fields(runs: TransformedRuns, place: Place | None) -> dict[str, Any]:
    if place is None or place.line is None:
        return place_of_layer(runs.runner, "" if place is None else place.layer)
    others = tuple(map(location_at, place.alternatives))
    located = "confirmed" if place.transmits and not others else "suspect"
    return {"location": location_at(place.line), "located": located, "alternatives": others}


def _state(runs: TransformedRuns) -> ModelState:
    return next(state for state in runs.runner.states if state.mode == "eval")
