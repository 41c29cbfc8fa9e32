"""Finds the operations that break a law, from recordings of one layer's code.

The backward slice of a wrong output contains every operation that takes part in the violation. It goes through values
that do not obey a law. An error that vanishes before the output is not in the slice. An operation that reads only
lawful values and makes a value without a law is a first broken operation.

`search`, `ablation` and `intervention` call it. It runs nothing; the levels of values are in `value_laws`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from equivariance._engine.instrumentation.operations import (
    COPY_OPS,
    INDEXING_OPS,
    JOINING_OPS,
    SCATTER_OPS,
    VIEW_OPS,
    Operation,
)
from equivariance._engine.instrumentation.source_lines import SourceLine
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.laws.forms import InvariantLaw, IrrepLaw, Law, ParityLaw, TranslationLaw
from equivariance._engine.laws.grid import lattice_of
from equivariance._engine.laws.lattice import RowLaw
from equivariance._engine.laws.matching import Match
from equivariance._engine.localization.value_laws import NEAR, ValueLaws

Laws = Mapping[int, Law]
"""Number of a value -> the law whose prediction replaces the value."""

_PARITIES = (InvariantLaw(), ParityLaw(0, (-1,)))


@dataclass(frozen=True)
class StatementRun:
    """One execution of a statement, as far as one module runs it.

    Attributes:
        place: The statement; None if there is no Python source.
        layer: Dotted path of the innermost module.
        first, last: Its events are numbered from `first` to `last` - 1.
    """

    place: SourceLine | None
    layer: str
    first: int
    last: int


class Slicer(ValueLaws):
    """The recordings of one layer with the same control flow, in the reference run and under some elements."""

    @property
    def _reordering(self) -> bool:
        return self.matcher.symmetry.is_reordering

    @property
    def _sound_level(self) -> int:
        """The lowest level of a sound value: LINEAR for permutations and selections, else EXACT.

        Rows in another order are the same set.
        """
        return Match.LINEAR if self._reordering else Match.EXACT

    def origin(self, number: int) -> int:
        """Returns the level of the value that a value was taken from. Components of a lawful value count as lawful."""
        event = self.event(number)
        if self.is_partial(number):
            return Match.EXACT
        if self._only_moves_entries(event) and self.level(number) < self._sound_level:
            return min((self.origin(n) for n in event.reads if n < number), default=Match.EXACT)
        return self.level(number)

    def backward_slice(self, targets: Iterable[int]) -> set[int]:
        """Returns the values that are not lawful and that reach a target only through values that are not lawful."""
        found: set[int] = set()
        waiting = list(targets)
        while waiting:
            number = waiting.pop()
            if number not in found and self.level(number) < self._sound_level:
                found.add(number)
                waiting.extend(self._broken_reads(number))
        return found

    def _broken_reads(self, number: int) -> list[int]:
        """Returns the inputs of a value that are neither lawful nor parts of a lawful value."""
        reads = [n for n in self.event(number).reads if n < number]
        return [n for n in reads if self.level(n) < self._sound_level and not self.is_partial(n)]

    def first_broken_operations(self, backward_slice: Iterable[int]) -> list[int]:
        """Returns the events whose result has a lower level than everything that they read, in order of execution."""
        found = set()
        for number in backward_slice:
            index = self.producers[number]
            event = self.events[index]
            worst = min((self.origin(n) for n in event.reads if n < number), default=Match.EXACT)
            if not self._only_moves_entries(event) and worst > self.level(number):
                found.add(index)
        return sorted(found)

    def trace_back(self, target: int) -> list[int]:
        """Returns the values with the same law that lead to a target, from the first one to the target.

        This serves targets that obey another law than the declared one, and targets that were only moved in memory.
        """
        path = [target]
        while True:
            event = self.event(path[0])
            like = [n for n in event.reads if n < path[0] and self._has_same_law(n, path[0])]
            if not like or self._is_given(event):
                return path
            path.insert(0, max(like))  # the latest input, not an older value that it was added to

    def statement_at(self, index: int, outwards: int = 0) -> StatementRun:
        """Returns the statement that an event belongs to.

        Args:
            index: Number of the event.
            outwards: Number of calling functions to go outwards; 0 for the statement itself.
        """
        event = self.events[index]
        chain = event.places[outwards:]

        def belongs(other: Operation) -> bool:
            inner = len(other.places) - len(chain)
            return self._is_given(other) or (other.layer == event.layer and other.places[max(inner, 0) :] == chain)

        first, last = index, index + 1
        while first > 0 and belongs(self.events[first - 1]):
            first -= 1
        while last < len(self.events) and belongs(self.events[last]):
            last += 1
        return StatementRun(chain[0] if chain else None, event.layer, first, last)

    def statement_making(self, number: int) -> StatementRun:
        """Returns the statement that made a value."""
        return self.statement_at(self.producers[number])

    def executions_of(
        self, unit: StatementRun, backward_slice: Iterable[int], anywhere: bool = False
    ) -> list[StatementRun]:
        """Returns every execution of a statement that makes a value of the backward slice.

        Args:
            unit: The statement.
            backward_slice: Numbers of values.
            anywhere: If True, executions by other layers count too. Without Python source the layer always counts.
        """
        anywhere = anywhere and unit.place is not None
        return [u for u in self.making(backward_slice) if u.place == unit.place and (anywhere or u.layer == unit.layer)]

    def making(self, backward_slice: Iterable[int]) -> list[StatementRun]:
        """Returns the statements that make the given values, in order of execution."""
        return list(dict.fromkeys(self.statement_making(number) for number in sorted(backward_slice)))

    def units(self, index: int) -> list[StatementRun]:
        """Returns the statement that an event belongs to, then the statements of the same layer that called it."""
        return [self.statement_at(index, outwards) for outwards in range(max(1, self.events[index].own))]

    def live_out(self, unit: StatementRun, backward_slice: Iterable[int], targets: Sequence[int]) -> list[int]:
        """Returns the values of a statement and its derivative that are in the slice and are read elsewhere."""
        inside = [unit.first <= (i if e.origin is None else e.origin) < unit.last for i, e in enumerate(self.events)]
        own = {n for e, i in zip(self.events, inside, strict=True) if i and not self._is_given(e) for n in e.writes}
        own &= set(backward_slice)
        outside = [e for e, i in zip(self.events, inside, strict=True) if not i]
        used = {n for e in outside for n in e.reads} | set(targets)
        return sorted(own & used)

    def reads_of(self, units: Iterable[StatementRun]) -> list[int]:
        """Returns the values that statements read and that none of them makes, in the order in which they are read."""
        events = [event for unit in units for event in self.events[unit.first : unit.last]]
        own = {n for event in events if event.name != "given" for n in event.writes}
        return list(dict.fromkeys(n for event in events for n in event.reads if n not in own))

    def laws_near(self, number: int) -> list[Law]:
        """Returns the laws of the values that a value was made from, nearest first."""
        found: list[Law] = []
        waiting = list(self.event(number).reads)
        for _ in range(NEAR):
            if not waiting:
                break
            near = waiting.pop(0)
            law = self.law(near)
            if law is not None:
                found.append(law)
            waiting.extend(self.event(near).reads)
        return found

    def sources(self, unit: StatementRun) -> list[tuple[int, Law]]:
        """Returns values before a statement that may be at fault, with the laws that they should obey.

        A value is listed in these cases:

        - It was laid out wrongly.
        - It is a component that stands in the place of a vector.
        - It was put together from components that do not belong together.
        - It is a position that stands in the place of a difference.
        - Two values have laws that do not fit together; either of them may be wrong. Rows of different nodes do fit.
        """
        events = self.events[unit.first : unit.last]
        reads = [n for n in self.reads_of([unit]) if self.reference.values[n].is_floating_point()]
        joined = {n for e in events if e.name in JOINING_OPS for n in e.reads}
        found: list[tuple[int, Law]] = []
        for number in reads:
            law = self.law(number)
            if self.matcher.symmetry == "inversion" and law in _PARITIES and number in joined:
                found.append((self.trace_back(number)[0], _PARITIES[law == _PARITIES[0]]))
            first = self._first_copy(number)
            if isinstance(law, TranslationLaw) and self.event(first).name in COPY_OPS | INDEXING_OPS:
                found.append((first, InvariantLaw()))
            if self.is_partial(number) and self.event(number).name not in COPY_OPS | INDEXING_OPS:
                found.extend((number, near) for near in self._irrep_laws_near(number))
            if self.is_partial(number) and self.event(first).name in JOINING_OPS:
                found.extend((first, whole) for whole in self.irreps_on_last_axis(first))
            laid = [first] if law is None and self.event(first).name in COPY_OPS else []
            for other in dict.fromkeys([*laid, *self.broken_by_layout([number])]):
                found.extend((other, law) for law in self.matcher.candidates(self.reference.values[other], []))
        for one, other in itertools.permutations(reads, 2):
            laws = self.law(one), self.law(other)
            alike = self.reference.values[one].shape == self.reference.values[other].shape
            if alike and laws[0] != laws[1] and laws[1] is not None and not isinstance(laws[1], RowLaw):
                found.append((self.trace_back(one)[0], laws[1]))
        return sorted((p for p in dict.fromkeys(found) if not self._is_given(self.event(p[0]))), key=lambda p: p[0])

    def broken_by_layout(self, lawless: Iterable[int]) -> list[int]:
        """Returns the values in the history of `lawless` that lost their law by a change of layout."""
        found, visited, waiting = list[int](), set[int](), list(lawless)
        while waiting:
            number = waiting.pop(0)
            event = self.event(number)
            if number in visited or self._is_given(event) or self._fit(number)[0] == Match.EXACT:
                continue
            visited.add(number)
            reads = [n for n in event.reads if n < number and self.reference.values[n].is_floating_point()]
            if event.name in VIEW_OPS and any(isinstance(self._fit(n)[1], IrrepLaw) for n in reads):
                found.append(number)
            waiting.extend(reads)
        return sorted(found)

    def _irrep_laws_near(self, number: int) -> list[Law]:
        """Returns the irrep laws of the inputs that have the same shape as a value."""
        event, shape = self.event(number), self.reference.values[number].shape
        alike = (n for n in event.reads if n < number and self.reference.values[n].shape == shape)
        return [law for law in map(self.law, alike) if isinstance(law, IrrepLaw)]

    def irreps_on_last_axis(self, number: int) -> list[IrrepLaw]:
        """Returns the irreps that the last axis of a value may hold: as in the layer, one, or consecutive degrees."""
        value = self.reference.values[number]
        if self.matcher.symmetry != "rotation" or not value.dim():
            return []
        axis, length = value.dim() - 1, value.shape[-1]
        known = (law.axes for _, law in list(self._fits.values()) if isinstance(law, IrrepLaw))
        blocks = [axes[0][1] for axes in known if len(axes) == 1 and sum(2 * d + 1 for d in axes[0][1]) == length]
        single = [((length - 1) // 2,)] if length % 2 and length > 1 else []
        rows = [tuple(range(first, last + 1)) for first in (0, 1) for last in range(1, math.isqrt(length) + 1)]
        rows = [degrees for degrees in rows if sum(2 * d + 1 for d in degrees) == length]
        return [IrrepLaw(((axis, degrees),)) for degrees in dict.fromkeys([*blocks, *single, *rows])]

    def _first_copy(self, number: int) -> int:
        """Returns the first value of which a value is a copy, in another layout or selection, with the same level."""
        while True:
            event = self.event(number)
            reads = [n for n in event.reads if self.reference.values[n].is_floating_point()]
            moved = isinstance(self.law(number), TranslationLaw)
            passes = event.name in COPY_OPS or (moved and event.name in INDEXING_OPS)
            if not passes or len(reads) != 1 or self._is_given(self.event(reads[0])):
                return number
            if (self.law(reads[0]) is None) != (self.law(number) is None) or isinstance(
                self.law(reads[0]), TranslationLaw
            ) != moved:
                return number
            number = reads[0]

    def _only_moves_entries(self, event: Operation) -> bool:
        """True if an operation only copies its input to another layout, or takes out components."""
        if event.name in COPY_OPS:
            return True
        if event.name not in INDEXING_OPS or self._reordering or self._drops_cells(event):
            return False
        read = max(self.reference.values[n].numel() for n in event.reads)
        return all(self.reference.values[n].numel() < read for n in event.writes)

    def _drops_cells(self, event: Operation) -> bool:
        """True if an operation removes cells of a grid."""
        lattices = [(self.reference.values[n], lattice_of(self.law(n))) for n in event.reads]
        return any(
            lattice is not None and any(value.shape[a] != self.reference.values[n].shape[a] for a in lattice.axes)
            for value, lattice in lattices
            for n in event.writes
            if value.dim() == self.reference.values[n].dim()
        )

    def _has_same_law(self, number: int, other: int) -> bool:
        """True if a value and another value made from it obey the same law, and the components are the same."""
        left, right = self.reference.values[number], self.reference.values[other]
        if self._is_given(self.event(number)) or self._fit(number) != self._fit(other) or not left.any():
            return False  # zeros that other values are written into cause no violation
        if left.shape == right.shape or not left.is_floating_point():
            return left.shape == right.shape
        event = self.event(other)
        if event.name in SCATTER_OPS or event.name in VIEW_OPS - {"expand"}:
            return True
        by_hand = event.origin is None  # a derivative expands a sum; no other expansion may spread over components
        spread = left.dim() == right.dim() and any(a == 1 < b for a, b in zip(left.shape, right.shape, strict=True))
        return left.shape[-1:] == right.shape[-1:] != () and not (spread and by_hand)


def divergence(left: Tape, right: Tape) -> int | None:
    """Returns the first event at which the control flow of two recordings differs; None if it is the same."""
    for index, (a, b) in enumerate(zip(left.events, right.events, strict=False)):
        if a.signature != b.signature:
            return index
    if len(left.events) != len(right.events):
        return min(len(left.events), len(right.events))
    return None
