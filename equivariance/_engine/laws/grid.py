"""The laws of tensors that lie on a grid: the cells move, and the value of each cell obeys its own law.

`candidates` and `matching` try these laws. How cells move is in `equivariance.representations.lattice`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from equivariance._engine.laws.forms import InvariantLaw, Law
from equivariance._engine.laws.representation import InferredRepresentation
from equivariance.contracts.contract import Contract, grids_in
from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry
from equivariance.representations.grid import Grid
from equivariance.representations.lattice import Lattice


@dataclass(frozen=True)
class Grids:
    """The grids that the contracts of a network declare.

    Attributes:
        fields: The declared representations.
    """

    fields: tuple[Grid, ...]

    @property
    def dimensions(self) -> tuple[int, ...]:
        """The numbers of grid axes that occur: 2, 3 or both."""
        return tuple(dict.fromkeys(len(how.axes) for how in self.fields))

    def lattices(self, tensor: Tensor, symmetry: str) -> Iterator[Lattice]:
        """Yields the lattices on which the cells of a tensor may lie, last axes first.

        Only translations depend on spacing and border, so other symmetries try one lattice per choice of axes.
        """
        kinds = [(how.spacing, how.periodic) for how in self.fields] if symmetry == "translation" else [(1.0, False)]
        for count in self.dimensions:
            for first in range(tensor.dim() - count, -1, -1):
                axes = tuple(range(first, first + count))
                if min(tensor.shape[a] for a in axes) > 1:
                    yield from (Lattice(axes, *kind) for kind in dict.fromkeys(kinds))

    def declared(self, tensor: Tensor) -> Iterator[Law]:
        """Yields the declared fields that fit a tensor: whole fields, some of their blocks, or one copy of a block."""
        for how in dict.fromkeys(piece for whole in self.fields for piece in _pieces(whole)):
            try:
                how.check(tensor, "")
            except ArgumentError:
                continue
            yield Declared(how)


@dataclass(frozen=True)
class Declared:
    """The law of a field that is declared somewhere in the network."""

    how: Grid

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Moves the cells and rotates the components."""
        return self.how.transform(tensor, element)


@dataclass(frozen=True)
class Gridded:
    """The cells move, and the value of each cell obeys `inner`."""

    lattice: Lattice
    inner: Law

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Moves the cells, then applies `inner`."""
        return self.inner.apply(self.lattice.moved(tensor, element).to(tensor.dtype), element)


def _pieces(whole: Grid) -> Iterator[Grid]:
    """Yields a field, runs of its blocks, and one copy of each block with the components on the axis before the cells.

    The last form occurs after a reshape.
    """
    yield whole
    count, blocks = len(whole.axes), whole.irreps.split("+")
    if whole.channels is None or whole.axes != tuple(range(-count, 0)):
        return
    for start, stop in itertools.combinations(range(len(blocks) + 1), 2):
        yield replace(whole, irreps="+".join(blocks[start:stop]))
    yield from (replace(whole, irreps=f"1x{block.partition('x')[2]}", channels=-count - 1) for block in blocks)


def lattice_of(how: object) -> Lattice | None:
    """Returns the lattice of a representation or law; None if it has no grid."""
    if isinstance(how, Grid):
        return how.lattice
    if isinstance(how, Declared):
        return how.how.lattice
    if isinstance(how, Gridded):
        return how.lattice
    if isinstance(how, InferredRepresentation):
        found = (lattice_of(law) for symmetry, law in how.laws if Symmetry(symmetry).is_motion)
        return next((lattice for lattice in found if lattice is not None), None)
    return None


def within(law: Law, element: Transform, value: Tensor, expected: Tensor) -> tuple[Tensor, Tensor]:
    """Returns two fields with the cells near the border set to zero, which an element moves in from outside.

    Args:
        law: The law of both; if it has no grid, they are returned as they are.
        element: The element.
        value: The field of a transformed run.
        expected: The field that the law gives.
    """
    lattice = lattice_of(law)
    if lattice is None or value.shape != expected.shape or lattice.crosses_no_border(element):
        return value, expected
    lengths = [value.shape[axis] for axis in lattice.axes]
    inside = lattice.inner(value.shape, element, min(lengths) // 4).to(value.device)
    places = lattice.places(value)
    shape = [1] * value.dim()
    for place, length in zip(places, lengths, strict=True):
        shape[place] = length
    order = sorted(range(len(places)), key=lambda i: places[i])
    mask = inside.permute(order).reshape(shape).to(value.dtype)
    return value * mask, expected * mask


def known_grids(contracts: Mapping[str, Contract]) -> Grids | None:
    """Returns the grids that contracts declare; None if there are none."""
    found = [how for c in contracts.values() for spec in (*c.inputs.values(), c.output) for how in grids_in(spec)]
    return Grids(tuple(dict.fromkeys(found))) if found else None


def plain_on_grid(tensor: Tensor, symmetry: str, grids: Grids) -> Iterator[Law]:
    """Yields the declared laws that fit a tensor, and laws of invariant cells."""
    yield from grids.declared(tensor)
    yield from (Gridded(lattice, InvariantLaw()) for lattice in grids.lattices(tensor, symmetry))
