"""Finds for each recorded value its law, and whether it is a component of a value that has one.

`slicing` asks, going back from a wrong output. Laws are fitted in `laws.matching`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch

from equivariance._engine.instrumentation.operations import Operation
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.laws.forms import InvariantLaw, Law
from equivariance._engine.laws.further import PartnerLaw
from equivariance._engine.laws.matching import LawMatcher, Match, RecordedValue
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry

_EXCHANGING = (Symmetry.SWAP, Symmetry.MIRROR)
"""Symmetries whose elements may exchange two values."""

NEAR = 64
"""Number of values that are examined on the way back from a value."""


class ValueLaws:
    """The laws of the values of one layer call, recorded in the reference run and under some elements.

    Each law is fitted when it is first asked for, and kept.
    """

    def __init__(
        self, reference: Tape, under: Sequence[tuple[Transform, Tape]], matcher: LawMatcher,
        before: ValueLaws | None = None,
    ) -> None:  # fmt: skip
        """All tapes must have the same events.

        Args:
            reference: The recording of the reference run.
            under: Elements, each with the recording under it.
            matcher: Fits the laws.
            before: The laws of an earlier recording under the same elements; they hold for values that are the same.
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
        """Returns how well a law fits a value; `Match.EXACT` for a value from outside of the layer."""
        if self._is_given(self.event(number)):
            return Match.EXACT
        return Match.LINEAR if self.is_partial(number) else self._fit(number)[0]

    def law(self, number: int) -> Law | None:
        """Returns the law of a value; None if none fits."""
        return self._fit(number)[1]

    def _is_given(self, event: Operation) -> bool:
        """True if a value comes from outside of the layer; if it was brought, only if it obeys a law."""
        return event.name == "given" or (event.name == "brought" and self._fit(event.writes[0])[0] == Match.EXACT)

    def event(self, number: int) -> Operation:
        """Returns the operation that made a value."""
        return self.events[self.producers[number]]

    def _fit(self, number: int) -> tuple[int, Law | None]:
        if number not in self._fits:
            before = self._before_of(number)
            self._fits[number] = self._find_fit(number) if before is None else before._fit(number)
        return self._fits[number]

    def _find_fit(self, number: int) -> tuple[int, Law | None]:
        law = self._law_of_zero(number)
        level, found = (Match.EXACT, law) if law is not None else self.matcher.fit(self._recorded_value(number))
        partner = self._partner(number) if level == Match.NONE and self.matcher.symmetry in _EXCHANGING else None
        return (level, found) if partner is None else (Match.EXACT, partner)

    def _partner(self, number: int) -> Law | None:
        """Returns the law of a value that exchanges with another one, as the left and the right half of a picture."""
        value, wanted = self.reference.values[number], [tape.values[number] for _, tape in self.under]
        if not value.is_floating_point() or not wanted or any(w.shape != value.shape for w in wanted):
            return None
        for other, near in enumerate(self.reference.values):
            alike = other != number and near.shape == value.shape and near.dtype == value.dtype
            if alike and all(self.matcher.close(w, near) for w in wanted):
                back = (tape.values[other] for _, tape in self.under)
                if all(self.matcher.close(b, value) for b in back):
                    return PartnerLaw(near, other)
        return None

    def _law_of_zero(self, number: int) -> Law | None:
        """Returns the law of the nearest related value for a value that is zero, which every law fits; else None."""
        value = self.reference.values[number]
        if not value.is_floating_point() or not value.dim() or bool(value.any()):
            return None
        waiting = list(self.event(number).reads)
        for _ in range(NEAR):
            if not waiting:
                break
            near = waiting.pop(0)
            alike = near < number and self.reference.values[near].shape[: value.dim() - 1] == value.shape[:-1]
            law = self.law(near) if alike and self.level(near) == Match.EXACT else None
            if law not in (None, InvariantLaw()) and self._obeys(number, law):
                return law
            waiting.extend(self.event(near).reads)
        return None

    def _obeys(self, number: int, law: Law) -> bool:
        try:
            return self.matcher.obeys(self._recorded_value(number), law)
        except (RuntimeError, ValueError, IndexError):  # a law of another shape
            return False

    def is_partial(self, number: int) -> bool:
        """True if a value that obeys no law is made of components of a value that does."""
        if self._fit(number)[0] > Match.NONE:
            return False
        if number not in self._partial:
            before = self._before_of(number)
            self._partial[number] = self._is_component(number) if before is None else before.is_partial(number)
        return self._partial[number]

    def _before_of(self, number: int) -> ValueLaws | None:
        """Returns the earlier laws if the value was the same in the earlier recording."""
        if self._before is None:
            return None
        pairs = zip(self.under, self._before.under, strict=True)
        same = all(torch.equal(now.values[number], then.values[number]) for (_, now), (_, then) in pairs)
        return self._before if same else None

    def _is_component(self, number: int) -> bool:
        """True if the value is made of components, times fixed factors, of a value with a law that it comes from."""
        if not self.matcher.may_combine(self.reference.values[number]):
            return False
        rows = self.matcher.rows(self._recorded_value(number))
        waiting, visited = list(self.event(number).reads), set()
        for _ in range(NEAR):
            if not waiting:
                return False
            near = waiting.pop(0)
            if near in visited or near > number:
                continue
            visited.add(near)
            if not self._is_given(self.event(near)) and self._fit(near)[0] < Match.EXACT:
                waiting.extend(self.event(near).reads)
            elif self.matcher.combines(rows, self._recorded_value(near)):
                return True
        return False

    def _recorded_value(self, number: int) -> RecordedValue:
        return RecordedValue(
            self.reference.values[number], tuple((element, tape.values[number]) for element, tape in self.under)
        )
