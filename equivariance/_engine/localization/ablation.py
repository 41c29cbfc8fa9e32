"""Statements that work on values in a local frame, and mind which frame it is.

A layer may turn a vector into a frame of its own choice and back: in between nothing obeys a law, and nothing is wrong
with it, as long as the choice drops out. Where it does not, either the choice or what is done in the frame can be
called the fault. This tells: the statement is left out, what it read is handed on in its place, and where the output
then keeps its law, the choice drops out by itself, and it was this statement that minds the frame. A layer that is
called several times in the frame is left out as a whole.
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
from equivariance._engine.localization.search import diagonal_first
from equivariance._engine.localization.slicing import Slicer, StatementRun
from equivariance._engine.measurement.relative_error import compare, worst
from equivariance.contracts.nested import leaves
from equivariance.groups.elements import Transform

_MOST = 12
_MOST_WAYS = 6
"""Times that something is left out, the last statements first; and ways to leave out one statement."""


@dataclass(frozen=True)
class Ablation:
    """A statement and what is handed on in its place.

    Attributes:
        unit: The statement, where it runs last
        instead: Value that it makes -> value that it read
    """

    unit: StatementRun
    instead: Mapping[int, int]

    def patches(self, reference: Tape, of: Tape | None = None) -> dict[int, Patch]:
        """What leaves the statement out; `of`: the recording whose values are handed on, else those of the run."""
        shapes = {number: reference.values[number].shape for number in self.instead}
        return {n: _handing_on(read, shapes[n], of) for n, read in self.instead.items()}


def frame_dependent_statement(
    runner: InterventionRunner, flow: Slicer, chosen: StatementRun, beside: Mapping[int, Law]
) -> Ablation | None:
    """The last statement after `chosen` without which the output keeps its law; None where there is none.

    Args:
        flow: With everything else that is at fault put right
        chosen: The statement that was found to be at fault, which may only choose a frame
        beside: What puts the rest right
    """
    backward_slice = runner.suspects(flow)[0]
    for found in itertools.islice(_candidates(runner, flow, backward_slice, chosen), _MOST):
        if _keeps_law(runner, found, beside):
            return found
    return None


def _candidates(
    runner: InterventionRunner, flow: Slicer, backward_slice: Collection[int], chosen: StatementRun
) -> Iterator[Ablation]:
    """Statements after `chosen` that may be left out, the last ones first."""
    tried: set[object] = set()
    for number in sorted(backward_slice, reverse=True):
        unit = flow.statement_at(flow.producers[number])
        if unit.first < chosen.last:
            return
        name = unit.layer if _is_inner(unit, chosen) else (unit.layer, unit.place)
        if name not in tried:
            tried.add(name)
            ways = _ways(runner, flow, unit, backward_slice, chosen)
            yield from (Ablation(unit, instead) for instead in itertools.islice(ways, _MOST_WAYS))


def _is_inner(unit: StatementRun, chosen: StatementRun) -> bool:
    """Whether a statement is of a layer that the code that chooses the frame may call."""
    return unit.layer != "" and not f"{chosen.layer}.".startswith(f"{unit.layer}.")


def _as_a_whole(
    flow: Slicer, unit: StatementRun, backward_slice: Collection[int], chosen: StatementRun
) -> list[StatementRun]:
    """Every execution of the statement, which calls of layers may interrupt; of an inner layer every statement."""
    if not _is_inner(unit, chosen):
        return flow.executions_of(unit, backward_slice)
    return [u for u in flow.making(backward_slice) if u.layer == unit.layer]


def _ways(
    runner: InterventionRunner, flow: Slicer, unit: StatementRun, backward_slice: Collection[int], chosen: StatementRun
) -> Iterator[dict[int, int]]:
    """What may be handed on in place of every value that the statement computes: broken ones that it read."""
    choices: dict[int, list[int]] = {}
    for part in _as_a_whole(flow, unit, backward_slice, chosen):
        events = flow.events[part.first : part.last]
        if part.first < chosen.last or all(e.name in COPY_OPS | INDEXING_OPS | {"given", "brought"} for e in events):
            return
        own = {n for e in events if e.name != "given" for n in e.writes}
        read = dict.fromkeys(n for e in events for n in e.reads if n in backward_slice and n not in own)
        for number in flow.live_out(part, backward_slice, runner.targets):
            choices[number] = [n for n in read if n < number and _fits(flow, n, number, _is_inner(unit, chosen))]
    if any(_holds_more(flow, n, backward_slice, chosen) for found in choices.values() for n in found):
        yield from (dict(zip(choices, way, strict=True)) for way in diagonal_first(list(choices.values()), _MOST_WAYS))


def _fits(flow: Slicer, read: int, number: int, channels: bool) -> bool:
    """Whether one value can stand for another: it has its shape, or other `channels` along the last axis."""
    one, other = flow.reference.values[read], flow.reference.values[number]
    if one.dtype != other.dtype or not other.is_floating_point():
        return False
    return one.shape == other.shape or (channels and one.dim() > 1 and one.shape[:-1] == other.shape[:-1])


def _holds_more(flow: Slicer, number: int, backward_slice: Collection[int], chosen: StatementRun) -> bool:
    """Whether something that turns lawfully went into a broken value after `chosen`: it is what the frame shows."""
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


def _keeps_law(runner: InterventionRunner, left_out: Ablation, beside: Mapping[int, Law]) -> bool:
    """Whether the output keeps its law without a statement, although what is handed on does not.

    That is so where the rest undoes the choice of the frame. An output that does not feel what is handed on, of dead
    units or one that saturates, keeps its law too: then the values of the transformed run leave it as it is as well.
    """
    element, tolerance = runner.trial.element, runner.matcher.close.tolerance
    patches = left_out.patches(runner.reference)
    try:
        plain, made = (runner.intervene(e, beside, patches)[0] for e in (Transform(), element))
        if _difference(runner, made, plain, element) > runner.limit:
            return False
        other, _ = runner.intervene(Transform(), beside, left_out.patches(runner.reference, made))
    except (RuntimeError, ValueError, IndexError):  # what comes after needs what the statement makes
        return False
    return _difference(runner, other, plain, Transform()) > tolerance


def _difference(runner: InterventionRunner, made: Tape, plain: Tape, element: Transform) -> float:
    """The relative error of an output against what `element` makes of that of another recording."""
    reference = runner.handler.reference
    found = leaves(reference.value(runner.site), reference.spec(runner.site))
    how = next(how for path, _, how in found if path == runner.key[0])
    one, other = (tape.values[tape.marks[runner.site][runner.key[0]]] for tape in (made, plain))
    return worst(compare(one, how.transform(other, element), how, element))[1].relative


def _handing_on(read: int, shape: torch.Size, of: Tape | None) -> Patch:
    """The value `read` in place of one of a shape; other channels are mixtures of all that it has."""

    def handed_on(_: Tensor, values: Sequence[Tensor]) -> Tensor:
        value, generator = (of.values if of else values)[read], torch.Generator().manual_seed(0)
        if value.shape == shape:
            return value
        return value @ noise_like(value.new_empty(value.shape[-1], shape[-1]), generator) / value.shape[-1] ** 0.5

    return handed_on
