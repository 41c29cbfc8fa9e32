"""Computes the logarithmic scales of the page: colour levels above the rounding floor, and axes of drawings.

`chart`, `curves`, `findings` and `tree` call it. It makes no HTML.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from equivariance.findings import LayerRow
from equivariance.report.html.parts import BROKEN

LEVELS = 5
"""Number of colours between the rounding floor (exclusive) and a relative error of 1."""

_SMALLEST = 1e-17


@dataclass(frozen=True)
class LogAxis:
    """A logarithmic axis for errors: zero at its start, a gap, powers of ten, a gap, infinity at its end.

    Attributes:
        low, high: Exponents of the first and the last power of ten.
        start, end: Positions of zero and infinity, in the units of the drawing.
        gap: Distance from zero to `low` and from `high` to infinity, in the units of the drawing.
    """

    low: int
    high: int
    start: float
    end: float
    gap: float = 14.0

    def at(self, value: float) -> float:
        """Returns the position of an error; NaN has the position of infinity."""
        if not math.isfinite(value):
            return self.end
        if value <= 0:
            return self.start
        return self._between(min(max(math.log10(value), self.low), self.high))

    def powers(self, most: int) -> list[tuple[float, str]]:
        """Returns position and label of at most `most` powers of ten."""
        step = math.ceil((self.high - self.low) / (most - 1))
        return [(self._between(p), f"1e{p}") for p in range(self.high, self.low - 1, -step)]

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Returns position and label of zero, of at most `most` powers of ten, and of infinity."""
        return [(self.start, "0"), *self.powers(most), (self.end, "∞")]

    def _between(self, exponent: float) -> float:
        direction = math.copysign(1.0, self.end - self.start)
        first, last = self.start + direction * self.gap, self.end - direction * self.gap
        return first + (last - first) * (exponent - self.low) / (self.high - self.low)


def exponents(values: Iterable[float]) -> tuple[int, int]:
    """Returns exponents of two powers of ten that enclose all positive finite values, and 1e-3 and 1."""
    logs = [math.log10(max(v, _SMALLEST)) for v in values if math.isfinite(v) and v > 0]
    return min([-3, *map(math.floor, logs)]), max([0, *map(math.ceil, logs)])


def powers_around(values: Iterable[float]) -> tuple[int, int]:
    """Returns exponents of two different powers of ten that enclose all positive finite values."""
    logs = [math.log10(v) for v in values if math.isfinite(v) and v > 0] or [0.0]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    return low, max(high, low + 1)


def heat(row: LayerRow) -> int:
    """Returns the colour level of a row: 0 if rounding explains the error, else 1 to `LEVELS`.

    Levels are even on a logarithmic scale from the rounding floor to 1.
    """
    if row.verdict in ("clean", "rounding", "grid"):
        return 0
    floor = max(row.noise_floor, _SMALLEST)
    if not math.isfinite(row.introduced) or floor >= 1:
        return LEVELS
    if row.introduced <= floor:
        return int(row.verdict in BROKEN)
    share = math.log(row.introduced / floor) / math.log(1 / floor)
    return min(max(math.ceil(LEVELS * share), 1), LEVELS)
