"""Finds the smallest set of statements whose replacement removes the error.

Several statements may be at fault, and the law of a replaced value has to be chosen. A wrong choice blames the sound
statements after it. So the choices are made together: among the sets of statements that remove the error, one with the
fewest statements is taken. All executions of a statement count as one, in whatever layer.

`search` calls `smallest_set` if no single statement removes the error. Runs are made by `intervention`.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from equivariance._engine.localization.intervention import InterventionRunner
from equivariance._engine.localization.proposals import Proposals, merge_laws
from equivariance._engine.localization.slicing import Laws, Slicer, StatementRun

_MOST_RUNS = 60
"""Largest number of runs of the layer."""

_MOST_STATEMENTS = 4
"""Statements that are tried next to each partial set, and laws that are tried for each of them."""

_UNLIKELY = 2
"""Number of statements that a replacement by an unlikely law counts as, beside its own."""


@dataclass(order=True)
class _Partial:
    """A set of statements that is not complete.

    Attributes:
        size: Number of statements in the set, and of first broken statements that remain.
        number: Partial sets of the same size are extended in the order in which they were made.
        found: The replacements.
        unlikely: Number of statements that are replaced by an unlikely law.
        is_complete: True if the replacements remove the error.
    """

    size: int
    number: int
    found: dict[StatementRun, Laws] = field(compare=False)
    unlikely: int = field(compare=False, default=0)
    is_complete: bool = field(compare=False, default=False)


class JointSearch:
    """The search for the smallest set of statements."""

    def __init__(self, runner: InterventionRunner, flow: Slicer) -> None:
        """`flow` holds the recordings with nothing replaced."""
        self.runner, self.flow = runner, flow
        self._runs = 0

    def solutions(self) -> Iterator[Mapping[StatementRun, Laws]]:
        """Yields sets of statements whose replacement removes the error, the smallest first.

        A replacement hides what goes into its statement. So a set is complete only if its statements read values that
        are lawful, once the others are replaced.
        """
        waiting, counter = [_Partial(0, 0, {})], itertools.count(1)
        while waiting and self._runs < _MOST_RUNS:
            known = heapq.heappop(waiting)
            if known.is_complete:
                yield known.found
                continue
            for found, unlikely in self._extensions(known):
                measured = self._measured(found, unlikely, next(counter))
                if measured is not None:
                    heapq.heappush(waiting, measured)

    def needs_all(self, found: Mapping[StatementRun, Laws]) -> bool:
        """True if no statement can be left as it is: the error returns, or a later statement reads a broken value."""
        rests = ({u: laws for u, laws in found.items() if u.place != place} for place in {u.place for u in found})
        measured = (self._measured(rest, 0, 0) for rest in rests)
        return not any(rest is not None and rest.is_complete for rest in measured)

    def _measured(self, found: dict[StatementRun, Laws], unlikely: int, number: int) -> _Partial | None:
        """Runs the layer with the replacements, and returns the set; None if the replacements do not fit."""
        self._runs += 1
        tape, error = self.runner.try_replacement(merge_laws(found))
        remaining = None if tape is None else self.runner.slice_first_element(tape)
        if remaining is None:
            return None
        removed = error <= self.runner.residual
        left = self._broken_reads(remaining, found) if removed else self.runner.suspects(remaining)[1]
        known = {u.place for u in found}
        places = {remaining.statement_at(i).place for i in left} - known
        is_complete = removed and not left
        size = len(known) + _UNLIKELY * unlikely + (0 if is_complete else max(1, len(places)))
        return _Partial(size, number, found, unlikely, is_complete)

    def _broken_reads(self, flow: Slicer, found: Mapping[StatementRun, Laws]) -> list[int]:
        """Returns the first broken operations of what the replaced statements read."""
        return flow.first_broken_operations(flow.backward_slice(self._reads(found)))

    def _reads(self, found: Mapping[StatementRun, Laws]) -> list[int]:
        return [n for n in self.flow.reads_of(found) if self.flow.reference.values[n].is_floating_point()]

    def _extensions(self, base: _Partial) -> Iterator[tuple[dict[StatementRun, Laws], int]]:
        """Yields the set with one more statement, one of the first broken ones that remain."""
        found = base.found
        flow = self.runner.flow(merge_laws(found)) if found else self.flow
        if flow is None:
            return
        backward_slice, first_broken = self.runner.suspects(flow)
        if found:
            broken = flow.backward_slice({*self.runner.targets, *self._reads(found)})
            backward_slice, first_broken = broken, flow.first_broken_operations(broken) or first_broken
        proposals = Proposals(self.runner, flow, backward_slice)
        known = {unit.place for unit in found}
        places: set[object] = set()
        for index in first_broken:
            unit = flow.statement_at(index)
            if unit.place in known or unit.place in places:
                continue
            places.add(unit.place)
            if len(places) > _MOST_STATEMENTS:
                return
            for laws in itertools.islice(proposals.of_all_executions(unit), _MOST_STATEMENTS):
                yield {**found, **laws}, base.unlikely + proposals.is_unlikely(unit, laws[unit])
            for number, law in itertools.islice(flow.sources(unit), _MOST_STATEMENTS):
                earlier = proposals.of_value(number, law)
                if not known & {u.place for u in earlier}:
                    yield {**found, **earlier}, base.unlikely


def smallest_set(runner: InterventionRunner, flow: Slicer) -> Mapping[StatementRun, Laws]:
    """Returns the smallest set of statements whose replacement removes the error; {} if none was found.

    Each statement of the set is necessary. If one is not, a later replacement hides it, and the set explains nothing.
    """
    search = JointSearch(runner, flow)
    return next(filter(search.needs_all, search.solutions()), {})
