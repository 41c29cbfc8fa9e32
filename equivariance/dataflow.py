"""From the recordings of one layer's code to the operations that break the law: what is broken, and what it came from.

A value is judged by its level (:mod:`equivariance.matching`). Going back from a broken output through values that are
not lawful themselves, one meets every operation that takes part in the break; what is broken on the way but was put
right before the output is never met. An operation that only took lawful values, and made one that is not, is a *drop*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from equivariance.elements import Transform
from equivariance.frames import Place
from equivariance.laws import Law
from equivariance.matching import BROKEN, LAWFUL, LINEAR, Matcher, Seen
from equivariance.tape import CUTS, VIEWS, Event, Tape

_NEAR = 64
"""How many values are looked at on the way back from a value."""


@dataclass(frozen=True)
class Unit:
    """One execution of a statement, as far as one module runs it.

    Attributes
    ----------
    place : the statement; None where there is no Python source
    layer : dotted path of the innermost module
    first, last : its events are those from ``first`` up to, not including, ``last``
    """

    place: Place | None
    layer: str
    first: int
    last: int


class Dataflow:
    """The recordings of one course of a layer, in the reference run and under some elements."""

    def __init__(self, reference: Tape, under: Sequence[tuple[Transform, Tape]], matcher: Matcher) -> None:
        """All tapes must have the same events."""
        self.reference, self.under, self.matcher = reference, under, matcher
        self.events: list[Event] = reference.events
        self._fits: dict[int, tuple[int, Law | None]] = {}
        reordering = matcher.symmetry in ("permutation", "batch")
        self._passing = VIEWS if reordering else VIEWS | CUTS

    @cached_property
    def producers(self) -> dict[int, int]:
        """Value -> the event that made it."""
        return {number: index for index, event in enumerate(self.events) for number in event.writes}

    def level(self, number: int) -> int:
        """How lawful a value is; what was given from outside is lawful."""
        return LAWFUL if self._event(number).name == "given" else self._fit(number)[0]

    def law(self, number: int) -> Law | None:
        """The law of a value, where one fits."""
        return self._fit(number)[1]

    def origin(self, number: int) -> int:
        """The level of what a value was taken from: components of a lawful value are parts of it."""
        event = self._event(number)
        if event.name in self._passing and self.level(number) < LAWFUL:
            return min((self.origin(n) for n in event.reads if n < number), default=LAWFUL)
        return self.level(number)

    def involved(self, targets: Iterable[int]) -> set[int]:
        """The values that are not lawful and reach a target through nothing lawful."""
        found: set[int] = set()
        waiting = list(targets)
        while waiting:
            number = waiting.pop()
            if number not in found and self.level(number) < LAWFUL:
                found.add(number)
                waiting.extend(self._blamed(number))
        return found

    def _blamed(self, number: int) -> list[int]:
        """What a value's break may come from: of what it was made of, the most broken; never what it put right."""
        levels = {n: self.level(n) for n in self._event(number).reads if n < number}
        worst = min(levels.values(), default=LAWFUL)
        level = self.level(number) if self._event(number).name not in self._passing else worst
        return [n for n, found in levels.items() if found < LAWFUL and found == max(level, worst)]

    def drops(self, involved: Iterable[int]) -> list[int]:
        """Events that made something worse than all that they read, in their order."""
        found = set()
        for number in involved:
            index = self.producers[number]
            event = self.events[index]
            worst = min((self.origin(n) for n in event.reads if n < number), default=LAWFUL)
            if event.name not in self._passing and worst > self.level(number):
                found.add(index)
        return sorted(found)

    def arising(self, target: int) -> int:
        """Where a target that obeys a law, though not the declared one, or that was only moved about, comes from."""
        while True:
            event = self._event(target)
            like = [n for n in event.reads if n < target and self._alike(n, target)]
            if not like or event.name == "given":
                return target
            target = like[0]

    def unit(self, index: int) -> Unit:
        """The statement that an event belongs to."""
        event = self.events[index]
        same = [e.name == "given" or (e.place, e.layer) == (event.place, event.layer) for e in self.events]
        first, last = index, index + 1
        while first > 0 and same[first - 1]:
            first -= 1
        while last < len(same) and same[last]:
            last += 1
        return Unit(event.place, event.layer, first, last)

    def escaping(self, unit: Unit, involved: Iterable[int], targets: Sequence[int]) -> list[int]:
        """The values of a statement that take part in the break and are used after it."""
        own = {n for e in self.events[unit.first : unit.last] for n in e.writes if e.name != "given"} & set(involved)
        outside = [e for i, e in enumerate(self.events) if not unit.first <= i < unit.last]
        used = {n for e in outside for n in e.reads} | set(targets)
        return sorted(own & used)

    def laws_near(self, number: int) -> list[Law]:
        """Laws of what a value was made from, the nearest first."""
        found: list[Law] = []
        waiting = list(self._event(number).reads)
        for _ in range(_NEAR):
            if not waiting:
                break
            near = waiting.pop(0)
            law = self.law(near)
            if law is not None:
                found.append(law)
            waiting.extend(self._event(near).reads)
        return found

    def _alike(self, number: int, other: int) -> bool:
        left, right = self.reference.values[number], self.reference.values[other]
        given = self._event(number).name == "given"
        return not given and left.shape == right.shape and self._fit(number) == self._fit(other)

    def _event(self, number: int) -> Event:
        return self.events[self.producers[number]]

    def _fit(self, number: int) -> tuple[int, Law | None]:
        if number not in self._fits:
            seen = self._seen(number)
            self._fits[number] = self.matcher.fit(seen)
            if self._fits[number][0] == BROKEN and self._is_component(number, seen):
                self._fits[number] = LINEAR, None
        return self._fits[number]

    def _is_component(self, number: int, seen: Seen) -> bool:
        """Whether the value is made of components of a lawful value that it comes from, each by a fixed factor."""
        waiting, visited = list(self._event(number).reads), set()
        for _ in range(_NEAR):
            if not waiting:
                return False
            near = waiting.pop(0)
            if near in visited or near > number:
                continue
            visited.add(near)
            if self._event(near).name != "given" and self.level(near) < LAWFUL:
                waiting.extend(self._event(near).reads)
            elif self.matcher.combines(seen, self._seen(near)):
                return True
        return False

    def _seen(self, number: int) -> Seen:
        return Seen(
            self.reference.values[number], tuple((element, tape.values[number]) for element, tape in self.under)
        )


def divergence(left: Tape, right: Tape) -> int | None:
    """The first event at which two recordings take different courses; None where they take the same."""
    for index, (a, b) in enumerate(zip(left.events, right.events, strict=False)):
        if a.signature != b.signature:
            return index
    if len(left.events) != len(right.events):
        return min(len(left.events), len(right.events))
    return None
