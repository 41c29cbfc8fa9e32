"""Finds the laws of undeclared inputs that look like geometry, by trying which law makes the output right.

`diagnosis.request` calls `all_as_points` and `decide_by_trial`. This module runs nothing itself: it calls the `run`
that it is given. Inputs whose names or shapes decide are treated in `contracts`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from equivariance._ranking import largest, smallest
from equivariance.contracts.assumption import Assumption, How
from equivariance.contracts.inputs import Inputs
from equivariance.errors import ArgumentError
from equivariance.findings import Finding, Location
from equivariance.representations.axes import Assumed
from equivariance.representations.base import Representation
from equivariance.representations.formatting import as_python, in_words
from equivariance.representations.standard import CartesianPoints, Invariant

MOST = 3
"""Most tensors that can be undecided at once: every combination of laws is tried."""

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
    return inputs.with_assumptions([a.with_law(next(filter(_is_points, a.laws))) for a in inputs.undecided])


def decide_by_trial(
    inputs: Inputs, run: Try, placed: Callable[[Inputs], Inputs], location: Location | None
) -> tuple[Inputs, list[Finding], list[str]]:
    """Decides the undecided inputs by trial.

    If no other input moves, unchanged inputs prove nothing, and vectors hide a violation under translation. At least
    one undecided tensor is then taken for positions. If the output is wrong with positions, a finding asks.

    Args:
        inputs: Inputs with one or more undecided tensors.
        run: Measures the output with given inputs, under the tested motions.
        placed: Returns given inputs with the axes that the runs show.
        location: The source location of the callable.

    Returns:
        The inputs with the laws that make the output right, a finding for each tensor that must be declared, and
        remarks for the report.
    """
    inputs = _with_component_axes(inputs, run)
    asked = inputs.undecided
    if not asked:
        return inputs, [], []
    if not inputs.has_moving_input:
        return _positions(inputs, run, placed, location)
    unchanged = run(inputs)
    if unchanged[0]:
        return inputs, [], [_remark_on_unchanged(a, inputs, run) for a in asked]
    best, errors, sound = _best(_tries(inputs, run, any))
    if not _falls(unchanged[1], errors):
        return inputs, [], [f"asked: {a.place}: {_describe_undecided(unchanged[1], errors, best)}" for a in asked]
    if sound:
        best = [replace(a, why=f"{a.why}; unchanged, it would be off by {_largest(unchanged[1])}") for a in best]
    taken = inputs.with_assumptions(best)
    return taken, [] if sound else [_finding(a, unchanged[1], errors, taken, location) for a in best], []


def _with_component_axes(inputs: Inputs, run: Try) -> Inputs:
    """Decides named positions and vectors whose components may lie on several axes of length 3."""
    for assumption in inputs.undecided:
        if isinstance(assumption.representation, Invariant):
            continue
        rest = [assumption.with_law(law) for law in assumption.laws[1:]]
        right = [run(inputs.with_assumptions([a]))[0] for a in (assumption, *rest)]
        taken = next((a for a, sound in zip((assumption, *rest), right, strict=True) if sound), assumption)
        how = How.BY_RUNS if sum(right) == 1 else How.BY_NAME if taken is assumption else How.BY_SHAPE
        grounds = replace(taken.grounds, law=how)
        inputs = inputs.with_assumptions([replace(taken, asked=False, laws=(), grounds=grounds)])
    return inputs


def _positions(
    inputs: Inputs, run: Try, placed: Callable[[Inputs], Inputs], location: Location | None
) -> tuple[Inputs, list[Finding], list[str]]:
    """Takes at least one undecided tensor for positions, because no other input moves."""
    best, errors, sound = _best(_tries(inputs, run, lambda laws: any(map(_is_points, laws))))
    taken = inputs.with_assumptions(best)
    if sound:
        return taken, [], []
    worst = _worst(errors)
    beside = f"the output's error is then {errors[worst]:.2g} under {worst}"
    vectors, _, right = _best(_tries(inputs, run, lambda laws: any(laws) and not any(map(_is_points, laws))))
    if right and _have_channels(inputs.undecided, placed(inputs.with_assumptions(vectors))):
        told = f"were it positions, the output would be off by {errors[worst]:.2g} under {worst}: declare it if it is"
        return inputs.with_assumptions(vectors), [], [f"asked: {a.place}: channels of vectors; {told}" for a in best]
    if right:
        beside += f"; as {_laws(vectors)}, which no translation moves, it is right"
    return taken, [_finding_on_likeliest_law(a, beside, errors[worst], taken, location) for a in best], []


def _have_channels(undecided: Sequence[Assumption], placed: Inputs) -> bool:
    """True if all undecided tensors list nodes or edges on the first axis and have an axis of channels.

    Positions have no channels. If the runs show the nodes on a later axis, the tensor is a batch of clouds.
    """
    laws = {a.path: a.representation for a in placed.assumptions}
    return all(
        len(a.shape) > 2 and (laws[a.path].nodes in (0, Assumed.FIRST) or laws[a.path].edges == 0) for a in undecided
    )


def _tries(inputs: Inputs, run: Try, wanted: Callable[[Sequence[Representation | None]], bool]) -> Iterator[Tried]:
    """Yields the result of each combination of laws, up to the first that makes the output right.

    `wanted` receives one law for each undecided tensor, or None if it stays unchanged.
    """
    for chosen in itertools.product(*(a.laws for a in inputs.undecided)):
        laws = [None if isinstance(law, Invariant) else law for law in chosen]
        if wanted(laws):
            pairs = zip(inputs.undecided, laws, strict=True)
            changed = [a.with_law(law) for a, law in pairs if law is not None]
            sound, errors = run(inputs.with_assumptions(changed))
            yield changed, errors, sound
            if sound:
                return


def _best(tried: Iterator[Tried]) -> Tried:
    changed, errors, sound = smallest(tried, lambda item: (not item[2], sum(item[1].values()), len(item[0])))
    result = "the output is right so" if sound else "the error of the output is least so"
    return [_decide(a, result, sound) for a in changed], errors, sound


def _decide(assumption: Assumption, result: str, sound: bool) -> Assumption:
    """Returns the assumption with the law that was tried."""
    grounds = replace(assumption.grounds, law=How.BY_RUNS if sound else How.BY_SHAPE)
    where = assumption.why.removeprefix("asked: ").removesuffix(", and its name says nothing")
    return replace(assumption, why=f"{where}; {result}", asked=False, laws=(), grounds=grounds)


def _is_points(law: object) -> bool:
    return isinstance(law, CartesianPoints)


def _remark_on_unchanged(assumption: Assumption, inputs: Inputs, run: Try) -> str:
    """Returns the remark for a tensor that may stay unchanged: it may still be one that moves and is misused."""
    sound, errors = run(inputs.with_assumptions([assumption.with_law(next(filter(_is_points, assumption.laws)))]))
    otherwise = f"; were it positions, off by {_largest(errors)}: declare it if it moves with the pose"
    return f"asked: {assumption.place}: the output is right with it unchanged{'' if sound else otherwise}"


def _largest(errors: Errors) -> str:
    """Returns the largest error and its symmetry, in words."""
    worst = _worst(errors)
    return f"{errors[worst]:.2g} under {worst}"


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


def _finding_on_likeliest_law(
    assumption: Assumption, beside: str, error: float, inputs: Inputs, location: Location | None
) -> Finding:
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
