"""The specification of a list whose entries are the samples of a batch.

Used in contracts for lists of clouds of different sizes. `contracts.nested` walks and transforms the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SampleList:
    """Entries of a list or tuple are samples: permutations act within each entry, selections choose among the entries.

    Attributes:
        each: The representation of every entry, or representations nested like an entry. Undeclared node axes are the
            first axes; no axis lists samples.

    >>> from equivariance.representations import CartesianPoints
    >>> SampleList(CartesianPoints(nodes=0, batch=None)).each.nodes
    0
    """

    each: Any
