"""Finds out why nodes early in a list are preferred: a cap on a number, or a choice among equal values.

`permutation` calls it. Both keep the first entries of a list, and a recording of the call shows which of the two was
seen. If it shows none, the explanation names both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Tensor

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.operation_words import SELECTING
from equivariance._engine.instrumentation.operations import INDEXING_OPS, VIEW_OPS, Operation
from equivariance._engine.instrumentation.tape import Tape
from equivariance.groups.elements import Transform

_MOST_OPERATIONS = 2000

_FIX = "Choose by geometry, not by place in the list: the nearest ones (topk of the distances with largest=False)."


def explain_seen_choice(experiment: Experiment, text: str) -> Explanation | None:
    """Returns the explanation by a cap or a choice among equal values that the statement at fault reads; else None.

    Args:
        experiment: The suspect under a permutation.
        text: What is known of the output, in words.
    """
    tape = experiment.recorded(Transform()) if experiment.statement else None
    if tape is None or experiment.statement is None:
        return None
    events = _sources(tape, experiment.statement.events(tape.events))
    capped, chosen = next(_caps(tape, events), None), next(_ties(tape, events), None)
    if capped is not None:
        return explained("neighbour-cap", f"{text}: {capped}: a cap on a number keeps the first ones in the list")
    if chosen is not None:
        return explained("tie-by-order", f"{text}: {chosen}, of which it takes the first ones in the list")
    return None


def explain_preference(text: str) -> Explanation:
    """Returns the explanation if nodes early in the list are preferred and neither a cap nor a choice was seen."""
    either = "by a cap on the number of neighbours, or by a choice among equal values, which takes them by place"
    return Explanation("order-dependent", f"{text}: nodes early in the list are preferred: {either}", own_fix=_FIX)


def _sources(tape: Tape, statement: Sequence[Operation]) -> list[Operation]:
    """Returns the operations of a statement and those that it depends on, in order."""
    needed = {number for event in statement for number in event.reads}
    found, own = list(statement), {id(event) for event in statement}
    for event in reversed(tape.events):
        if id(event) not in own and needed.intersection(event.writes):
            needed.update(event.reads)
            found.append(event)
    return sorted(found, key=lambda event: min(event.writes, default=0))


def _caps(tape: Tape, events: Sequence[Operation]) -> Iterator[str]:
    """Yields what keeps the first entries: a count of entries, or a part of the list of entries that are not zero."""
    found: set[int] = set()
    for event in events[:_MOST_OPERATIONS]:
        if event.name == "cumsum" and not any(tape.values[n].is_floating_point() for n in event.reads):
            yield f"cumsum{_place(event)} counts entries in the order of the list"
        if event.name == "nonzero":
            found.update(event.writes)
        if event.name in (VIEW_OPS | INDEXING_OPS) and found.intersection(event.reads):
            found.update(event.writes)
            before, after = tape.values[event.reads[0]], tape.values[event.writes[0]] if event.writes else None
            if event.name == "slice" and after is not None and _is_first_part(before, after):
                yield f"slice{_place(event)} keeps the first {len(after)} of {len(before)} entries of a list"


def _is_first_part(before: Tensor, after: Tensor) -> bool:
    return before.dim() > 0 and after.dim() == before.dim() and 0 < len(after) < len(before)


def _ties(tape: Tape, events: Sequence[Operation]) -> Iterator[str]:
    """Yields the operations that choose or order entries of which some are equal."""
    for event in events[:_MOST_OPERATIONS]:
        if event.name in SELECTING and event.reads and _has_equal_entries(tape.values[event.reads[0]]):
            yield f"{event.name}{_place(event)} chooses among equal values"


def _has_equal_entries(value: Tensor) -> bool:
    if value.dim() == 0 or value.shape[-1] < 2:
        return False
    return bool((value.detach().cpu().double().sort(dim=-1).values.diff(dim=-1) == 0).any())


def _place(event: Operation) -> str:
    return f" at {Path(event.place.file).name}:{event.place.line}" if event.place else ""
