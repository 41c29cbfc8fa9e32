"""Finds the statement at which NaN, infinity or randomness begins.

`sanity` calls it. No input is transformed here; violations are searched in `localization`.
"""

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

    return _place(runner, state, call, first)


def where_drawn(runner: Runner, state: ModelState, call: LayerCall) -> SourceLine | None:
    """Returns the first statement of a call that draws from torch's generators; None if it is not the user's code."""
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
    """True if an operation of torch draws random numbers."""
    packet = getattr(torch.ops.aten, name, None)
    overloads = [] if packet is None else [getattr(packet, o) for o in packet.overloads()]
    return any(torch.Tag.nondeterministic_seeded in overload.tags for overload in overloads)
