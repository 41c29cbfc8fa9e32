"""Laws of values that follow nodes by lattice vectors: positions, rows taken from them, and their differences.

`candidates` proposes laws by shape, `matching` fits them to recorded values. The module runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from equivariance.groups.crystal import Crystal
from equivariance.groups.elements import Transform
from equivariance.representations.crystals.crystal_rows import beside, crystal_of

_CLOSE = 1e-6
"""Largest distance of a change from whole numbers of lattice vectors, relative to the size of the values."""

_MOST_ROWS, _MOST_NODES = 20_000, 256
"""Largest numbers of rows, and of nodes whose pairs are tried."""

_NONE = -1


@dataclass(frozen=True)
class LatticeLaw:
    """Positions that move with their nodes by lattice vectors.

    Attributes:
        nodes: The axis of the nodes.
        components: The axis of length 3.
        samples: The axis that lists nothing but samples; None if samples lie one after the other.
    """

    nodes: int
    components: int
    samples: int | None = None

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Returns the positions moved by the element."""
        if element.images is None:
            return tensor
        moves = crystal_of(element).displacements(element.images)
        laid = beside(moves, tensor, self.nodes, self.samples, self.components)
        return (tensor.double() + laid).to(tensor.dtype)


@dataclass(frozen=True)
class RowLaw:
    """Rows of three components, each of which moves with one node, against one node, or with the difference of two.

    Attributes:
        first, second: For each row the node that it moves with, and the node that it moves against; -1 for none.
        fractional: True if the components are numbers of lattice vectors.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    fractional: bool = False

    def fits(self, tensor: Tensor) -> bool:
        """True if a tensor has as many rows of three components."""
        return tensor.is_floating_point() and tensor.shape[-1:] == (3,) and tensor.numel() == 3 * len(self.first)

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Returns the rows moved by the element."""
        if element.images is None:
            return tensor
        crystal = crystal_of(element)
        moves = np.array(element.images, dtype=np.float64)
        if not self.fractional:
            moves = crystal.displacements(element.images)
        moves = np.concatenate([moves, np.zeros((1, 3))])  # the row of no node
        change = torch.from_numpy(moves[list(self.first)] - moves[list(self.second)]).to(tensor.device)
        return (tensor.double().reshape(-1, 3) + change).reshape(tensor.shape).to(tensor.dtype)


def lattice_laws(tensor: Tensor, crystal: Sequence[int]) -> Iterator[LatticeLaw]:
    """Yields positions of the nodes of a crystal, on each axis of length 3.

    Args:
        tensor: A tensor of any shape.
        crystal: Nodes of each sample.
    """
    for components in (axis for axis in reversed(range(tensor.dim())) if tensor.shape[axis] == 3):
        others = [axis for axis in range(tensor.dim()) if axis != components]
        yield from (LatticeLaw(a, components) for a in others if tensor.shape[a] == sum(crystal))
        for samples in others:
            for nodes in others:
                if nodes != samples and (tensor.shape[nodes],) * tensor.shape[samples] == tuple(crystal):
                    yield LatticeLaw(nodes, components, samples)


def row_laws(reference: Tensor, under: Sequence[tuple[Transform, Tensor]], pairs: bool) -> Iterator[RowLaw]:
    """Yields the laws by which the rows of a value follow nodes: in space, then in numbers of lattice vectors.

    Args:
        reference: The value of the reference run.
        under: Pairs of an element and the value of the run under it.
        pairs: True if differences of two nodes are lawful, too.
    """
    shape = reference.shape
    fits = reference.is_floating_point() and shape[-1:] == (3,) and 0 < reference.numel() <= 3 * _MOST_ROWS
    if not fits or any(value.shape != shape or not bool(value.isfinite().all()) for _, value in under):
        return
    crystal = crystal_of(under[0][0])
    changes = np.stack([(v.double() - reference.double()).reshape(-1, 3).cpu().numpy() for _, v in under], 1)
    images = np.stack([np.array(element.images) for element, _ in under], 1)  # [nodes, elements, 3]
    size = 1 + float(reference.abs().max())
    known = _movers(images, pairs)
    for cell in np.unique(crystal.cells, axis=0):
        numbers = changes @ np.linalg.pinv(cell)
        if np.abs(np.rint(numbers) @ cell - changes).max() < _CLOSE * size:
            yield from _matched(np.rint(numbers), known, crystal, cell)
    if np.abs(np.rint(changes) - changes).max() < _CLOSE * size:
        yield from _matched(np.rint(changes), known, None, None)


def _movers(images: np.ndarray, pairs: bool) -> Mapping[bytes, tuple[int, int]]:
    """Returns changes of all runs -> the nodes that they move with and against."""
    nodes, none = range(len(images)), np.zeros_like(images[0])
    found = {_key(none): (_NONE, _NONE)}
    if pairs and len(images) <= _MOST_NODES:
        found |= {_key(images[a] - images[b]): (a, b) for a in nodes for b in nodes if a != b}
    found |= {_key(-images[a]): (_NONE, a) for a in nodes if images[a].any()} if pairs else {}
    return found | {_key(images[a]): (a, _NONE) for a in nodes if images[a].any()} | {_key(none): (_NONE, _NONE)}


def _key(numbers: np.ndarray) -> bytes:
    return (numbers.astype(np.int64) + 0).tobytes()


def _matched(
    numbers: np.ndarray, known: Mapping[bytes, tuple[int, int]], crystal: Crystal | None, cell: np.ndarray | None
) -> Iterator[RowLaw]:
    """Yields the law of rows whose changes are those of nodes in a cell."""
    movers = [known.get(_key(row)) for row in numbers]
    if any(mover is None for mover in movers):
        return
    first, second = zip(*(mover for mover in movers if mover is not None), strict=True)
    if crystal is not None and cell is not None:
        cells = crystal.cells[crystal.sample_of]
        if any(not np.array_equal(cells[node], cell) for node in {*first, *second} - {_NONE}):
            return
    yield RowLaw(first, second, crystal is None)
