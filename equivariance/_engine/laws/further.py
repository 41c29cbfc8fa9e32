"""Laws under scalings, in a plane, under products of groups, and of values that belong to exchanged arguments.

`candidates` and `matching` try them. The standard laws are in `laws.forms`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from equivariance._engine.laws.forms import InvariantLaw, IrrepLaw, Law
from equivariance.groups.elements import Transform

_DEGREES = (1.0, 2.0, -1.0, -2.0, 3.0, 0.5)
"""Powers of length that occur: lengths, areas, inverse lengths, volumes, roots of lengths."""


@dataclass(frozen=True)
class ScaleLaw:
    """Values that are a power of length."""

    degree: float

    def fits(self, tensor: Tensor) -> bool:
        """True for numbers that have a scale."""
        return tensor.is_floating_point()

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Multiplies the tensor by the power of the scale."""
        return tensor * element.scale**self.degree


@dataclass(frozen=True)
class PlanarLaw:
    """Vectors x, y in a plane on each of some axes of length 2."""

    axes: tuple[int, ...]

    def fits(self, tensor: Tensor) -> bool:
        """True if the axes have two components."""
        return all(axis < tensor.dim() and tensor.shape[axis] == 2 for axis in self.axes)

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Turns the vectors."""
        turn = torch.tensor(element.array[:2, :2], device=tensor.device)
        result = tensor.double()
        for axis in self.axes:
            result = (result.movedim(axis, -1) @ turn.T).movedim(-1, axis)
        return result.to(tensor.dtype)


@dataclass(frozen=True)
class FactorLaw:
    """Laws under single factors of a product of groups.

    Attributes:
        laws: Pairs of the number of a factor and the law under its elements.
    """

    laws: tuple[tuple[int, Law], ...]

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Applies each law under the element of its factor."""
        for number, law in self.laws:
            factors = element.actions.factors if element.actions else ()
            tensor = law.apply(tensor, factors[number]) if factors else tensor  # type: ignore[arg-type]
        return tensor


@dataclass(frozen=True)
class PartnerLaw:
    """A value that exchanges with another value of the reference run if two arguments are exchanged."""

    partner: Tensor = field(compare=False, repr=False)
    number: int

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Returns the other value."""
        return self.partner.clone()


def scale_laws(tensor: Tensor) -> Iterator[Law]:
    """Yields the usual powers of length."""
    yield from map(ScaleLaw, _DEGREES)


def scale_law_of(reference: Tensor, element: Transform, value: Tensor) -> Iterator[Law]:
    """Yields the law whose power a value shows, to halves."""
    sizes = float(reference.double().norm()), float(value.double().norm())
    if min(sizes) > 0 and all(map(math.isfinite, sizes)) and element.scale != 1:
        yield ScaleLaw(round(2 * math.log(sizes[1] / sizes[0]) / math.log(element.scale)) / 2)


def planar_laws(tensor: Tensor) -> Iterator[Law]:
    """Yields vectors on one axis or two of length 2."""
    axes = [axis for axis in reversed(range(tensor.dim())) if tensor.shape[axis] == 2]
    for count in (1, 2):
        yield from map(PlanarLaw, itertools.combinations(axes, count))


def factor_laws(tensor: Tensor, factors: int, by_shape: Callable[[Tensor], Iterator[Law]]) -> Iterator[Law]:
    """Yields the laws by shape under one factor, then vectors on two axes under two factors.

    Args:
        tensor: The tensor.
        factors: The number of factors.
        by_shape: Yields the laws that a tensor of this shape may obey under a single group.
    """
    found = [law for law in by_shape(tensor) if law != InvariantLaw()]
    single = [law for law in found if isinstance(law, IrrepLaw) and len(law.axes) == 1]
    yield from (FactorLaw(((number, law),)) for law in found for number in range(factors))
    for one, other in itertools.permutations(single, 2):
        if one.axes[0][0] != other.axes[0][0]:
            pairs = itertools.combinations(range(factors), 2)
            yield from (FactorLaw(((i, one), (j, other))) for i, j in pairs)
