"""Lists the laws that the shape of a tensor allows.

`matching` tries them on recorded values, and `localization.search` uses them as replacements. This module does not look
at the entries of a tensor, only at its shape and dtype.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from equivariance._engine.laws.declared import DeclaredLaw, fitting
from equivariance._engine.laws.forms import (
    InvariantLaw,
    IrrepLaw,
    Law,
    LinearLaw,
    ParityLaw,
    PermutationLaw,
    SamplePermutationLaw,
    SelectionLaw,
    TranslationLaw,
)
from equivariance._engine.laws.further import FactorLaw, PlanarLaw, ScaleLaw, factor_laws, planar_laws, scale_laws
from equivariance._engine.laws.grid import Gridded, Grids, plain_on_grid
from equivariance._engine.laws.lattice import RowLaw, lattice_laws
from equivariance.groups.named import Symmetry
from equivariance.representations.base import Representation

_SHAPED = (RowLaw, DeclaredLaw, PlanarLaw, ScaleLaw)
"""Laws that say by themselves which tensors they fit."""

_SAMPLES = 16
"""Largest number of samples for which tensors of one sample are looked for."""


@dataclass(frozen=True)
class AxisLengths:
    """The lengths by which axes are recognized, and the declared grids.

    Attributes:
        nodes: Nodes per sample; None if unknown.
        samples: Number of samples; None if unknown.
        segments: For concatenated samples: the nodes of each sample.
        grids: The declared grids; None if there are none.
        edges: Edges of all samples; None if no input lists edges.
        apart: Nodes of each sample, if each is permuted in its own way; else ().
        crystal: Nodes of each sample of a crystal; () if there is no crystal.
        follows_images: True if moves along some lattice vector change nothing. Differences of positions are then
            lawful: a later statement takes them to the nearest image, or fails to.
        declared: The declared representations of no standard kind.
        planar: True if all positions are in a plane.
        factors: The number of factors of a product of groups; 0 for a single group.
        windows: True if an input is the window of a larger field: what comes in at its border is unknown to a law.
    """

    nodes: int | None
    samples: int | None
    segments: tuple[tuple[int, ...], ...] = ()
    grids: Grids | None = None
    edges: int | None = None
    apart: tuple[int, ...] = ()
    crystal: tuple[int, ...] = ()
    follows_images: bool = False
    declared: tuple[Representation, ...] = ()
    planar: bool = False
    factors: int = 0
    windows: bool = False


def laws_by_shape(tensor: Tensor, symmetry: Symmetry, sizes: AxisLengths) -> Iterator[Law]:
    """Yields the laws of a symmetry that a tensor of this shape may obey, in a network of these sizes."""
    if sizes.factors:
        alone = replace(sizes, factors=0)
        yield InvariantLaw()
        yield from fitting(tensor, sizes.declared)
        yield from factor_laws(tensor, sizes.factors, lambda t: laws_by_shape(t, symmetry, alone))
        return
    forms: dict[str, Callable[[Tensor], Iterator[Law]]] = {
        "translation": lambda t: _translation_laws(t, sizes.planar),
        "rotation": planar_laws if sizes.planar else _irrep_laws,
        "inversion": lambda _: iter([ParityLaw(0, (-1,))]),
        "permutation": lambda t: _permutation_laws(t, sizes),
        "batch": lambda t: selection_laws(t, sizes),
        "lattice": lambda t: lattice_laws(t, sizes.crystal),
        "scale": scale_laws,
        "mirror": lambda _: iter([ParityLaw(0, (-1,))]),
        "swap": lambda _: iter([ParityLaw(0, (-1,))]),
    }
    yield InvariantLaw()
    yield from fitting(tensor, sizes.declared)
    if sizes.grids is not None and symmetry.is_motion:
        yield from plain_on_grid(tensor, symmetry, sizes.grids)
    if symmetry.is_reordering or tensor.is_floating_point():
        yield from forms.get(symmetry, lambda _: iter(()))(tensor)


def selection_laws(tensor: Tensor, sizes: AxisLengths) -> Iterator[Law]:
    """Yields selections of samples, on each axis that may list samples."""
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
    """Yields the laws that a broken tensor should perhaps obey: first the known laws that fit its shape.

    Args:
        symmetry: The symmetry.
        sizes: The lengths of the network's axes.
        tensor: The broken tensor.
        laws: The known laws of related tensors.
    """
    fitting = [law for law in dict.fromkeys(laws) if has_axes_for(law, tensor)]
    yield from dict.fromkeys([*fitting, *laws_by_shape(tensor, symmetry, sizes)])


def _permutation_laws(tensor: Tensor, sizes: AxisLengths) -> Iterator[Law]:
    """Yields orders of nodes on one axis or two, orders of edges on one axis, and both."""
    numbers = not tensor.is_floating_point() and tensor.dtype != torch.bool
    edges = [(axis,) for axis, length in enumerate(tensor.shape) if (sizes.edges or 0) > 1 and length == sizes.edges]
    nodes = list(_node_axes(tensor, sizes.nodes or 0))
    for chosen, of_edges in [*((n, ()) for n in nodes), *(((), e) for e in edges), *itertools.product(nodes, edges)]:
        if all(axis not in of_edges for axis, _ in chosen):
            yield PermutationLaw(chosen, False, of_edges)
            if numbers:
                yield PermutationLaw(chosen, True, of_edges)
    if numbers and (sizes.nodes or 0) > 1:
        yield PermutationLaw((), True)
    yield from _sample_permutations(tensor, sizes.apart, numbers)


def _sample_permutations(tensor: Tensor, apart: Sequence[int], numbers: bool) -> Iterator[Law]:
    """Yields orders of the nodes of one sample, and of each sample on an axis of its own."""
    samples = [axis for axis, length in enumerate(tensor.shape) if len(set(apart)) == 1 and length == len(apart)]
    places = [(number, None, size) for number, size in enumerate(apart[:_SAMPLES])]
    for sample, axis, size in [*((None, axis, apart[0]) for axis in samples), *places]:
        nodes = [a for a, length in enumerate(tensor.shape) if a != axis and length == size and size > 1]
        for count in (1, 2):
            for axes in itertools.combinations(nodes, count):
                yield SamplePermutationLaw(axes, sample, axis)
                if numbers:
                    yield SamplePermutationLaw(axes, sample, axis, True)


def _node_axes(tensor: Tensor, nodes: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yields each choice of one axis or two that may list nodes, with the number of entries per node."""
    if nodes < 2:
        return
    axes = [
        (axis, inner)
        for axis, length in enumerate(tensor.shape)
        for inner in dict.fromkeys((1, length // nodes))
        if length and length % nodes == 0
    ]
    yield from ((axis,) for axis in axes)
    yield from ((one, two) for one, two in itertools.combinations(axes, 2) if one[0] != two[0])


def _translation_laws(tensor: Tensor, planar: bool) -> Iterator[Law]:
    for axis in reversed(range(tensor.dim())):
        if tensor.shape[axis] == (2 if planar else 3):
            yield TranslationLaw(axis)


def _irrep_laws(tensor: Tensor) -> Iterator[Law]:
    """Yields one irrep on one axis, or on each of two or three axes."""
    axes = [a for a in reversed(range(tensor.dim())) if tensor.shape[a] % 2 and 3 <= tensor.shape[a] <= 17]
    for count in (1, 2, 3):
        for chosen in itertools.combinations(axes, count):
            yield IrrepLaw(tuple((a, ((tensor.shape[a] - 1) // 2,)) for a in chosen))


def has_axes_for(law: Law, tensor: Tensor) -> bool:
    """True if the tensor has the axes that a law of another tensor requires."""
    if isinstance(law, IrrepLaw):
        return all(
            axis < tensor.dim() and sum(2 * d + 1 for d in degrees) == tensor.shape[axis] for axis, degrees in law.axes
        )
    if isinstance(law, LinearLaw):
        return law.axis < tensor.dim() and len(law.matrices[0][1]) == tensor.shape[law.axis]
    if isinstance(law, ParityLaw):
        return len(law.signs) == 1 or (law.axis < tensor.dim() and tensor.shape[law.axis] == len(law.signs))
    if isinstance(law, TranslationLaw):
        return law.axis < tensor.dim() and tensor.shape[law.axis] in (2, 3) and tensor.is_floating_point()
    if isinstance(law, (Gridded, FactorLaw)):
        own = [law.inner] if isinstance(law, Gridded) else [inner for _, inner in law.laws]
        cells = max(law.lattice.axes) < tensor.dim() if isinstance(law, Gridded) else True
        return cells and all(has_axes_for(inner, tensor) for inner in own)
    return isinstance(law, InvariantLaw) or (isinstance(law, _SHAPED) and law.fits(tensor))
