"""The logarithmic scales of the page: colours from the rounding floor up, and the axes of its drawings."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from equivariance.findings import LayerRow
from equivariance.report.html.parts import BROKEN

LEVELS = 5
"""Colours between the rounding floor (exclusive) and an error as large as the value itself."""

_SMALLEST = 1e-17


@dataclass(frozen=True)
class LogAxis:
    """Errors along a line: zero at its start, a gap, powers of ten, a gap, infinity at its end.

    Attributes:
        low, high: Exponents of the first and the last power of ten
        start, end: Where zero and infinity lie, in the units of the drawing
        gap: From zero to `low` and from `high` to infinity
    """

    low: int
    high: int
    start: float
    end: float
    gap: float = 14.0

    def at(self, value: float) -> float:
        """Position of an error; NaN lies where infinity does."""
        if not math.isfinite(value):
            return self.end
        if value <= 0:
            return self.start
        return self._between(min(max(math.log10(value), self.low), self.high))

    def powers(self, most: int) -> list[tuple[float, str]]:
        """Position and label of at most `most` powers of ten."""
        step = math.ceil((self.high - self.low) / (most - 1))
        return [(self._between(p), f"1e{p}") for p in range(self.high, self.low - 1, -step)]

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Zero and infinity, and the powers between them."""
        return [(self.start, "0"), *self.powers(most), (self.end, "∞")]

    def _between(self, exponent: float) -> float:
        direction = math.copysign(1.0, self.end - self.start)
        first, last = self.start + direction * self.gap, self.end - direction * self.gap
        return first + (last - first) * (exponent - self.low) / (self.high - self.low)


def exponents(values: Iterable[float]) -> tuple[int, int]:
    """Powers of ten around all positive finite values, and 1 among them."""
    logs = [math.log10(max(v, _SMALLEST)) for v in values if math.isfinite(v) and v > 0]
    return min([-3, *map(math.floor, logs)]), max([0, *map(math.ceil, logs)])


def powers_around(values: Iterable[float]) -> tuple[int, int]:
    """Two different powers of ten with all positive finite values between them."""
    logs = [math.log10(v) for v in values if math.isfinite(v) and v > 0] or [0.0]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    return low, max(high, low + 1)


def heat(row: LayerRow) -> int:
    """0 for an error that rounding explains, else 1 to `LEVELS`, even on a log scale from the rounding floor to 1."""
    if row.verdict in ("clean", "rounding", "grid"):
        return 0
    floor = max(row.noise_floor, _SMALLEST)
    if not math.isfinite(row.introduced) or floor >= 1:
        return LEVELS
    if row.introduced <= floor:
        return int(row.verdict in BROKEN)
    share = math.log(row.introduced / floor) / math.log(1 / floor)
    return min(max(math.ceil(LEVELS * share), 1), LEVELS)
