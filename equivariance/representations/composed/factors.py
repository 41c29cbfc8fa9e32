"""Tensors under a product of groups: which factor acts on what.

Used in contracts with `groups.Product`. Other elements act as all factors at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation
from equivariance.representations.standard import as_representation


@dataclass(frozen=True)
class Factors(Representation):
    """A tensor on which single factors of a product of groups act, each by a representation of its own.

    The rotation R between two clouds becomes Q2 R Q1^T under two independent rotations. It is
    `Factors({0: CartesianTensor((2,)), 1: CartesianTensor((1,))})` on [samples, 3, 3].

    Attributes:
        bases: Number of a factor -> representation. Their actions must commute.

    Raises:
        ArgumentError: If `bases` is no mapping of numbers to representations, or empty.
    """

    bases: Mapping[int, Representation | str | None] | tuple[tuple[int, Representation], ...]

    def __post_init__(self) -> None:
        """Parses the representations; the axes are those of the first."""
        given = dict(self.bases)
        if not given or not all(type(number) is int and number >= 0 for number in given):
            raise ArgumentError("bases", self.bases, "representations by number of the factor, from 0")
        pairs = tuple((number, as_representation(base, "bases")) for number, base in given.items())
        object.__setattr__(self, "bases", pairs)
        first = pairs[0][1]
        for name in ("nodes", "batch"):
            if getattr(self, name) == Representation.__dataclass_fields__[name].default:
                object.__setattr__(self, name, getattr(first, name))

    @property
    def _pairs(self) -> tuple[tuple[int, Representation], ...]:
        return tuple((number, as_representation(base, "bases")) for number, base in dict(self.bases).items())

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks the tensor against each representation."""
        super().check(tensor, path)
        for _, base in self._pairs:
            base.check(tensor, path)

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Applies the element of each factor; an element of no product acts by every representation.

        Raises:
            ArgumentError: If the element has no such factor.
        """
        factors = element.actions.factors if element.actions else ()
        for number, base in self._pairs:
            if factors and number >= len(factors):
                raise ArgumentError("bases", dict(self.bases), f"factors below {len(factors)}, as the element has")
            own = factors[number] if factors else element
            if isinstance(own, Transform):
                values = base.act(base._scaled(values, own.scale), own)
        return values
