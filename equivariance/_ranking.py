"""Orders of measured numbers that do not depend on rounding.

The last bits of a measured number differ between processors. Code that reports the smallest or the largest of several
measured numbers orders them here. Numbers that differ only by rounding tie, and a tie keeps the order of its items.
This module does not decide if an error is rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

SAME = 1e-6
"""Numbers with a smaller relative difference tie. Rounding changes an error by about 1e-12 of its size in float64."""

Item = TypeVar("Item")
Rank = float | tuple[float, ...]
"""One number, or several numbers that are compared in turn."""


def exceeds(value: float, other: float) -> bool:
    """True if a number is larger than another one by more than rounding."""
    return value > other and not _is_tie(value, other)


def ordered(items: Iterable[Item], rank: Callable[[Item], Rank], descending: bool = False) -> list[Item]:
    """Sorts items by their ranks. Items whose ranks tie keep their order.

    Args:
        items: Items in the order that a tie keeps.
        rank: Gives one number or a tuple of numbers for an item. A later number counts if all earlier ones tie. NaN
            counts as infinity.
        descending: True puts the largest rank first.

    Returns:
        All items.
    """
    sign = -1.0 if descending else 1.0
    ranked = [([sign * _replace_nan(v) for v in _as_tuple(rank(item))], item) for item in items]
    return [item for _, item in _sort_from(ranked, 0)]


def smallest(items: Iterable[Item], rank: Callable[[Item], Rank]) -> Item:
    """Returns the first item whose rank ties with the smallest one; `items` must not be empty."""
    return ordered(items, rank)[0]


def largest(items: Iterable[Item], rank: Callable[[Item], Rank]) -> Item:
    """Returns the first item whose rank ties with the largest one; `items` must not be empty."""
    return ordered(items, rank, descending=True)[0]


def _sort_from(ranked: Sequence[tuple[list[float], Item]], place: int) -> list[tuple[list[float], Item]]:
    """Sorts by the numbers from index `place` on."""
    if len(ranked) < 2 or place == len(ranked[0][0]):
        return list(ranked)
    order = sorted(range(len(ranked)), key=lambda i: ranked[i][0][place])
    groups = [[order[0]]]
    for before, index in pairwise(order):
        if _is_tie(ranked[before][0][place], ranked[index][0][place]):
            groups[-1].append(index)
        else:
            groups.append([index])
    return [entry for group in groups for entry in _sort_from([ranked[i] for i in sorted(group)], place + 1)]


def _is_tie(value: float, other: float) -> bool:
    return math.isclose(value, other, rel_tol=SAME)


def _as_tuple(rank: Rank) -> tuple[float, ...]:
    return rank if isinstance(rank, tuple) else (rank,)


def _replace_nan(value: float) -> float:
    """Returns infinity for NaN."""
    return math.inf if math.isnan(value) else value
