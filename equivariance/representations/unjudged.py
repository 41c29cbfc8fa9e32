"""The representation of a tensor that obeys no known law: nothing of it is compared.

Used by the engine for single outputs, under the symmetries for which their law is unknown. Users do not declare it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from equivariance.representations.axes import BatchAxis, NodeAxis
from equivariance.representations.standard import Invariant


@dataclass(frozen=True)
class Unjudged(Invariant):
    """A tensor whose error is not measured, because no law is known that it should obey."""

    nodes: NodeAxis = field(default=None, kw_only=True)
    batch: BatchAxis = field(default=None, kw_only=True)
