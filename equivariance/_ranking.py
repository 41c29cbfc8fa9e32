"""Orders of measured numbers that do not depend on rounding.

The last bits of a measured number differ between processors. Code that reports the smallest or the largest of several
measured numbers orders them here. Numbers that differ by rounding alone tie, and a tie keeps the order of its items.
This module does not decide if an error is rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

SAME = 1e-6
"""Numbers that differ by less than this share tie. Rounding changes an error by about 1e-12 of it in float64."""

Item = TypeVar("Item")
Rank = float | tuple[float, ...]
"""One number, or several that are compared in turn."""


def exceeds(value: float, other: float) -> bool:
    """True if a number is larger than another one by more than rounding."""
    return value > other and not _tie(value, other)


def ordered(items: Iterable[Item], rank: Callable[[Item], Rank], descending: bool = False) -> list[Item]:
    """Sorts items by their ranks; items whose ranks tie stay in their order.

    Args:
        items: in the order that a tie keeps.
        rank: gives one number, or a tuple of numbers. A later number counts if all earlier ones tie. NaN counts as
            infinity.
        descending: True puts the largest rank first.

    Returns:
        All items.
    """
    sign = -1.0 if descending else 1.0
    ranked = [([sign * _known(v) for v in _numbers(rank(item))], item) for item in items]
    return [item for _, item in _sorted(ranked, 0)]


def smallest(items: Iterable[Item], rank: Callable[[Item], Rank]) -> Item:
    """Returns the first of the items whose rank ties with the smallest one; there must be an item."""
    return ordered(items, rank)[0]


def largest(items: Iterable[Item], rank: Callable[[Item], Rank]) -> Item:
    """Returns the first of the items whose rank ties with the largest one; there must be an item."""
    return ordered(items, rank, descending=True)[0]


def _sorted(ranked: Sequence[tuple[list[float], Item]], place: int) -> list[tuple[list[float], Item]]:
    """Sorts by the numbers from a place on."""
    if len(ranked) < 2 or place == len(ranked[0][0]):
        return list(ranked)
    order = sorted(range(len(ranked)), key=lambda i: ranked[i][0][place])
    groups = [[order[0]]]
    for before, index in pairwise(order):
        if _tie(ranked[before][0][place], ranked[index][0][place]):
            groups[-1].append(index)
        else:
            groups.append([index])
    return [entry for group in groups for entry in _sorted([ranked[i] for i in sorted(group)], place + 1)]


def _tie(value: float, other: float) -> bool:
    return math.isclose(value, other, rel_tol=SAME)


def _numbers(rank: Rank) -> tuple[float, ...]:
    return rank if isinstance(rank, tuple) else (rank,)


def _known(value: float) -> float:
    return math.inf if math.isnan(value) else value
