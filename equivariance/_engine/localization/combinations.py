"""Combinations of choices, the likely ones first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TypeVar

_Choice = TypeVar("_Choice")


def diagonal_first(choices: Sequence[Sequence[_Choice]], most: int) -> Iterator[tuple[_Choice, ...]]:
    """Combinations of one of each, those first in which all stand at the same place of their sequence; then ``most``.

    Of a sequence that is shorter the last one stands for those that it lacks; of an empty one there is no combination.
    """
    longest = max(map(len, choices), default=0) if all(choices) else 0
    alike = (tuple(found[min(place, len(found) - 1)] for found in choices) for place in range(longest))
    yield from dict.fromkeys([*alike, *itertools.islice(itertools.product(*choices), most)])
