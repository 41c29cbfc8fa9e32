"""Which statements must be put right for the error to vanish.

First one by itself, once or wherever it runs; then several in turn, each of which makes something unlawful of what is
lawful once the ones before it are right.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from equivariance._engine.laws.forms import InvariantLaw, Law, LinearLaw
from equivariance._engine.localization.intervention import InterventionRunner
from equivariance._engine.localization.slicing import Laws, Slicer, StatementRun

_MOST_ALONE = 12
_MOST_ROUNDS = 6
_MOST_TRIES = 12
"""Statements that are tried by themselves, statements that are tried in turn, and replacements per statement."""


class Search:
    """The search in the recordings of one call, of which `flow` has nothing put right."""

    def __init__(self, runner: InterventionRunner, flow: Slicer) -> None:
        self.runner, self.flow, self.matcher = runner, flow, runner.matcher
        self.backward_slice, self.first_broken_operations = runner.suspects(flow)
        self._escapes: dict[StatementRun, list[int]] = {}

    def run(self) -> dict[StatementRun, Laws]:
        """What puts the statements at fault right, in the order in which they run; empty where nothing heals."""
        found = self._single() or self._laid_out() or self._sequential() or self._sequential(hidden=True)
        kept = dict(found)
        for unit in reversed(found):  # what an earlier one heals too, was not at fault
            rest = {u: v for u, v in kept.items() if u != unit}
            if self._left(merged(rest)) <= self.runner.residual and not self._goes_into(found[unit], unit, rest):
                del kept[unit]
        return kept

    def _single(self) -> dict[StatementRun, Laws]:
        """The first suspect that heals everything by itself: the others may be local frames, put right later.

        By itself is wherever it runs: what it breaks first, it may break again, and so may the layers of its kind.
        """
        for unit in itertools.islice(
            dict.fromkeys(self.flow.statement_at(index) for index in self.first_broken_operations), _MOST_ALONE
        ):
            for laws in self._replaced(unit):
                if self._left(laws) <= self.runner.residual and self._begins(unit, laws, {}):
                    return {**self._earlier(self.flow, unit, {}), **self._by_layer(unit, laws)}
        return {}

    def _laid_out(self) -> dict[StatementRun, Laws]:
        """A layout that names components otherwise, of which nothing is wrong until they are used by their names."""
        for number in self.flow.laid_out(self.backward_slice)[:_MOST_ALONE]:
            for laws in self._replacements(self.flow, [number]):
                if self._left(laws) <= self.runner.residual:
                    return {self.flow.statement_at(self.flow.producers[number]): laws}
        return {}

    def _sequential(self, hidden: bool = False) -> dict[StatementRun, Laws]:
        """Suspects put right one after the other; also those that show once others are right, where `hidden`."""
        laws: dict[StatementRun, Laws] = {}
        tried: set[int] = set()
        for _ in range(_MOST_ROUNDS):
            flow = self.runner.flow(merged(laws)) if laws else self.flow
            if flow is None:
                break
            backward_slice, first_broken_operations = self.runner.suspects(flow)
            left = [
                i for i in first_broken_operations if i not in tried and (hidden or i in self.first_broken_operations)
            ]
            if not left:
                break
            tried.add(left[0])
            for unit in flow.units(left[0]):
                found, healed = self._try(
                    flow, unit, backward_slice, merged(laws), len(first_broken_operations), hidden
                )
                if healed:
                    return {**laws, **self._earlier(flow, unit, laws), unit: found}
                if found:
                    laws[unit] = found
                    wide = self._all_layers(laws) if hidden else {}
                    if wide:
                        return wide
                    break
        return {}

    def _try(
        self, flow: Slicer, unit: StatementRun, backward_slice: set[int], known: Laws, count: int, hidden: bool
    ) -> tuple[Laws, bool]:
        """The replacement after which the fewest suspects are left, fewer than `count`, and whether it heals.

        Else, where `hidden`, that by the laws of what was read, if less is broken after it and what breaks it comes
        later.
        """
        fewest: tuple[int, Laws] = (count, {})
        kept: Laws = {}
        values = flow.live_out(unit, backward_slice, self.runner.targets)
        nearest = {n: law for n in values for law in flow.laws_near(n)[:1]}
        for laws in self._replacements(flow, values):
            tape, error = self.runner.try_replacement({**known, **laws})
            if error <= self.runner.residual:
                return laws, True
            left = None if tape is None else self.runner.under_the_first(tape)
            if left is not None:
                rest, suspects = self.runner.suspects(left)
                fewest = min(fewest, (len(suspects), laws), key=lambda f: f[0])
                if hidden and laws == nearest and len(rest) < len(backward_slice) and min(suspects) >= unit.last:
                    kept = laws
        return fewest[1] or kept, False

    def _earlier(
        self, flow: Slicer, found: StatementRun, laws: Mapping[StatementRun, Laws]
    ) -> dict[StatementRun, Laws]:
        """The first statement before the one that was found whose replacement heals as well."""
        for number, law in flow.sources(found):
            unit = flow.statement_at(flow.producers[number])
            if unit.first < found.first and self._left({**merged(laws), number: law}) <= self.runner.residual:
                return self._earlier(flow, unit, laws) or {unit: {number: law}}
        return {}

    def _all_layers(self, laws: Mapping[StatementRun, Laws]) -> dict[StatementRun, Laws]:
        """Each statement put right wherever it runs, by the laws that put it right once; empty where it heals not."""
        wide: dict[StatementRun, Laws] = {}
        for unit, found in laws.items():
            wide[unit] = dict(found)
            for other in self.flow.executions_of(unit, self.backward_slice, anywhere=True):
                values = self._escaping(other)
                if self._axes(values) == self._axes(found):
                    wide[unit] = {**wide[unit], **dict(zip(values, found.values(), strict=True))}
        if wide == laws or self._left(merged(wide)) > self.runner.residual:
            return {}
        if not all(self._begins(u, w, merged({o: v for o, v in wide.items() if o != u})) for u, w in wide.items()):
            return {}
        return {u: w for unit, found in wide.items() for u, w in self._by_layer(unit, found).items()}

    def _by_layer(self, unit: StatementRun, laws: Laws) -> dict[StatementRun, Laws]:
        """What puts a statement right wherever it runs, one by one for the layers that run it."""
        found: dict[str, tuple[StatementRun, dict[int, Law]]] = {unit.layer: (unit, {})}
        for other in self.flow.executions_of(unit, self.backward_slice, anywhere=True):
            values = self._escaping(other)
            found.setdefault(other.layer, (other, {}))[1].update({n: laws[n] for n in values if n in laws})
        known = {n for _, own in found.values() for n in own}
        found[unit.layer][1].update({n: law for n, law in laws.items() if n not in known})
        return {first: own for first, own in found.values() if own}

    def _begins(self, unit: StatementRun, laws: Laws, known: Laws) -> bool:
        """Whether the break begins in a statement that is put right several times, and does not pass through it.

        What adds up broken values, time after time, heals everything too where it is put right each time.
        """
        times = self.flow.executions_of(unit, self.backward_slice, anywhere=True)
        values = {u: set(self._escaping(u)) & set(laws) for u in times}
        several = [u for u in times if values[u]]
        for last in reversed(several) if len(several) > 1 else ():
            rest = {n: law for n, law in laws.items() if n not in values[last]}
            tape, error = self.runner.try_replacement({**known, **rest})
            if error > self.runner.residual:
                left = None if tape is None else self.runner.under_the_first(tape)
                return left is not None and any(last.first <= i < last.last for i in self.runner.suspects(left)[1])
        return True

    def _goes_into(self, values: Laws, unit: StatementRun, others: Mapping[StatementRun, Laws]) -> bool:
        """Whether what a statement breaks goes into a later one that was put right: both are at fault, in a row."""
        reached = set(values)
        for event in self.flow.events[unit.first :]:
            if reached.intersection(event.reads):
                reached.update(event.writes)
        return any(reached.intersection(found) for other, found in others.items() if other.first > unit.first)

    def _replaced(self, unit: StatementRun) -> Iterator[Laws]:
        """Replacements for a statement once, for all times that its layer runs it, and for all layers that do."""
        runs = (self.flow.executions_of(unit, self.backward_slice, anywhere) for anywhere in (False, True))
        times = (tuple(tuple(self._escaping(u)) for u in units) for units in ([unit], *runs))
        for values in dict.fromkeys(times):
            first, *others = map(self._axes, values)
            if others and all(other == first for other in others):  # the same laws, of what is nothing broken yet
                for laws in self._replacements(self.flow, values[0]):
                    yield {n: law for own in values for n, law in zip(own, laws.values(), strict=True)}
            yield from self._replacements(self.flow, [n for own in values for n in own])

    def _replacements(self, flow: Slicer, values: Sequence[int]) -> Iterator[Laws]:
        choices = [list(self.matcher.candidates(flow.reference.values[n], flow.laws_near(n))) for n in values]
        # What turns in another basis was not meant to be invariant; one element alone may seem to turn anything.
        for n, laws in zip(values, choices, strict=True):
            if isinstance(flow.law(n), LinearLaw) and len(laws) > 1 and len(self.runner.elements) > 1:
                laws[:] = [law for law in laws if law != InvariantLaw()]
        if values:
            for chosen in itertools.islice(diagonal_first(choices, _MOST_TRIES), _MOST_TRIES):
                yield dict(zip(values, chosen, strict=True))

    def _escaping(self, unit: StatementRun) -> list[int]:
        """Looked up once per statement: every event is gone through for it."""
        if unit not in self._escapes:
            self._escapes[unit] = self.flow.live_out(unit, self.backward_slice, self.runner.targets)
        return self._escapes[unit]

    def _axes(self, values: Sequence[int] | Laws) -> list[int]:
        """How many each has: layers of a kind may differ in their channels."""
        return [self.flow.reference.values[n].dim() for n in values]

    def _left(self, laws: Laws) -> float:
        return self.runner.try_replacement(laws)[1]


def merged(laws: Mapping[StatementRun, Laws]) -> dict[int, Law]:
    """What puts several statements right."""
    return {number: law for found in laws.values() for number, law in found.items()}


_Choice = TypeVar("_Choice")


def diagonal_first(choices: Sequence[Sequence[_Choice]], most: int) -> Iterator[tuple[_Choice, ...]]:
    """Combinations of one of each, those first in which all stand at the same place of their sequence; then `most`.

    Of a sequence that is shorter the last one stands for those that it lacks; of an empty one there is no combination.
    """
    longest = max(map(len, choices), default=0) if all(choices) else 0
    alike = (tuple(found[min(place, len(found) - 1)] for found in choices) for place in range(longest))
    yield from dict.fromkeys([*alike, *itertools.islice(itertools.product(*choices), most)])
