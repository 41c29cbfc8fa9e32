"""Finds the statements that explain an error as well as the statement that the search names.

A statement whose result obeys no law is at fault, whatever stands around it. A result may also obey a law, but another
one than the output needs: a map gives scalars where the output should be a vector. Then each statement that passes this
law on could have made the other one, and the runs cannot tell which should have.

`locate_statement` asks for rivals. The runs are made by `intervention`.
"""

from __future__ import annotations

from collections.abc import Iterator

from equivariance._engine.laws.candidates import has_axes_for
from equivariance._engine.laws.matching import Match
from equivariance._engine.localization.intervention import InterventionRunner
from equivariance._engine.localization.slicing import Laws, Slicer, StatementRun

_MOST_RIVALS = 8
"""Largest number of statements that are tried."""


def rivals(runner: InterventionRunner, unit: StatementRun, laws: Laws, beside: Laws) -> list[StatementRun]:
    """Returns other statements whose replacement removes the error too, in order of execution.

    Args:
        runner: The runner of the layer.
        unit: The statement that the search names.
        laws: The laws that replace its results.
        beside: The laws that replace everything else at fault.
    """
    flow = runner.flow(beside)
    if flow is None or not laws or any(flow.level(n) < Match.EXACT for n in laws):
        return []
    found: dict[object, StatementRun] = {}
    for number, wanted in laws.items():
        for other in _chain(flow, number):
            made = flow.statement_at(flow.producers[other])
            if made.place in (unit.place, *found) or made.place is None or len(found) > _MOST_RIVALS:
                continue
            fits = has_axes_for(wanted, flow.reference.values[other])
            if fits and runner.try_replacement({**beside, other: wanted})[1] <= runner.residual:
                found[made.place] = made
    return sorted(found.values(), key=lambda u: u.first)


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
    made = flow.events[flow.producers[number]].name not in ("given", "brought")
    return made and flow.reference.values[number].is_floating_point() and flow.law(number) == law
