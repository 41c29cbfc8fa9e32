"""Observers of an examination: the interface, the default and a relay between processes.

Called by the engine after every step. The module prints nothing; `cli` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from equivariance.findings import Outcome


class Observer(Protocol):
    """The interface to an observer. An exception that it raises, for example `KeyboardInterrupt`, ends
    the examination.
    """

    def begun(self, symmetries: tuple[str, ...]) -> None:
        """Called once before the first symmetry.

        Args:
            symmetries: The symmetries that will be tested, in order.
        """

    def sampled(self, symmetry: str, done: int, total: int, off: float) -> None:
        """Called after each tested element.

        Args:
            symmetry: The tested symmetry.
            done: Number of elements tested so far.
            total: Number of elements to test.
            off: Largest relative error of the network's output so far, or 0 if it is within rounding.
        """

    def tested(self, report: Outcome) -> None:
        """Called after each symmetry.

        Args:
            report: The outcome so far, of the symmetries that it names.
        """


class Unobserved:
    """An observer that does nothing."""

    def begun(self, symmetries: tuple[str, ...]) -> None:
        """Does nothing."""

    def sampled(self, symmetry: str, done: int, total: int, off: float) -> None:
        """Does nothing."""

    def tested(self, report: Outcome) -> None:
        """Does nothing."""


class Relay(Unobserved):
    """Sends the progress of samples to another process.

    Attributes:
        send: Called with the arguments of `sampled` as a tuple.
    """

    def __init__(self, send: Callable[[tuple[str, int, int, float]], None]) -> None:
        """Keeps `send`."""
        self.send = send

    def sampled(self, symmetry: str, done: int, total: int, off: float) -> None:
        """Sends the progress."""
        self.send((symmetry, done, total, off))


UNOBSERVED = Unobserved()
"""The default observer."""
