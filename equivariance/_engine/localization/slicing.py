"""From the recordings of one layer's code to the operations that break the law: what is broken, and what it came from.

A value is judged by its level (`equivariance._engine.laws.matching`). Going back from a broken output through
values that are not lawful themselves, one meets every operation that takes part in the break; what is broken on the
way but was put right before the output is never met. An operation that only took lawful values, and made one that is
not, is a *drop*.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equivariance._engine.instrumentation.operations import COPY_OPS, INDEXING_OPS, SCATTER_OPS, VIEW_OPS, Operation
from equivariance._engine.instrumentation.source_lines import SourceLine
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.laws.forms import InvariantLaw, IrrepLaw, Law, ParityLaw, TranslationLaw
from equivariance._engine.laws.grid import lattice_of
from equivariance._engine.laws.matching import Match
from equivariance._engine.localization.value_laws import NEAR, ValueLaws

if TYPE_CHECKING:
    pass

_PARITIES = (InvariantLaw(), ParityLaw(0, (-1,)))


@dataclass(frozen=True)
class StatementRun:
    """One execution of a statement, as far as one module runs it.

    Attributes:
        place: The statement; None where there is no Python source
        layer: Dotted path of the innermost module
        first, last: Its events are those from `first` up to, not including, `last`
    """

    place: SourceLine | None
    layer: str
    first: int
    last: int


class Slicer(ValueLaws):
    """The recordings of one course of a layer, in the reference run and under some elements."""

    @property
    def _reordering(self) -> bool:
        return self.matcher.symmetry.is_reordering

    @property
    def _enough(self) -> int:
        """The level that nothing is wrong with: rows in another order are still the same set."""
        return Match.LINEAR if self._reordering else Match.EXACT

    def origin(self, number: int) -> int:
        """The level of what a value was taken from: components of a lawful value are parts of it."""
        event = self._event(number)
        if self._is_partial(number):
            return Match.EXACT
        if self._passes(event) and self.level(number) < self._enough:
            return min((self.origin(n) for n in event.reads if n < number), default=Match.EXACT)
        return self.level(number)

    def backward_slice(self, targets: Iterable[int]) -> set[int]:
        """The values that are not lawful and reach a target through nothing lawful."""
        found: set[int] = set()
        waiting = list(targets)
        while waiting:
            number = waiting.pop()
            if number not in found and self.level(number) < self._enough:
                found.add(number)
                waiting.extend(self._blamed(number))
        return found

    def _blamed(self, number: int) -> list[int]:
        """What a value's break may come from: what it read that is not lawful, nor part of something lawful."""
        reads = [n for n in self._event(number).reads if n < number]
        return [n for n in reads if self.level(n) < self._enough and not self._is_partial(n)]

    def first_broken_operations(self, backward_slice: Iterable[int]) -> list[int]:
        """Events that made something worse than all that they read, in their order."""
        found = set()
        for number in backward_slice:
            index = self.producers[number]
            event = self.events[index]
            worst = min((self.origin(n) for n in event.reads if n < number), default=Match.EXACT)
            if not self._passes(event) and worst > self.level(number):
                found.add(index)
        return sorted(found)

    def trace_back(self, target: int) -> list[int]:
        """Where a target that obeys a law, though not the declared one, or that was only moved about, comes from.

        The values on the way, which are all alike, from the first one on.
        """
        way = [target]
        while True:
            event = self._event(way[0])
            like = [n for n in event.reads if n < way[0] and self._alike(n, way[0])]
            if not like or self._is_given(event):
                return way
            way.insert(0, max(like))  # what was made last, not what it was added to

    def statement_at(self, index: int, outwards: int = 0) -> StatementRun:
        """The statement that an event belongs to, or one that called it, so many functions outwards."""
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

    def executions_of(
        self, unit: StatementRun, backward_slice: Iterable[int], anywhere: bool = False
    ) -> list[StatementRun]:
        """Every execution of a statement that makes one of the `involved` values, by the same layer or `anywhere`.

        Where there is no Python source nothing tells statements of different layers apart.
        """
        anywhere = anywhere and unit.place is not None
        return [u for u in self.making(backward_slice) if u.place == unit.place and (anywhere or u.layer == unit.layer)]

    def making(self, backward_slice: Iterable[int]) -> list[StatementRun]:
        """The statements that make values, in their order."""
        return list(dict.fromkeys(self.statement_at(self.producers[number]) for number in sorted(backward_slice)))

    def units(self, index: int) -> list[StatementRun]:
        """The statement that an event belongs to, then those of the same layer that called it."""
        return [self.statement_at(index, outwards) for outwards in range(max(1, self.events[index].own))]

    def live_out(self, unit: StatementRun, backward_slice: Iterable[int], targets: Sequence[int]) -> list[int]:
        """The values of a statement, and of its derivative, that take part in the break and are used elsewhere."""
        inside = [unit.first <= (i if e.origin is None else e.origin) < unit.last for i, e in enumerate(self.events)]
        own = {n for e, i in zip(self.events, inside, strict=True) if i and not self._is_given(e) for n in e.writes}
        own &= set(backward_slice)
        outside = [e for e, i in zip(self.events, inside, strict=True) if not i]
        used = {n for e in outside for n in e.reads} | set(targets)
        return sorted(own & used)

    def laws_near(self, number: int) -> list[Law]:
        """Laws of what a value was made from, the nearest first."""
        found: list[Law] = []
        waiting = list(self._event(number).reads)
        for _ in range(NEAR):
            if not waiting:
                break
            near = waiting.pop(0)
            law = self.law(near)
            if law is not None:
                found.append(law)
            waiting.extend(self._event(near).reads)
        return found

    def sources(self, unit: StatementRun) -> list[tuple[int, Law]]:
        """Values before a statement that may be the ones at fault, with the laws that they were meant to obey.

        What the statement reads may have been laid out wrongly; may be components of a vector in the place of one; may
        be positions that were handed on where a difference was due; or two values may obey laws that do not go
        together, and either may be the one that is not as meant.
        """
        events = self.events[unit.first : unit.last]
        own = {n for e in events for n in e.writes if e.name != "given"}
        outside = dict.fromkeys(n for e in events for n in e.reads if n not in own)
        reads = [n for n in outside if self.reference.values[n].is_floating_point()]
        joined = {n for e in events if e.name in ("cat", "stack") for n in e.reads}
        found: list[tuple[int, Law]] = []
        for number in reads:
            law = self.law(number)
            if self.matcher.symmetry == "inversion" and law in _PARITIES and number in joined:
                found.append((self.trace_back(number)[0], _PARITIES[law == _PARITIES[0]]))
            first = self._handed_on(number)
            if isinstance(law, TranslationLaw) and self._event(first).name in COPY_OPS | INDEXING_OPS:
                found.append((first, InvariantLaw()))
            if self._is_partial(number) and self._event(number).name not in COPY_OPS | INDEXING_OPS:
                found.extend((number, near) for near in self._vectors_near(number))
            laid = [first] if law is None and self._event(first).name in COPY_OPS else []
            for other in dict.fromkeys([*laid, *self.laid_out([number])]):
                found.extend((other, law) for law in self.matcher.candidates(self.reference.values[other], []))
        for one, other in itertools.permutations(reads, 2):
            laws = self.law(one), self.law(other)
            alike = self.reference.values[one].shape == self.reference.values[other].shape
            if alike and laws[0] != laws[1] and laws[1] is not None:
                found.append((self.trace_back(one)[0], laws[1]))
        return sorted((p for p in dict.fromkeys(found) if not self._is_given(self._event(p[0]))), key=lambda p: p[0])

    def laid_out(self, lawless: Iterable[int]) -> list[int]:
        """Values that lawless ones come from and that another layout made lawless, of what was lawful until then."""
        found, visited, waiting = list[int](), set[int](), list(lawless)
        while waiting:
            number = waiting.pop(0)
            event = self._event(number)
            if number in visited or self._is_given(event) or self._fit(number)[0] == Match.EXACT:
                continue
            visited.add(number)
            reads = [n for n in event.reads if n < number and self.reference.values[n].is_floating_point()]
            if event.name in VIEW_OPS and any(isinstance(self._fit(n)[1], IrrepLaw) for n in reads):
                found.append(number)
            waiting.extend(reads)
        return sorted(found)

    def _vectors_near(self, number: int) -> list[Law]:
        """How a value would turn that was computed of the components of one of its own shape."""
        event, shape = self._event(number), self.reference.values[number].shape
        alike = (n for n in event.reads if n < number and self.reference.values[n].shape == shape)
        return [law for law in map(self.law, alike) if isinstance(law, IrrepLaw)]

    def _handed_on(self, number: int) -> int:
        """The first value that a value is, but for layout and selection, and that is as lawful or unlawful as it is."""
        while True:
            event = self._event(number)
            reads = [n for n in event.reads if self.reference.values[n].is_floating_point()]
            moved = isinstance(self.law(number), TranslationLaw)
            passes = event.name in COPY_OPS or (moved and event.name in INDEXING_OPS)
            if not passes or len(reads) != 1 or self._is_given(self._event(reads[0])):
                return number
            if (self.law(reads[0]) is None) != (self.law(number) is None) or isinstance(
                self.law(reads[0]), TranslationLaw
            ) != moved:
                return number
            number = reads[0]

    def _passes(self, event: Operation) -> bool:
        """Whether an operation only hands on what it reads: in another layout, or components taken out of it."""
        if event.name in COPY_OPS:
            return True
        if event.name not in INDEXING_OPS or self._reordering or self._thins(event):
            return False
        read = max(self.reference.values[n].numel() for n in event.reads)
        return all(self.reference.values[n].numel() < read for n in event.writes)

    def _thins(self, event: Operation) -> bool:
        """Whether an operation leaves out cells of a grid."""
        lattices = [(self.reference.values[n], lattice_of(self.law(n))) for n in event.reads]
        return any(
            lattice is not None and any(value.shape[a] != self.reference.values[n].shape[a] for a in lattice.axes)
            for value, lattice in lattices
            for n in event.writes
            if value.dim() == self.reference.values[n].dim()
        )

    def _alike(self, number: int, other: int) -> bool:
        """Whether a value that another was made of obeys the same law, with its components where they are there."""
        left, right = self.reference.values[number], self.reference.values[other]
        if self._is_given(self._event(number)) or self._fit(number) != self._fit(other) or not left.any():
            return False  # no break comes from zeros, into which others are put
        if left.shape == right.shape or not left.is_floating_point():
            return left.shape == right.shape
        event = self._event(other)
        if event.name in SCATTER_OPS or event.name in VIEW_OPS - {"expand"}:
            return True
        by_hand = event.origin is None  # a derivative spreads what was summed, and no one's numbers over components
        spread = left.dim() == right.dim() and any(a == 1 < b for a, b in zip(left.shape, right.shape, strict=True))
        return left.shape[-1:] == right.shape[-1:] != () and not (spread and by_hand)


def divergence(left: Tape, right: Tape) -> int | None:
    """The first event at which two recordings take different courses; None where they take the same."""
    for index, (a, b) in enumerate(zip(left.events, right.events, strict=False)):
        if a.signature != b.signature:
            return index
    if len(left.events) != len(right.events):
        return min(len(left.events), len(right.events))
    return None


Laws = Mapping[int, Law]
"""Value -> the law that replaces it."""
