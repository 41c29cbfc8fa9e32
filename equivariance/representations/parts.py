"""The pieces of a tensor whose errors are measured apart, and what they are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch


@dataclass(frozen=True)
class Part:
    """A piece of a tensor that transforms by itself: one irrep of a leaf, or the whole leaf."""

    label: str
    values: torch.Tensor


def labels_of(blocks: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """A label of its own for each block, of its name and its number of components.

    That is the name; blocks that share one are told apart by their components, counted from 0, the last not included.
    """
    named = list(blocks)
    times = Counter(name for name, _ in named)
    spans = pairwise(accumulate((size for _, size in named), initial=0))
    return tuple(
        f"{name} at {start}:{stop}" if times[name] > 1 else name
        for (name, _), (start, stop) in zip(named, spans, strict=True)
    )
