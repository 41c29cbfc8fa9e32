"""Labels of the blocks of a tensor, as reports show them.

Representations of several blocks call it. The module knows no tensors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate, pairwise


def labels_of(blocks: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """Returns a unique label for each block of components.

    A label is the name of the block. If blocks share a name, their components are added as `start:stop`, counted from
    0.

    Args:
        blocks: Name and number of components of each block, in order.
    """
    named = list(blocks)
    times = Counter(name for name, _ in named)
    spans = pairwise(accumulate((size for _, size in named), initial=0))
    return tuple(
        f"{name} at {start}:{stop}" if times[name] > 1 else name
        for (name, _), (start, stop) in zip(named, spans, strict=True)
    )
