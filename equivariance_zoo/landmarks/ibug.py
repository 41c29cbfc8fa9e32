"""The 68 landmarks of iBUG: the part of the face of each, and the lines between them in drawings."""

from __future__ import annotations

PARTS = {
    "jaw": range(17),
    "right eyebrow": range(17, 22),
    "left eyebrow": range(22, 27),
    "bridge of the nose": range(27, 31),
    "base of the nose": range(31, 36),
    "right eye": range(36, 42),
    "left eye": range(42, 48),
    "outer lips": range(48, 60),
    "inner lips": range(60, 68),
}
"""Landmark numbers by part; right and left are the subject's."""

_CLOSED = {"right eye", "left eye", "outer lips", "inner lips"}

LINES = tuple(
    (first, second)
    for name, numbers in PARTS.items()
    for first, second in zip(numbers, [*numbers[1:], *([numbers[0]] if name in _CLOSED else [])], strict=False)
)
"""Pairs of neighbours along each part; eyes and lips are closed."""


def part_of(landmark: int) -> str:
    """Returns the part of a landmark from 0 to 67."""
    return next(name for name, numbers in PARTS.items() if landmark in numbers)
