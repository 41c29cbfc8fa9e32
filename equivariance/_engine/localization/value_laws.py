"""Which law each value of a recording obeys, and which are parts of such as do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch

from equivariance._engine.instrumentation.operations import Operation
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.laws.forms import InvariantLaw, Law
from equivariance._engine.laws.matching import LawMatcher, Match, RecordedValue
from equivariance.groups.elements import Transform

NEAR = 64
"""How many values are looked at on the way back from a value."""


class ValueLaws:
    """The values of one course of a layer, in the reference run and under some elements."""

    def __init__(
        self, reference: Tape, under: Sequence[tuple[Transform, Tape]], matcher: LawMatcher,
        before: ValueLaws | None = None,
    ) -> None:  # fmt: skip
        """All tapes must have the same events.

        What `before` knows, under the same elements, is not asked again of values that are the same there.
        """
        self.reference, self.under, self.matcher, self._before = reference, under, matcher, before
        self.events: list[Operation] = reference.events
        self._fits: dict[int, tuple[int, Law | None]] = {}
        self._partial: dict[int, bool] = {}

    @cached_property
    def producers(self) -> dict[int, int]:
        """Value -> the event that made it."""
        return {number: index for index, event in enumerate(self.events) for number in event.writes}

    def level(self, number: int) -> int:
        """How lawful a value is; what was given from outside is lawful."""
        if self._is_given(self._event(number)):
            return Match.EXACT
        return Match.LINEAR if self._is_partial(number) else self._fit(number)[0]

    def law(self, number: int) -> Law | None:
        """The law of a value, where one fits."""
        return self._fit(number)[1]

    def _is_given(self, event: Operation) -> bool:
        """Whether a value comes from outside of the layer; what is brought counts so where it obeys a law."""
        return event.name == "given" or (event.name == "brought" and self._fit(event.writes[0])[0] == Match.EXACT)

    def _event(self, number: int) -> Operation:
        return self.events[self.producers[number]]

    def _fit(self, number: int) -> tuple[int, Law | None]:
        if number not in self._fits:
            before = self._known(number)
            self._fits[number] = self._fitted(number) if before is None else before._fit(number)
        return self._fits[number]

    def _fitted(self, number: int) -> tuple[int, Law | None]:
        meant = self._meant(number)
        return (Match.EXACT, meant) if meant is not None else self.matcher.fit(self._seen(number))

    def _meant(self, number: int) -> Law | None:
        """The law of its kin for a value that is zero here, and perhaps not elsewhere: here every law fits it."""
        value = self.reference.values[number]
        if not value.is_floating_point() or not value.dim() or bool(value.any()):
            return None
        waiting = list(self._event(number).reads)
        for _ in range(NEAR):
            if not waiting:
                break
            near = waiting.pop(0)
            alike = near < number and self.reference.values[near].shape[: value.dim() - 1] == value.shape[:-1]
            law = self.law(near) if alike and self.level(near) == Match.EXACT else None
            if law not in (None, InvariantLaw()) and self._obeys(number, law):
                return law
            waiting.extend(self._event(near).reads)
        return None

    def _obeys(self, number: int, law: Law) -> bool:
        try:
            return self.matcher.obeys(self._seen(number), law)
        except (RuntimeError, ValueError, IndexError):  # a law of another shape
            return False

    def _is_partial(self, number: int) -> bool:
        """Whether a value that obeys no law is made of components of one that does."""
        if self._fit(number)[0] > Match.NONE:
            return False
        if number not in self._partial:
            before = self._known(number)
            self._partial[number] = self._is_component(number) if before is None else before._is_partial(number)
        return self._partial[number]

    def _known(self, number: int) -> ValueLaws | None:
        """What came before, where the value was the same there."""
        if self._before is None:
            return None
        pairs = zip(self.under, self._before.under, strict=True)
        same = all(torch.equal(now.values[number], then.values[number]) for (_, now), (_, then) in pairs)
        return self._before if same else None

    def _is_component(self, number: int) -> bool:
        """Whether the value is made of components of a lawful value that it comes from, each by a fixed factor."""
        if not self.matcher.may_combine(self.reference.values[number]):
            return False
        rows = self.matcher.rows(self._seen(number))
        waiting, visited = list(self._event(number).reads), set()
        for _ in range(NEAR):
            if not waiting:
                return False
            near = waiting.pop(0)
            if near in visited or near > number:
                continue
            visited.add(near)
            if not self._is_given(self._event(near)) and self._fit(near)[0] < Match.EXACT:
                waiting.extend(self._event(near).reads)
            elif self.matcher.combines(rows, self._seen(near)):
                return True
        return False

    def _seen(self, number: int) -> RecordedValue:
        return RecordedValue(
            self.reference.values[number], tuple((element, tape.values[number]) for element, tape in self.under)
        )
