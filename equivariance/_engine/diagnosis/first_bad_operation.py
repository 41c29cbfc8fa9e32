"""The statement at which something begins that shows without any transformation: NaN, or chance."""

from __future__ import annotations

from collections.abc import Callable

import torch

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.operations import Operation
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.source_lines import SourceLine, is_own
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.localization.recording import record_call
from equivariance.groups.elements import Transform


def where_not_finite(runner: Runner, state: ModelState, call: LayerCall, path: str) -> SourceLine | None:
    """The statement that makes NaN or infinity of finite numbers, of those that reach the output of `call`.

    Infinities that are put right before the output, as those of a mask before a softmax are, are not met. None where
    there is no statement of the reader's own.
    """

    def first(tape: Tape) -> Operation | None:
        made = {number: event for event in tape.events for number in event.writes}
        waiting, visited, found = [tape.marks[Site(call)][path]], set[int](), list[int]()
        while waiting:
            number = waiting.pop()
            if number in visited or number not in made:
                continue
            visited.add(number)
            bad = [n for n in made[number].reads if n < number and not bool(tape.values[n].isfinite().all())]
            waiting.extend(bad)
            found += [] if bad or made[number].name == "given" else [number]
        return made[min(found)] if found else None

    return _place(runner, state, call, first)


def where_drawn(runner: Runner, state: ModelState, call: LayerCall) -> SourceLine | None:
    """The first statement of a call's own code that draws from torch's generators; None as above."""
    return _place(runner, state, call, lambda tape: next((e for e in tape.events if _draws(e.name)), None))


def _place(
    runner: Runner, state: ModelState, call: LayerCall, event: Callable[[Tape], Operation | None]
) -> SourceLine | None:
    reference = runner.reference(state)
    if call not in reference.inputs:
        return None
    found = event(record_call(runner, state, call, reference, Transform(), {})[0])
    return found.place if found is not None and found.place is not None and is_own(found.place) else None


def _draws(name: str) -> bool:
    """Whether an operation of torch is one of chance."""
    packet = getattr(torch.ops.aten, name, None)
    overloads = [] if packet is None else [getattr(packet, o) for o in packet.overloads()]
    return any(torch.Tag.nondeterministic_seeded in overload.tags for overload in overloads)
