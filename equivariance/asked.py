"""Inputs that look like geometry and that nobody declared: which law makes the output right, found by trying them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

from equivariance.assumed import Assumption
from equivariance.errors import ArgumentError
from equivariance.findings import Finding, Location, Report
from equivariance.reading import Inputs
from equivariance.representations import Representation, as_representation
from equivariance.spelling import as_python, in_words

MOST = 3
"""So many tensors can be asked about at once: every combination of laws is tried."""

_LAWS: tuple[object, ...] = (None, "cartesian_points", "1x1o", "1x1e")
_FALLS = 10.0

Errors = dict[str, float]
Try = Callable[[Inputs], Report]


def answered(inputs: Inputs, run: Try, location: Location | None) -> tuple[Inputs, list[Finding], list[str]]:
    """Inputs with the laws that make the output right, a finding for each tensor that must be declared, and remarks.

    Parameters
    ----------
    inputs : with one or more tensors that are asked about
    run : examines the callable as a whole with given inputs, under the motions that are tested
    location : where the callable stands

    Raises
    ------
    ArgumentError : more tensors than can be tried
    """
    asked = inputs.asked
    if len(asked) > MOST:
        places = ", ".join(a.place for a in asked)
        raise ArgumentError("irreps_in", places, f"these declared: at most {MOST} tensors of last axis 3 can be tried")
    unchanged = _measured(run(inputs))
    if unchanged[0]:
        return inputs, [], [f"asked: {a.place}: the output is right with it unchanged" for a in asked]
    tried: list[tuple[list[Assumption], Errors]] = []
    for laws in itertools.product(_LAWS, repeat=len(asked)):
        changed = [_as(a, as_representation(law, a.place)) for a, law in zip(asked, laws, strict=True) if law]
        if changed:
            sound, errors = _measured(run(inputs.taking(changed)))
            tried.append((changed, errors))
            if sound:
                break
    best, errors = min(tried, key=lambda item: (sum(item[1].values()), len(item[0])))
    if not _falls(unchanged[1], errors):
        return inputs, [], [f"asked: {a.place}: {_told(unchanged[1], errors, best)}" for a in asked]
    taken = inputs.taking(best)
    return taken, [_finding(a, unchanged[1], errors, taken, location) for a in best], []


def _as(assumption: Assumption, law: Representation) -> Assumption:
    old = assumption.representation
    why = "its last axis is 3; the output is right so"
    return replace(assumption, representation=replace(law, nodes=old.nodes, batch=old.batch), why=why)


def _measured(report: Report) -> tuple[bool, Errors]:
    """Whether the output is right, and its error under each symmetry."""
    errors: Errors = {}
    for row in report.layers:
        errors[row.symmetry] = max(errors.get(row.symmetry, 0.0), row.accumulated)
    return report.ok, errors


def _falls(before: Errors, after: Errors) -> bool:
    return any(after[symmetry] * _FALLS < error for symmetry, error in before.items())


def _worst(errors: Errors) -> str:
    return max(errors, key=lambda symmetry: errors[symmetry])


def _told(before: Errors, after: Errors, tried: Sequence[Assumption]) -> str:
    symmetry = _worst(before)
    laws = " or ".join(sorted({in_words(a.representation) for a in tried}))
    return (
        f"nothing tells how it transforms: the output's error under {symmetry} is {before[symmetry]:.2g} with it "
        f"unchanged, {after[symmetry]:.2g} at best ({laws}); declare it"
    )


def _finding(
    assumption: Assumption, before: Errors, after: Errors, inputs: Inputs, location: Location | None
) -> Finding:
    symmetry = next(s for s in before if after[s] * _FALLS < before[s])
    law = in_words(replace(assumption.representation, nodes=None, batch=None))
    evidence = (
        f"{assumption.place} {list(assumption.shape)} was not declared: the output's error is {before[symmetry]:.2g} "
        f"with it unchanged, {after[symmetry]:.2g} with it transformed as {law}, as the rest of this report takes it"
    )
    return Finding(
        layer="", symmetry=symmetry, cause="undeclared-input", evidence=evidence, part=assumption.place,
        location=location, fix=f"Declare it: irreps_in={as_python(inputs.specs)}.", error=before[symmetry],
        contributed=before[symmetry],
    )  # fmt: skip
