"""Who is told how far an examination has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from equivariance.findings import Outcome


class Observer(Protocol):
    """Is told of every step of an examination; raising (`KeyboardInterrupt`, say) ends it."""

    def begun(self, symmetries: tuple[str, ...]) -> None:
        """The symmetries that will be tested, in order."""

    def sampled(self, symmetry: str, done: int, total: int, off: float) -> None:
        """`done` of the `total` elements of `symmetry` were measured.

        `off` is the largest relative error of the network's output so far, 0 where it is within rounding.
        """

    def tested(self, report: Outcome) -> None:
        """A symmetry is finished: what is known so far, of the symmetries that `report` names."""


class Unobserved:
    """Nobody is told."""

    def begun(self, symmetries: tuple[str, ...]) -> None:
        """Nothing."""

    def sampled(self, symmetry: str, done: int, total: int, off: float) -> None:
        """Nothing."""

    def tested(self, report: Outcome) -> None:
        """Nothing."""


class Relay(Unobserved):
    """Passes on how far the samples have come, to another process."""

    def __init__(self, told: Callable[[tuple[str, int, int, float]], None]) -> None:
        """`told` is called with what `sampled` is told."""
        self.told = told

    def sampled(self, symmetry: str, done: int, total: int, off: float) -> None:
        """Pass it on."""
        self.told((symmetry, done, total, off))


UNOBSERVED = Unobserved()
"""What an examination has for an observer by default."""
