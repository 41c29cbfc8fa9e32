"""Finds the forward operation that a backward operation differentiates.

A backward operation has no statement in the source. It counts as part of the statement whose operation it
differentiates. PyTorch's sequence numbers of autograd nodes link the two.

`tape` calls it.
"""

from __future__ import annotations

from types import FrameType

from equivariance._engine.instrumentation.source_lines import differentiates
from equivariance._torch_private import autograd_sequence_number, differentiated_sequence_number


class AutogradLinks:
    """Stores which event made which autograd node."""

    def __init__(self) -> None:
        """Starts with the next autograd node; existing nodes belong to no event."""
        self._events: dict[int, int] = {}
        self._next = autograd_sequence_number()

    def note(self, event: int) -> None:
        """Stores that the operation about to run is the event of this number."""
        following = autograd_sequence_number()
        if following != self._next:  # autograd makes the node before it runs the operation
            self._next = following
            self._events[following - 1] = event

    def of(self, frame: FrameType | None) -> int | None:
        """Returns the event that an operation run from `frame` differentiates; None if there is no event."""
        number = differentiated_sequence_number() if differentiates(frame) else None
        return None if number is None else self._events.get(number)
