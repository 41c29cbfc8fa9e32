"""Finds the irreps of a last axis from its values: the blocks that turn, or nearly turn, as one irrep each.

`output_candidates` calls `nearest_irreps`. This module runs nothing and does not decide if the irreps hold.
"""

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
"""Longest last axis that is cut into blocks."""

_PREFERENCE = 1e-12
"""Share of the values that blocks of a high degree must explain beyond scalars; cuts within half a share tie."""

_HOLDS = 1e-6

Pair = tuple[Transform, Tensor, Tensor]
"""Element, values in the reference run, values under the element; both values of shape [rows, n], float64."""


def nearest_irreps(leaf: Leaf) -> Irreps | None:
    """Returns the irreps with the smallest error under rotation; None if all are scalars or no values are usable."""
    rotated, inverted = (_pairs(leaf, symmetry) for symmetry in ("rotation", "inversion"))
    if not rotated or not 3 <= rotated[0][1].shape[1] <= _LONGEST:
        return None
    blocks = _cut_into_blocks(rotated)
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


def _cut_into_blocks(pairs: Sequence[Pair]) -> list[tuple[int, int]]:
    """Returns start and degree of each block of the cut with the smallest error."""
    length = pairs[0][1].shape[1]
    price = _PREFERENCE * sum(float(before.square().sum()) for _, before, _ in pairs)
    best: list[tuple[float, int]] = [(0.0, 0)]
    for stop in range(1, length + 1):
        choices = []
        for degree in range(min(_MOST_DEGREE, (stop - 1) // 2) + 1):
            start = stop - (2 * degree + 1)
            choices.append((best[start][0] + _squared_residual(pairs, start, degree) + price * degree, degree))
        least = min(choices)[0]
        best.append(next(choice for choice in choices if choice[0] <= least + price / 2))
    blocks = []
    stop = length
    while stop:
        degree = best[stop][1]
        stop -= 2 * degree + 1
        blocks.append((stop, degree))
    return blocks[::-1]


def _squared_residual(pairs: Sequence[Pair], start: int, degree: int, sign: int = 1) -> float:
    """Returns the squared residual of a block of this degree and this sign under inversion."""
    block = slice(start, start + 2 * degree + 1)
    return sum(
        float((after[:, block] - sign * before[:, block] @ wigner_d(degree, 1, element).T.to(before)).square().sum())
        for element, before, after in pairs
    )


def _parity(degree: int, start: int, rotated: Sequence[Pair], inverted: Sequence[Pair]) -> int:
    """Returns the parity that explains more of the values.

    If inversion is not tested, or if the rotation does not fit, the result is the parity (-1)^degree of a polynomial.
    """
    natural = (-1) ** degree
    block = slice(start, start + 2 * degree + 1)
    size = sum(float(before[:, block].square().sum()) for _, before, _ in rotated)
    if not inverted or math.sqrt(_squared_residual(rotated, start, degree)) > _HOLDS * math.sqrt(size):
        return natural
    other = _squared_residual(inverted, start, degree, -natural)
    return -natural if other < 0.25 * _squared_residual(inverted, start, degree, natural) else natural
