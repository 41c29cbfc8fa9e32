"""The end of the time that a diagnosis may take.

`settings` holds it, and the engine checks it before every pass of the network. This module stops nothing by itself:
`_engine.diagnosis` catches `TimeLimitReached` and reports what was cut short.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


class TimeLimitReached(BaseException):
    """Raised where no time is left. It is no `Exception`: code that handles errors of the network does not catch it."""


@dataclass(frozen=True)
class Deadline:
    """A moment after which no pass begins.

    Attributes:
        seconds: The time limit that the caller set; infinite for none.
        end: The moment, in seconds of `time.monotonic`.
    """

    seconds: float = math.inf
    end: float = math.inf

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """Returns the moment that lies `seconds` from now; None for no limit."""
        return cls() if seconds is None else cls(seconds, time.monotonic() + seconds)

    @property
    def has_passed(self) -> bool:
        """True if no time is left."""
        return time.monotonic() >= self.end

    def check(self) -> None:
        """Raises `TimeLimitReached` if no time is left."""
        if self.has_passed:
            raise TimeLimitReached

    def share(self, part: float) -> Deadline:
        """Returns an earlier moment: the end of a part of the time that is left, 0 < part < 1."""
        left = self.end - time.monotonic()
        return self if math.isinf(left) else Deadline(self.seconds, self.end - (1 - part) * max(left, 0.0))

    def __str__(self) -> str:
        """Returns the limit in words."""
        return f"the time limit of {self.seconds:g} s"


UNLIMITED = Deadline()
"""The deadline of a diagnosis without a time limit."""
