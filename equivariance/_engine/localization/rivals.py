"""Finds the statements that explain an error as well as the statement that the search names.

A statement whose result obeys no law is at fault, whatever stands around it. A result may also obey a law, but another
one than the output needs: a map gives scalars where the output should be a vector. Then each statement that passes this
law on could have made the other one, and the runs cannot tell which should have.

A function may put components together that it was given one by one. No law tells whether a component is right. So the
statement that calls the function may be at fault as well: it may hand the components over in another order.

`locate_statement` asks for rivals. The runs are made by `intervention`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from equivariance._engine.laws.candidates import has_axes_for
from equivariance._engine.laws.forms import InvariantLaw
from equivariance._engine.laws.matching import Match
from equivariance._engine.localization.intervention import InterventionRunner
from equivariance._engine.localization.slicing import Laws, Slicer, StatementRun

_MOST_RIVALS = 8
"""Largest number of statements that are tried for each result, the nearest first."""


def rivals(
    runner: InterventionRunner, flow: Slicer, unit: StatementRun, laws: Laws, beside: Laws
) -> list[StatementRun]:
    """Returns other statements whose replacement removes the error too, in order of execution.

    Args:
        runner: The runner of the layer.
        flow: Recordings in which everything else at fault is replaced.
        unit: The statement that the search names.
        laws: The laws that replace its results.
        beside: The laws that replace everything else at fault.
    """
    if not laws or any(flow.level(n) < Match.EXACT for n in laws):
        return []
    found: list[StatementRun] = []
    for number, wanted in laws.items():
        last_values: dict[StatementRun, int] = {}
        for other in _chain(flow, number):
            made = flow.statement_making(other)
            if made.place not in (None, unit.place):
                last_values[made] = max(other, last_values.get(made, other))
        for made, other in itertools.islice(last_values.items(), _MOST_RIVALS):
            fits = has_axes_for(wanted, flow.reference.values[other])
            if fits and runner.try_replacement({**beside, other: wanted})[1] <= runner.residual:
                found.append(made)
    first_of_place = {made.place: made for made in sorted(found, key=lambda made: made.first, reverse=True)}
    return list(reversed(first_of_place.values()))


def call_with_components(flow: Slicer, unit: StatementRun) -> StatementRun | None:
    """Returns the statement that calls the function of `unit`, if `unit` reads components one by one; else None.

    Args:
        flow: Recordings in which everything else at fault is replaced.
        unit: The statement that the search names.
    """
    reads = [n for n in flow.reads_of([unit]) if flow.reference.values[n].is_floating_point()]
    pieces = _stacked_pieces(flow, unit)
    whole = [flow.law(n) for n in reads if n not in pieces]
    index = next((i for i in range(unit.first, unit.last) if unit.place in flow.events[i].places), None)
    lawful = all(flow.level(n) == Match.EXACT for n in reads)
    if index is None or any(law not in (None, InvariantLaw()) for law in whole) or (lawful and not pieces):
        return None
    own = flow.events[index].places[: flow.events[index].own]
    depth = next((i for i, place in enumerate(own) if i and place != unit.place), None)
    return None if depth is None else flow.statement_at(index, depth)


def _stacked_pieces(flow: Slicer, unit: StatementRun) -> set[int]:
    """Returns the values of which a statement stacks pieces: a view of a value counts as the value."""
    found: set[int] = set()
    for event in flow.events[unit.first : unit.last]:
        if event.name == "stack":
            shape = sorted(flow.reference.values[event.writes[0]].shape)
            found.update(n for n in event.reads if sorted((*flow.reference.values[n].shape, len(event.reads))) != shape)
    return found


def is_sound_elsewhere(flow: Slicer, made: Iterable[int], call: StatementRun) -> bool:
    """True if a function gives lawful values wherever another statement than `call` calls it.

    Args:
        flow: Recordings in which everything else at fault is replaced.
        made: The values that the function gives to `call`.
        call: The statement that calls the function.
    """
    events = [flow.event(n) for n in made]
    alike = {(event.name, event.place) for event in events}
    others = [e for e in flow.events if (e.name, e.place) in alike and call.place not in e.places and e.writes]
    return bool(others) and all(flow.level(event.writes[-1]) == Match.EXACT for event in others)


def _chain(flow: Slicer, number: int) -> Iterator[int]:
    """Yields the values that pass the law of a value on: what it was made from, then what is made from it."""
    law, reached = flow.law(number), {number}
    for index in reversed(range(flow.producers[number] + 1)):
        event = flow.events[index]
        if reached.intersection(event.writes) and event.name != "given":
            alike = [n for n in event.reads if n < number and _passes(flow, n, law)]
            reached.update(alike)
            yield from alike
    reached = {number}
    for event in flow.events[flow.producers[number] + 1 :]:
        if reached.intersection(event.reads):
            alike = [n for n in event.writes if _passes(flow, n, law)]
            reached.update(alike)
            yield from alike


def _passes(flow: Slicer, number: int, law: object) -> bool:
    """True if a value of the layer's own code obeys a law."""
    made = flow.event(number).name not in ("given", "brought")
    return made and flow.reference.values[number].is_floating_point() and flow.law(number) == law
