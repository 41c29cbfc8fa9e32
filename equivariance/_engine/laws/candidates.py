"""Laws that the shape of a tensor suggests, before any of its values is looked at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equivariance._engine.laws.forms import (
    InvariantLaw,
    IrrepLaw,
    Law,
    LinearLaw,
    ParityLaw,
    PermutationLaw,
    SelectionLaw,
    TranslationLaw,
)
from equivariance._engine.laws.grid import Gridded, Grids, plain_on_grid
from equivariance.groups.named import Symmetry


@dataclass(frozen=True)
class AxisLengths:
    """What axes are told by: nodes per sample, samples, the sizes of samples of unlike size, and declared grids."""

    nodes: int | None
    samples: int | None
    segments: tuple[tuple[int, ...], ...] = ()
    grids: Grids | None = None


def suggested(tensor: Tensor, symmetry: Symmetry, sizes: AxisLengths) -> Iterator[Law]:
    """Laws of a symmetry that a tensor of this shape may obey, in a network of these sizes."""
    forms: dict[str, Callable[[Tensor], Iterator[Law]]] = {
        "translation": _points,
        "rotation": _tensorial,
        "inversion": lambda _: iter([ParityLaw(0, (-1,))]),
        "permutation": lambda t: _orders(t, sizes.nodes or 0),
        "batch": lambda t: selections(t, sizes),
    }
    yield InvariantLaw()
    if sizes.grids is not None and symmetry.is_motion:
        yield from plain_on_grid(tensor, symmetry, sizes.grids)
    if symmetry.is_reordering or tensor.is_floating_point():
        yield from forms[symmetry](tensor)


def selections(tensor: Tensor, sizes: AxisLengths) -> Iterator[Law]:
    """Choices of samples, on every axis that may list them."""
    count = sizes.samples or 0
    for axis, length in enumerate(tensor.shape):
        if count and length and length % count == 0:
            yield SelectionLaw(axis, (length // count,) * count)
            if length > count:
                yield SelectionLaw(axis, ())
        for segments in sizes.segments:
            if sum(segments) == length:
                yield SelectionLaw(axis, segments)


def candidates(symmetry: Symmetry, sizes: AxisLengths, tensor: Tensor, laws: Sequence[Law]) -> Iterator[Law]:
    """Laws that a broken tensor might have been meant to obey: those of `laws` that fit its shape first."""
    fitting = [law for law in dict.fromkeys(laws) if _applies(law, tensor)]
    yield from dict.fromkeys([*fitting, *suggested(tensor, symmetry, sizes)])


def _orders(tensor: Tensor, nodes: int) -> Iterator[Law]:
    if nodes < 2:
        return
    numbers = not tensor.is_floating_point() and tensor.dtype != torch.bool
    axes = [
        (axis, inner)
        for axis, length in enumerate(tensor.shape)
        for inner in dict.fromkeys((1, length // nodes))
        if length and length % nodes == 0
    ]
    pairs = [p for p in itertools.combinations(axes, 2) if p[0][0] != p[1][0]]
    for chosen in [*((a,) for a in axes), *pairs]:
        yield PermutationLaw(chosen)
        if numbers:
            yield PermutationLaw(chosen, True)
    if numbers:
        yield PermutationLaw((), True)


def _points(tensor: Tensor) -> Iterator[Law]:
    for axis in reversed(range(tensor.dim())):
        if tensor.shape[axis] == 3:
            yield TranslationLaw(axis)


def _tensorial(tensor: Tensor) -> Iterator[Law]:
    """One irrep on one axis, or on each of two or three."""
    axes = [a for a in reversed(range(tensor.dim())) if tensor.shape[a] % 2 and 3 <= tensor.shape[a] <= 17]
    for count in (1, 2, 3):
        for chosen in itertools.combinations(axes, count):
            yield IrrepLaw(tuple((a, ((tensor.shape[a] - 1) // 2,)) for a in chosen))


def _applies(law: Law, tensor: Tensor) -> bool:
    """Whether a law that was seen on another tensor has the axes for this one."""
    if isinstance(law, IrrepLaw):
        return all(
            axis < tensor.dim() and sum(2 * d + 1 for d in degrees) == tensor.shape[axis] for axis, degrees in law.axes
        )
    if isinstance(law, LinearLaw):
        return law.axis < tensor.dim() and len(law.matrices[0][1]) == tensor.shape[law.axis]
    if isinstance(law, ParityLaw):
        return len(law.signs) == 1 or (law.axis < tensor.dim() and tensor.shape[law.axis] == len(law.signs))
    if isinstance(law, TranslationLaw):
        return law.axis < tensor.dim() and tensor.shape[law.axis] == 3 and tensor.is_floating_point()
    if isinstance(law, Gridded):
        return max(law.lattice.axes) < tensor.dim() and _applies(law.inner, tensor)
    return isinstance(law, InvariantLaw)
