"""Irreps read off the values: the blocks of a last axis that turn, or come nearest to turning, as one irrep each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from torch import Tensor

from equivariance._engine.inference.output_runs import Leaf
from equivariance.groups.elements import Transform
from equivariance.representations.irreps import Irreps
from equivariance.representations.wigner import wigner_d

_MOST_DEGREE = 6
_LONGEST = 1024
"""A last axis that is longer is not cut into blocks."""

_PREFERENCE = 1e-12
"""Blocks of a high degree must explain this share of the values more than scalars do; by half of it, cuts tie."""

_HOLDS = 1e-6

Pair = tuple[Transform, Tensor, Tensor]
"""Element, values in the reference run, values under the element; [rows, n] each."""


def nearest_irreps(leaf: Leaf) -> Irreps | None:
    """The irreps that leave the smallest error under rotation; None where all are scalars, or nothing can be read."""
    rotated, inverted = (_pairs(leaf, symmetry) for symmetry in ("rotation", "inversion"))
    if not rotated or not 3 <= rotated[0][1].shape[1] <= _LONGEST:
        return None
    blocks = _segmented(rotated)
    named = [(degree, _parity(degree, start, rotated, inverted)) for start, degree in blocks]
    if all(degree == 0 and parity > 0 for degree, parity in named):
        return None
    words = [f"{len(list(run))}x{d}{'e' if p > 0 else 'o'}" for (d, p), run in itertools.groupby(named)]
    return Irreps("+".join(words))


def _pairs(leaf: Leaf, symmetry: str) -> list[Pair]:
    found = []
    for course in leaf.courses:
        for name, element, value in course.under:
            reference = course.reference
            usable = value is not None and value.shape == reference.shape and reference.dim() > 0
            if name == symmetry and usable and value is not None:
                rows = [t.double().reshape(-1, reference.shape[-1]) for t in (reference, value)]
                if all(bool(r.isfinite().all()) for r in rows):
                    found.append((element, rows[0], rows[1]))
    return found


def _segmented(pairs: Sequence[Pair]) -> list[tuple[int, int]]:
    """Start and degree of each block of the cut with the smallest error."""
    length = pairs[0][1].shape[1]
    price = _PREFERENCE * sum(float(before.square().sum()) for _, before, _ in pairs)
    best: list[tuple[float, int]] = [(0.0, 0)]
    for stop in range(1, length + 1):
        choices = []
        for degree in range(min(_MOST_DEGREE, (stop - 1) // 2) + 1):
            start = stop - (2 * degree + 1)
            choices.append((best[start][0] + _left(pairs, start, degree) + price * degree, degree))
        least = min(choices)[0]
        best.append(next(choice for choice in choices if choice[0] <= least + price / 2))
    blocks = []
    stop = length
    while stop:
        degree = best[stop][1]
        stop -= 2 * degree + 1
        blocks.append((stop, degree))
    return blocks[::-1]


def _left(pairs: Sequence[Pair], start: int, degree: int, sign: int = 1) -> float:
    """The square of what a block of this degree, and of this sign under inversion, does not explain."""
    block = slice(start, start + 2 * degree + 1)
    return sum(
        float((after[:, block] - sign * before[:, block] @ wigner_d(degree, 1, element).T.to(before)).square().sum())
        for element, before, after in pairs
    )


def _parity(degree: int, start: int, rotated: Sequence[Pair], inverted: Sequence[Pair]) -> int:
    """The one that explains more; that of a polynomial where inversion is not tested or the rotation does not fit."""
    natural = (-1) ** degree
    block = slice(start, start + 2 * degree + 1)
    size = sum(float(before[:, block].square().sum()) for _, before, _ in rotated)
    if not inverted or math.sqrt(_left(rotated, start, degree)) > _HOLDS * math.sqrt(size):
        return natural
    other = _left(inverted, start, degree, -natural)
    return -natural if other < 0.25 * _left(inverted, start, degree, natural) else natural
