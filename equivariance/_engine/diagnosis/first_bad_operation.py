"""Finds the statement at which NaN, infinity or randomness begins.

`sanity` calls it. No input is transformed here; violations are searched in `localization`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.operations import Operation, draws
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.source_lines import SourceLine, is_own
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.localization.recording import record_call
from equivariance.groups.elements import Transform


def where_not_finite(runner: Runner, state: ModelState, call: LayerCall, path: str) -> SourceLine | None:
    """Returns the statement that makes NaN or infinity from finite numbers, upstream of a non-finite output.

    Infinities that do not reach the output, like the entries of a mask before a softmax, are not followed.

    Args:
        runner: The copies of the network.
        state: Weights and mode.
        call: The layer call with the output.
        path: The leaf of the output that is not finite.

    Returns:
        The statement, or None if it is not in the user's own code.
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

    return _own_place(_event(runner, state, call, first))


def where_drawn(runner: Runner, state: ModelState, call: LayerCall) -> tuple[str, SourceLine | None]:
    """Returns the layer and the statement of a call that first draw from torch's generators.

    The layer is that of `call` if nothing is drawn from torch; the statement is None if it is not the user's code.
    """
    event = _event(runner, state, call, lambda tape: next((e for e in tape.events if _draws(e.name)), None))
    return (call.layer, None) if event is None else (event.layer or call.layer, _own_place(event))


def _event(
    runner: Runner, state: ModelState, call: LayerCall, choose: Callable[[Tape], Operation | None]
) -> Operation | None:
    reference = runner.reference(state)
    return choose(record_call(runner, state, call, reference, Transform(), {})[0]) if call in reference.inputs else None


def _own_place(event: Operation | None) -> SourceLine | None:
    return event.place if event is not None and event.place is not None and is_own(event.place) else None


def _draws(name: str) -> bool:
    """True if an operation of torch draws random numbers."""
    packet = getattr(torch.ops.aten, name, None)
    return packet is not None and any(draws(getattr(packet, overload)) for overload in packet.overloads())
