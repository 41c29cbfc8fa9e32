"""Tests whether a statement depends on the choice of a local frame, by removing it (ablation).

A layer may rotate a vector into a frame of its own choice and back. Between the two steps no value obeys a law, and
nothing is wrong as long as the choice cancels. If the choice does not cancel, the fault may be the choice of frame or a
statement that works in it. To decide, remove the statement, pass its input on, and test the output again. If the output
then keeps its law, the removed statement depends on the frame. A layer that is called several times in the frame is
removed as a whole.

`locate_statement` calls `frame_dependent_statement`. The runs are made by `intervention`.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equivariance._engine.instrumentation.operations import COPY_OPS, INDEXING_OPS
from equivariance._engine.instrumentation.perturbations import noise_like
from equivariance._engine.instrumentation.tape import Patch, Tape
from equivariance._engine.laws.forms import InvariantLaw, Law
from equivariance._engine.laws.matching import Match
from equivariance._engine.localization.intervention import InterventionRunner
from equivariance._engine.localization.proposals import diagonal_first
from equivariance._engine.localization.slicing import Slicer, StatementRun
from equivariance._engine.measurement.relative_error import compare, worst
from equivariance.contracts.nested import leaves
from equivariance.errors import ForeignElementError
from equivariance.groups.elements import Transform

_MOST_REMOVALS = 12
"""Largest number of removals, last statements first."""

_MOST_SUBSTITUTIONS = 6
"""Largest number of substitutions to leave out one statement."""


@dataclass(frozen=True)
class Ablation:
    """A removed statement, and the values that replace its results.

    Attributes:
        unit: The statement, at its last execution.
        instead: Number of each result -> number of the value that replaces it.
    """

    unit: StatementRun
    instead: Mapping[int, int]

    def patches(self, reference: Tape, of: Tape | None = None) -> dict[int, Patch]:
        """Returns the patches that remove the statement.

        Args:
            reference: The recording of the reference run, for the shapes.
            of: The recording whose values replace the results; None for the values of the run itself.
        """
        shapes = {number: reference.values[number].shape for number in self.instead}
        return {n: _substitute(read, shapes[n], of) for n, read in self.instead.items()}


def frame_dependent_statement(
    runner: InterventionRunner, flow: Slicer, chosen: StatementRun, beside: Mapping[int, Law]
) -> Ablation | None:
    """Returns the last statement after `chosen` without which the output keeps its law; None if there is none.

    Args:
        runner: The runner of the layer.
        flow: Recordings in which everything else at fault is replaced.
        chosen: The statement found to be at fault, which may only choose a frame.
        beside: The laws that replace everything else at fault.
    """
    backward_slice = runner.suspects(flow)[0]
    for found in itertools.islice(_candidates(runner, flow, backward_slice, chosen), _MOST_REMOVALS):
        if _is_equivariant_without(runner, found, beside):
            return found
    return None


def _candidates(
    runner: InterventionRunner, flow: Slicer, backward_slice: Collection[int], chosen: StatementRun
) -> Iterator[Ablation]:
    """Yields statements after `chosen` that may be removed, last ones first."""
    tried: set[object] = set()
    for number in sorted(backward_slice, reverse=True):
        unit = flow.statement_making(number)
        if unit.first < chosen.last:
            return
        name = unit.layer if _is_inner(unit, chosen) else (unit.layer, unit.place)
        if name not in tried:
            tried.add(name)
            substitutions = _substitutions(runner, flow, unit, backward_slice, chosen)
            yield from (Ablation(unit, instead) for instead in itertools.islice(substitutions, _MOST_SUBSTITUTIONS))


def _is_inner(unit: StatementRun, chosen: StatementRun) -> bool:
    """True if the statement belongs to a layer that may be called by the code that chooses the frame."""
    return unit.layer != "" and not f"{chosen.layer}.".startswith(f"{unit.layer}.")


def _executions(
    flow: Slicer, unit: StatementRun, backward_slice: Collection[int], chosen: StatementRun
) -> list[StatementRun]:
    """Returns every execution of the statement; if it belongs to an inner layer, every statement of this layer.

    Calls of layers may interrupt a statement, so that it has several executions.
    """
    if not _is_inner(unit, chosen):
        return flow.executions_of(unit, backward_slice)
    return [u for u in flow.making(backward_slice) if u.layer == unit.layer]


def _substitutions(
    runner: InterventionRunner, flow: Slicer, unit: StatementRun, backward_slice: Collection[int], chosen: StatementRun
) -> Iterator[dict[int, int]]:
    """Yields substitutes for all results of the statement: broken values that it read."""
    choices: dict[int, list[int]] = {}
    for part in _executions(flow, unit, backward_slice, chosen):
        events = flow.events[part.first : part.last]
        if part.first < chosen.last or all(e.name in COPY_OPS | INDEXING_OPS | {"given", "brought"} for e in events):
            return
        read = [n for n in flow.reads_of([part]) if n in backward_slice]
        for number in flow.live_out(part, backward_slice, runner.targets):
            choices[number] = [n for n in read if n < number and _can_replace(flow, n, number, _is_inner(unit, chosen))]
    if any(_reads_lawful_value(flow, n, backward_slice, chosen) for found in choices.values() for n in found):
        yield from (
            dict(zip(choices, substitution, strict=True))
            for substitution in diagonal_first(list(choices.values()), _MOST_SUBSTITUTIONS)
        )


def _can_replace(flow: Slicer, read: int, number: int, channels: bool) -> bool:
    """True if one value can replace another: same shape, or, if `channels`, another length of the last axis."""
    one, other = flow.reference.values[read], flow.reference.values[number]
    if one.dtype != other.dtype or not other.is_floating_point():
        return False
    return one.shape == other.shape or (channels and one.dim() > 1 and one.shape[:-1] == other.shape[:-1])


def _reads_lawful_value(flow: Slicer, number: int, backward_slice: Collection[int], chosen: StatementRun) -> bool:
    """True if a value that transforms lawfully entered a broken value after `chosen`: the frame acts on this value."""
    waiting, visited = [number], {number}
    while waiting:
        index = flow.producers[waiting.pop()]
        if index < chosen.last:
            continue
        for read in flow.events[index].reads:
            if read in backward_slice and read not in visited:
                visited.add(read)
                waiting.append(read)
            elif flow.level(read) == Match.EXACT and flow.law(read) not in (None, InvariantLaw()):
                return True
    return False


def _is_equivariant_without(runner: InterventionRunner, ablation: Ablation, beside: Mapping[int, Law]) -> bool:
    """True if the output keeps its law without a statement, although the substituted value has no law.

    The output is then independent of the frame. An output that ignores the substituted value (dead or saturated units)
    also passes; the result is then discarded. The test for this substitutes the values of the transformed run: the
    output must change.
    """
    element, tolerance = runner.trial.element, runner.matcher.close.tolerance
    patches = ablation.patches(runner.reference)
    try:
        plain, made = (runner.intervene(e, beside, patches)[0] for e in (Transform(), element))
        if _output_error(runner, made, plain, element) > runner.limit:
            return False
        other, _ = runner.intervene(Transform(), beside, ablation.patches(runner.reference, made))
    except ForeignElementError:
        raise
    except Exception:  # the code after the statement needs its result, and may raise any error
        return False
    return _output_error(runner, other, plain, Transform()) > tolerance


def _output_error(runner: InterventionRunner, made: Tape, plain: Tape, element: Transform) -> float:
    """Returns the relative error between an output and the output of another recording, transformed by `element`."""
    reference = runner.handler.reference
    found = leaves(reference.value(runner.site), reference.spec(runner.site))
    how = next(how for path, _, how in found if path == runner.key[0])
    one, other = (tape.values[tape.marks[runner.site][runner.key[0]]] for tape in (made, plain))
    return worst(compare(one, how.transform(other, element), how, element))[1].relative


def _substitute(read: int, shape: torch.Size, of: Tape | None) -> Patch:
    """Returns a patch that puts the value `read` in the place of a value of another shape.

    If the number of channels differs, each new channel is a random mixture of all channels.
    """

    def substitute(_: Tensor, values: Sequence[Tensor]) -> Tensor:
        value, generator = (of.values if of else values)[read], torch.Generator().manual_seed(0)
        if value.shape == shape:
            return value
        return value @ noise_like(value.new_empty(value.shape[-1], shape[-1]), generator) / value.shape[-1] ** 0.5

    return substitute
