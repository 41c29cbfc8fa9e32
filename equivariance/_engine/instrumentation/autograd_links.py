"""The forward operation that a backward operation belongs to.

Nobody wrote the backward operations of automatic differentiation. Each counts as part of the statement whose operation
it differentiates, which torch tells by the sequence numbers of its autograd nodes.
"""

from __future__ import annotations

from types import FrameType

from equivariance._engine.instrumentation.source_lines import differentiates
from equivariance._torch_private import autograd_sequence_number, differentiated_sequence_number


class AutogradLinks:
    """Notes the events that made autograd nodes."""

    def __init__(self) -> None:
        """Nodes that exist already are not of these events."""
        self._events: dict[int, int] = {}
        self._next = autograd_sequence_number()

    def note(self, event: int) -> None:
        """Say that the operation that runs now will be the event of this number."""
        following = autograd_sequence_number()
        if following != self._next:  # autograd makes its node before it runs the operation
            self._next = following
            self._events[following - 1] = event

    def of(self, frame: FrameType | None) -> int | None:
        """The event that an operation asked for in `frame` differentiates; None where it does not, or of none."""
        number = differentiated_sequence_number() if differentiates(frame) else None
        return None if number is None else self._events.get(number)
