"""Statements that work on values in a local frame, and mind which frame it is.

A layer may turn a vector into a frame of its own choice and back: in between nothing obeys a law, and nothing is wrong
with it, as long as the choice drops out. Where it does not, either the choice or what is done in the frame can be
called the fault. This tells: the statement is left out, what it read is handed on in its place, and where the output
then keeps its law, the choice drops out by itself, and it was this statement that minds the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from equivariance.dataflow import Dataflow, Unit
from equivariance.elements import Transform
from equivariance.measure import compare, worst
from equivariance.tape import CUTS, VIEWS
from equivariance.trees import leaves

if TYPE_CHECKING:
    from equivariance.tracer import Tracer

_MOST = 8
"""Operations that are left out in turn, the last ones first."""


def depends_on_frame(tracer: Tracer, flow: Dataflow, involved: Collection[int]) -> Unit | None:
    """The last statement without which the output keeps its law; None where there is none.

    Parameters
    ----------
    involved : the values that take part in the break
    """
    for number, read in list(_candidates(flow, involved))[:_MOST]:
        if _keeps_law(tracer, number, read):
            return flow.unit(flow.producers[number])
    return None


def _candidates(flow: Dataflow, involved: Collection[int]) -> Iterator[tuple[int, int]]:
    """Broken values, the last first, each with a broken one of its shape that it was made from."""
    values = flow.reference.values
    for number in sorted(involved, reverse=True):
        event = flow.events[flow.producers[number]]
        if event.name in VIEWS | CUTS | {"given"}:
            continue
        for read in event.reads:
            alike = values[read].shape == values[number].shape and values[read].dtype == values[number].dtype
            if read in involved and read < number and alike and values[number].is_floating_point():
                yield number, read


def _keeps_law(tracer: Tracer, number: int, read: int) -> bool:
    """Whether the output keeps its law with ``read`` in place of ``number``, and still depends on it."""
    site, element = tracer.site, tracer.trial.element

    def output(element: Transform, change: Callable[[Tensor], Tensor] = lambda value: value) -> Tensor:
        tape, _ = tracer.record(element, {number: lambda _, values: change(values[read])})
        return tape.values[tape.marks[site][tracer.key[0]]]

    try:
        plain, made, moved = output(Transform()), output(element), output(Transform(), _stirred)
    except (RuntimeError, ValueError, IndexError):  # what comes after needs what the statement makes
        return False
    reference = tracer.handler.reference
    of = {path: how for path, _, how in leaves(reference.value(site), reference.spec(site))}[tracer.key[0]]
    broken = worst(compare(made, of.transform(plain, element), of, element))[1].relative
    heard = worst(compare(moved, plain, of, Transform()))[1].relative
    return broken <= tracer.limit and heard > tracer.matcher.tolerance


def _stirred(value: Tensor) -> Tensor:
    """With noise of a tenth of its size."""
    noise = torch.randn(value.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(value)
    return value + 0.1 * value.square().mean().sqrt() * noise
