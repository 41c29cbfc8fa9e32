"""Finds the laws of undeclared inputs that look like geometry, by trying which law makes the output right.

`diagnosis.request` calls `all_as_points` and `answered`. This module runs nothing itself: it calls the `run` that it is
given. Inputs whose names or shapes decide are treated in `contracts`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from equivariance._ranking import largest, smallest
from equivariance.contracts.assumptions import Assumption
from equivariance.contracts.inputs import Inputs
from equivariance.errors import ArgumentError
from equivariance.findings import Finding, Location
from equivariance.representations.base import Representation
from equivariance.representations.formatting import as_python, in_words
from equivariance.representations.standard import as_representation

MOST = 3
"""Most tensors that can be undecided at once: every combination of laws is tried."""

_POINTS = "cartesian_points"
_LAWS: tuple[object, ...] = (None, _POINTS, "1x1o", "1x1e")
_FALLS = 10.0

Errors = dict[str, float]
Try = Callable[[Inputs], tuple[bool, Errors]]
"""Returns True if the output is right with the given inputs, and its error under each symmetry."""

Tried = tuple[list[Assumption], Errors, bool]
"""The changed assumptions, the output's error under each symmetry, and True if the output is right."""


def all_as_points(inputs: Inputs) -> Inputs:
    """Returns the inputs with positions for every undecided tensor.

    Raises:
        ArgumentError: If more than `MOST` tensors are undecided.
    """
    if len(inputs.undecided) > MOST:
        places = ", ".join(a.place for a in inputs.undecided)
        raise ArgumentError("irreps_in", places, f"these declared: at most {MOST} tensors of last axis 3 can be tried")
    return inputs.with_assumptions([_as(a, as_representation(_POINTS, a.place)) for a in inputs.undecided])


def answered(inputs: Inputs, run: Try, location: Location | None) -> tuple[Inputs, list[Finding], list[str]]:
    """Decides the undecided inputs by trial.

    If no other input moves, unchanged inputs prove nothing, and vectors hide a violation under translation. At least
    one undecided tensor is then taken for positions. If the output is wrong with positions, a finding asks.

    Args:
        inputs: Inputs with one or more undecided tensors.
        run: Measures the output with given inputs, under the tested motions.
        location: The source location of the callable.

    Returns:
        The inputs with the laws that make the output right, a finding for each tensor that must be declared, and
        remarks for the report.
    """
    asked = inputs.undecided
    if not inputs.has_moving_input:
        return _positions(inputs, run, location)
    unchanged = run(inputs)
    if unchanged[0]:
        return inputs, [], [_remark_on_unchanged(a, inputs, run) for a in asked]
    best, errors, _ = _best(_tries(inputs, run, any))
    if not _falls(unchanged[1], errors):
        return inputs, [], [f"asked: {a.place}: {_describe_undecided(unchanged[1], errors, best)}" for a in asked]
    taken = inputs.with_assumptions(best)
    return taken, [_finding(a, unchanged[1], errors, taken, location) for a in best], []


def _positions(inputs: Inputs, run: Try, location: Location | None) -> tuple[Inputs, list[Finding], list[str]]:
    """Takes at least one undecided tensor for positions, because no other input moves."""
    best, errors, sound = _best(_tries(inputs, run, lambda laws: _POINTS in laws))
    taken = inputs.with_assumptions(best)
    if sound:
        return taken, [], []
    worst = _worst(errors)
    beside = f"the output's error is then {errors[worst]:.2g} under {worst}"
    vectors, _, right = _best(_tries(inputs, run, lambda laws: any(laws) and _POINTS not in laws))
    if right:
        beside += f"; as {_laws(vectors)}, which no translation moves, it is right"
    return taken, [_unknown(a, beside, errors[worst], taken, location) for a in best], []


def _tries(inputs: Inputs, run: Try, wanted: Callable[[tuple[object, ...]], bool]) -> Iterator[Tried]:
    """Yields the result of each combination of laws, up to the first that makes the output right."""
    for laws in itertools.product(_LAWS, repeat=len(inputs.undecided)):
        if wanted(laws):
            pairs = zip(inputs.undecided, laws, strict=True)
            changed = [_as(a, as_representation(law, a.place)) for a, law in pairs if law]
            sound, errors = run(inputs.with_assumptions(changed))
            yield changed, errors, sound
            if sound:
                return


def _best(tried: Iterator[Tried]) -> Tried:
    changed, errors, sound = smallest(tried, lambda item: (not item[2], sum(item[1].values()), len(item[0])))
    why = f"its last axis is 3; {'the output is right so' if sound else 'the error of the output is least so'}"
    return [replace(a, why=why) for a in changed], errors, sound


def _remark_on_unchanged(assumption: Assumption, inputs: Inputs, run: Try) -> str:
    """Returns the remark for a tensor that may stay unchanged: it may still be one that moves and is misused."""
    points = _as(assumption, as_representation(_POINTS, assumption.place))
    sound, errors = run(inputs.with_assumptions([points]))
    worst = _worst(errors)
    otherwise = f"; were it positions, off by {errors[worst]:.2g} under {worst}: declare it if it moves with the pose"
    return f"asked: {assumption.place}: the output is right with it unchanged{'' if sound else otherwise}"


def _as(assumption: Assumption, law: Representation) -> Assumption:
    return replace(assumption, representation=law.placed_like(assumption.representation))


def _falls(before: Errors, after: Errors) -> bool:
    return any(after[symmetry] * _FALLS < error for symmetry, error in before.items())


def _worst(errors: Errors) -> str:
    return largest(errors, lambda symmetry: errors[symmetry])


def _describe_undecided(before: Errors, after: Errors, tried: Sequence[Assumption]) -> str:
    symmetry = _worst(before)
    return (
        f"nothing tells how it transforms: the output's error under {symmetry} is {before[symmetry]:.2g} with it "
        f"unchanged, {after[symmetry]:.2g} at best ({_laws(tried)}); declare it"
    )


def _laws(changed: Sequence[Assumption]) -> str:
    bare = {in_words(a.representation.bare) for a in changed}
    return " or ".join(sorted(bare))


def _unknown(assumption: Assumption, beside: str, error: float, inputs: Inputs, location: Location | None) -> Finding:
    """Returns the finding for an input that was taken for its likeliest law."""
    law = _laws([assumption])
    evidence = (
        f"{assumption.place} {list(assumption.shape)} was not declared, and nothing else moves: this report "
        f"takes it for {law}; {beside}"
    )
    return Finding(
        layer="", symmetry="none", cause="undeclared-input", evidence=evidence, part=assumption.place,
        location=location, fix=f"Declare it: irreps_in={as_python(inputs.specs)}.", error=error,
    )  # fmt: skip


def _finding(
    assumption: Assumption, before: Errors, after: Errors, inputs: Inputs, location: Location | None
) -> Finding:
    symmetry = next(s for s in before if after[s] * _FALLS < before[s])
    law = in_words(assumption.representation.bare)
    evidence = (
        f"{assumption.place} {list(assumption.shape)} was not declared: the output's error is {before[symmetry]:.2g} "
        f"with it unchanged, {after[symmetry]:.2g} with it transformed as {law}, as the rest of this report takes it"
    )
    return Finding(
        layer="", symmetry=symmetry, cause="undeclared-input", evidence=evidence, part=assumption.place,
        location=location, fix=f"Declare it: irreps_in={as_python(inputs.specs)}.", error=before[symmetry],
        contributed=before[symmetry],
    )  # fmt: skip
