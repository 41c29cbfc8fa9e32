"""Statements that work on values in a local frame, and mind which frame it is.

A layer may turn a vector into a frame of its own choice and back: in between nothing obeys a law, and nothing is wrong
with it, as long as the choice drops out. Where it does not, either the choice or what is done in the frame can be
called the fault. This tells: the statement is left out, what it read is handed on in its place, and where the output
then keeps its law, the choice drops out by itself, and it was this statement that minds the frame.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from equivariance.dataflow import Dataflow, Unit
from equivariance.elements import Transform
from equivariance.laws import Unchanged
from equivariance.matching import LAWFUL
from equivariance.measure import compare, worst
from equivariance.patches import noise_like
from equivariance.tape import CUTS, VIEWS, Patch
from equivariance.trees import leaves

if TYPE_CHECKING:
    from equivariance.tracer import Tracer

_MOST = 8
"""Statements that are left out in turn, the last ones first."""


def depends_on_frame(tracer: Tracer, flow: Dataflow, involved: Collection[int], chosen: Unit) -> Unit | None:
    """The last statement after ``chosen`` without which the output keeps its law; None where there is none.

    Parameters
    ----------
    involved : the values that take part in the break
    chosen : the statement that was found to be at fault, which may only choose a frame
    """
    tried: set[Unit] = set()
    for number in sorted(involved, reverse=True):
        unit = flow.unit(flow.producers[number])
        if unit.first < chosen.last or len(tried) == _MOST:
            break
        read = None if unit in tried else _in_its_place(flow, unit, number, involved)
        if read is None or not _holds_more(flow, read, involved, chosen):
            continue
        if _keeps_law(tracer, number, read):
            return unit
        tried.add(unit)
    return None


def _in_its_place(flow: Dataflow, unit: Unit, number: int, involved: Collection[int]) -> int | None:
    """A broken value of the same shape that the statement read, for a value that it computed."""
    events, values = flow.events[unit.first : unit.last], flow.reference.values
    if flow.events[flow.producers[number]].name in VIEWS | CUTS or not values[number].is_floating_point():
        return None
    own = {n for e in events for n in e.writes}
    outside = [n for e in events for n in e.reads if n not in own and n in involved and n < number]
    return next(
        (n for n in outside if values[n].shape == values[number].shape and values[n].dtype == values[number].dtype),
        None,
    )


def _holds_more(flow: Dataflow, number: int, involved: Collection[int], chosen: Unit) -> bool:
    """Whether something that turns lawfully went into a broken value after ``chosen``: it is what the frame shows."""
    waiting, visited = [number], {number}
    while waiting:
        index = flow.producers[waiting.pop()]
        if index < chosen.last:
            continue
        for read in flow.events[index].reads:
            if read in involved and read not in visited:
                visited.add(read)
                waiting.append(read)
            elif flow.level(read) == LAWFUL and flow.law(read) not in (None, Unchanged()):
                return True
    return False


def _keeps_law(tracer: Tracer, number: int, read: int) -> bool:
    """Whether the output keeps its law with ``read`` in place of ``number``, and still depends on it."""
    element, tolerance = tracer.trial.element, tracer.matcher.close.tolerance
    instead: dict[int, Patch] = {number: lambda _, values: values[read]}
    try:
        plain, made = (_output(tracer, e, instead) for e in (Transform(), element))
        if _difference(tracer, made, plain, element) > tracer.limit:
            return False
        other = _output(tracer, Transform(), {**instead, read: lambda made, _: _stirred(made)})
    except (RuntimeError, ValueError, IndexError):  # what comes after needs what the statement makes
        return False
    return _difference(tracer, other, plain, Transform()) > tolerance


def _output(tracer: Tracer, element: Transform, patches: Mapping[int, Patch]) -> Tensor:
    tape, _ = tracer.record(element, patches)
    return tape.values[tape.marks[tracer.site][tracer.key[0]]]


def _difference(tracer: Tracer, made: Tensor, plain: Tensor, element: Transform) -> float:
    """The relative error of an output against what ``element`` makes of another one."""
    reference = tracer.handler.reference
    found = leaves(reference.value(tracer.site), reference.spec(tracer.site))
    how = next(how for path, _, how in found if path == tracer.key[0])
    return worst(compare(made, how.transform(plain, element), how, element))[1].relative


def _stirred(value: Tensor) -> Tensor:
    """With noise of a tenth of its size."""
    noise = noise_like(value, torch.Generator().manual_seed(0))
    return value + 0.1 * value.square().mean().sqrt() * noise
