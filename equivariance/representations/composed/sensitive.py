"""Outputs that must change: a claim that a tensor responds to a group, and by how much at least.

Used for outputs. An equivariance test cannot refute a kernel that ignores what it is to measure; this claim can.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform
from equivariance.groups.named import symmetry_of
from equivariance.representations.composed.wrapping import Wrapping

_IMPROPER = frozenset({"inversion", "mirror"})


@dataclass(frozen=True)
class Sensitive(Wrapping):
    """A representation whose tensor must change under some symmetries.

    The response is ||f(g x) - f(x)|| / ||f(x)||. Under the symmetries of `to`, every direction in which the group moves
    the inputs must change the tensor: turns about each axis, shifts along each axis. Of permutations and selections,
    one must. The law of `base` is tested too, unless it says that the tensor does not change. Under other symmetries
    only `base` counts.

    Attributes:
        base: The representation.
        to: The symmetries, such as "rotation", or the name of a group of the user; None for every symmetry that is
            tested.
        at_least: Smallest response for each unit of a small element: a radian, a translation by the extent of the
            cloud, a factor e of scale. For mirrors, permutations and other elements without a size, the smallest
            response itself. 0 asks for more than rounding.

    Raises:
        ArgumentError: If `to` names no symmetry, or `at_least` is negative or not finite.

    >>> Sensitive(None, to="rotation").responds_to("rotation"), Sensitive(None, to="scale").responds_to("rotation")
    (True, False)
    """

    to: str | tuple[str, ...] | None = None
    at_least: float = 0.0

    def __post_init__(self) -> None:
        """Checks the claim."""
        super().__post_init__()
        names = (self.to,) if isinstance(self.to, str) else self.to
        words = isinstance(names, tuple) and names and all(isinstance(n, str) and n.isidentifier() for n in names)
        if names is not None and not words:
            raise ArgumentError("to", self.to, "a symmetry such as 'rotation', several of them, or None")
        object.__setattr__(self, "to", names)
        if not (math.isfinite(self.at_least) and self.at_least >= 0):
            raise ArgumentError("at_least", self.at_least, "a finite number, 0 or more")

    def responds_to(self, symmetry: str) -> bool:
        """True if the tensor must change under a symmetry."""
        return self.to is None or symmetry in self.to

    def compared(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Selects what is compared: nothing, if `base` says that the tensor stays and it must change."""
        if self._must_change_under(element) and torch.equal(self.inner.act(values, element), values):
            return torch.zeros_like(values)
        return self.inner.compared(values, element)

    def _must_change_under(self, element: Transform) -> bool:
        kind = symmetry_of(element)
        if self.to is None or kind in self.to:
            return True
        own = kind == "linear" and any(name not in _KNOWN for name in self.to)
        return own or (kind in _IMPROPER and bool(_IMPROPER & {*self.to}))


_KNOWN = frozenset({"translation", "rotation", "permutation", "batch", "lattice", "scale", "swap"}) | _IMPROPER
"""Symmetries that no group of a user has."""
