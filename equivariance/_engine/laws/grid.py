"""Laws of tensors inside a network that lie on a grid: cells are moved, and what is at them obeys a law of its own."""

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
    """What is known of the grids of a network.

    Attributes:
        fields: The representations that are declared somewhere
    """

    fields: tuple[Grid, ...]

    @property
    def dimensions(self) -> tuple[int, ...]:
        """How many grid axes there are, 2 or 3."""
        return tuple(dict.fromkeys(len(how.axes) for how in self.fields))

    def lattices(self, tensor: Tensor, symmetry: str) -> Iterator[Lattice]:
        """Where the cells of a tensor may lie, the last axes first; rotations do not ask how far apart they are."""
        kinds = [(how.spacing, how.periodic) for how in self.fields] if symmetry == "translation" else [(1.0, False)]
        for count in self.dimensions:
            for first in range(tensor.dim() - count, -1, -1):
                axes = tuple(range(first, first + count))
                if min(tensor.shape[a] for a in axes) > 1:
                    yield from (Lattice(axes, *kind) for kind in dict.fromkeys(kinds))

    def declared(self, tensor: Tensor) -> Iterator[Law]:
        """The declared fields that a tensor may be, whole, some blocks of their irreps, or a copy of each block."""
        for how in dict.fromkeys(piece for whole in self.fields for piece in _pieces(whole)):
            try:
                how.check(tensor, "")
            except ArgumentError:
                continue
            yield Declared(how)


@dataclass(frozen=True)
class Declared:
    """A field as it is declared somewhere in the network."""

    how: Grid

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Cells moved, components turned."""
        return self.how.transform(tensor, element)


@dataclass(frozen=True)
class Gridded:
    """Cells are moved, and each obeys `inner`."""

    lattice: Lattice
    inner: Law

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """First the cells, then what is at them."""
        return self.inner.apply(self.lattice.moved(tensor, element).to(tensor.dtype), element)


def _pieces(whole: Grid) -> Iterator[Grid]:
    """A field, runs of its blocks, and one copy of each, components before the cells as they are behind reshaping."""
    yield whole
    count, blocks = len(whole.axes), whole.irreps.split("+")
    if whole.channels is None or whole.axes != tuple(range(-count, 0)):
        return
    for start, stop in itertools.combinations(range(len(blocks) + 1), 2):
        yield replace(whole, irreps="+".join(blocks[start:stop]))
    yield from (replace(whole, irreps=f"1x{block.partition('x')[2]}", channels=-count - 1) for block in blocks)


def lattice_of(how: object) -> Lattice | None:
    """Where the cells lie, of a representation or a law; None for what lies on no grid."""
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


def known_grids(contracts: Mapping[str, Contract]) -> Grids | None:
    """What contracts say of grids; None where there are none."""
    found = [how for c in contracts.values() for spec in (*c.inputs.values(), c.output) for how in grids_in(spec)]
    return Grids(tuple(dict.fromkeys(found))) if found else None


def plain_on_grid(tensor: Tensor, symmetry: str, grids: Grids) -> Iterator[Law]:
    """Laws that a tensor might have been meant to obey: declared ones, and cells of invariants."""
    yield from grids.declared(tensor)
    yield from (Gridded(lattice, InvariantLaw()) for lattice in grids.lattices(tensor, symmetry))
