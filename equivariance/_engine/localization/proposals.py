"""Proposes replacements for the results of statements: which values, by which laws.

`search`, `joint` and `ablation` try them. Nothing is run here.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from equivariance._engine.laws.candidates import has_axes_for
from equivariance._engine.laws.forms import InvariantLaw, IrrepLaw, Law, LinearLaw, ParityLaw
from equivariance._engine.localization.intervention import InterventionRunner
from equivariance._engine.localization.slicing import Laws, Slicer, StatementRun

_MOST_COMBINATIONS = 12
"""Largest number of combinations of laws for the values of one statement."""


class Proposals:
    """The replacements that are possible in some recordings of one layer."""

    def __init__(self, runner: InterventionRunner, flow: Slicer, backward_slice: Collection[int]) -> None:
        """`backward_slice` holds the values that carry the error in the recordings `flow`."""
        self.runner, self.flow, self.backward_slice = runner, flow, backward_slice

    def of_all_executions(self, unit: StatementRun) -> Iterator[dict[StatementRun, Laws]]:
        """Yields replacements of the results of a statement, in every execution by any layer.

        The laws are those of the given execution: it is the first, and no earlier error affects it.
        """
        values = self._live_out(unit)
        times = {u: self._live_out(u) for u in self.flow.executions_of(unit, self.backward_slice, anywhere=True)}
        alike = {u: own for u, own in times.items() if dimensions(self.flow, own) == dimensions(self.flow, values)}
        for laws in replacements(self.runner, self.flow, values):
            yield {u: dict(zip(own, laws.values(), strict=True)) for u, own in {unit: values, **alike}.items()}

    def of_value(self, number: int, law: Law) -> dict[StatementRun, Laws]:
        """Returns the replacement of one value, and of the same result of the statement's other executions."""
        made = self.flow.statement_making(number)
        place = number - self._first_value(made)
        found: dict[StatementRun, Laws] = {made: {number: law}}
        for other in self._executions(made):
            like = self._first_value(other) + place
            same = like in self.flow.producers and other.first <= self.flow.producers[like] < other.last
            if other != made and same and dimensions(self.flow, [like]) == dimensions(self.flow, [number]):
                found[other] = {like: law}
        return found

    def is_unlikely(self, unit: StatementRun, laws: Laws) -> bool:
        """True if a result should be invariant although the statement reads irreps on the same axes.

        A map of vectors to vectors that breaks the symmetry should rather give vectors.
        """
        reads = self.flow.reads_of([unit])
        known = [law for law in map(self.flow.law, reads) if isinstance(law, (IrrepLaw, ParityLaw))]
        return any(
            law == InvariantLaw() and any(has_axes_for(near, self.flow.reference.values[n]) for near in known)
            for n, law in laws.items()
        )

    def _live_out(self, unit: StatementRun) -> list[int]:
        return self.flow.live_out(unit, self.backward_slice, self.runner.targets)

    def _executions(self, unit: StatementRun) -> list[StatementRun]:
        """Returns every execution of a statement; without Python source, only the given one."""
        if unit.place is None:
            return [unit]
        units = (self.flow.statement_at(i) for i, e in enumerate(self.flow.events) if e.place == unit.place)
        return list(dict.fromkeys(units))

    def _first_value(self, unit: StatementRun) -> int:
        events = self.flow.events[unit.first : unit.last]
        return min((n for e in events if e.name != "given" for n in e.writes), default=0)


def replacements(runner: InterventionRunner, flow: Slicer, values: Sequence[int]) -> Iterator[Laws]:
    """Yields the laws by which values may be replaced together, the likeliest first."""
    matcher = runner.matcher
    choices = [list(matcher.candidates(flow.reference.values[n], flow.laws_near(n))) for n in values]
    # A value that rotates in another basis should not be invariant. One element does not show it: any map fits.
    for n, laws in zip(values, choices, strict=True):
        if isinstance(flow.law(n), LinearLaw) and len(laws) > 1 and len(runner.elements) > 1:
            laws[:] = [law for law in laws if law != InvariantLaw()]
    if values:
        for chosen in itertools.islice(diagonal_first(choices, _MOST_COMBINATIONS), _MOST_COMBINATIONS):
            yield dict(zip(values, chosen, strict=True))


def dimensions(flow: Slicer, values: Iterable[int]) -> list[int]:
    """Returns the number of axes of each value. Layers of one class may differ in their channels."""
    return [flow.reference.values[n].dim() for n in values]


def merge_laws(laws: Mapping[StatementRun, Laws]) -> dict[int, Law]:
    """Returns the replacements of several statements as one mapping."""
    return {number: law for found in laws.values() for number, law in found.items()}


_Choice = TypeVar("_Choice")


def diagonal_first(choices: Sequence[Sequence[_Choice]], most: int) -> Iterator[tuple[_Choice, ...]]:
    """Yields combinations of one entry of each sequence: first equal positions, then at most `most` others.

    A shorter sequence is continued with its last entry. If a sequence is empty, there is no combination.
    """
    longest = max(map(len, choices), default=0) if all(choices) else 0
    alike = (tuple(found[min(place, len(found) - 1)] for found in choices) for place in range(longest))
    yield from dict.fromkeys([*alike, *itertools.islice(itertools.product(*choices), most)])
