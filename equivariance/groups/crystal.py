"""The lattice of periodic structures: cells, periodic axes, the nodes in the cells, and edges between images of nodes.

`contracts.crystals` finds it among the inputs. `groups.lattice_moves` draws elements for it, and representations apply
them. The module knows no tensors of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

Images = tuple[tuple[int, int, int], ...]
"""For each node of all samples the numbers of lattice vectors by which it is moved."""


@dataclass(frozen=True, eq=False)
class ImageEdges:
    """Edges from a node to an image of a node: r = x[target] - x[source] + sign * shifts @ cell.

    Attributes:
        source, target: [edges] numbers of nodes, counted through all samples.
        shifts: [edges, 3] whole numbers of lattice vectors.
        sign: 1 or -1.
    """

    source: np.ndarray
    target: np.ndarray
    shifts: np.ndarray
    sign: int = 1


@dataclass(frozen=True, eq=False)
class Crystal:
    """The lattice of each sample.

    Attributes:
        cells: [samples, 3, 3] float64; the rows are lattice vectors.
        periodic: [samples, 3] booleans; True for each lattice vector along which the structure repeats.
        nodes: Number of rows of each sample, padding included.
        real: [sum of nodes] booleans; False for padded rows.
        edges: The edges; None if the inputs list none.
        claimed: True if the lattice vectors are declared, or an input says which of them are periodic, and one is.
        doubts: Assumptions about the lattice that a person could doubt, one phrase each.
        obstacle: Why nodes cannot be moved by lattice vectors, or "".
        fixed: Why cells cannot be doubled, or "".
    """

    cells: np.ndarray
    periodic: np.ndarray
    nodes: tuple[int, ...]
    real: np.ndarray
    edges: ImageEdges | None = None
    claimed: bool = True
    doubts: tuple[str, ...] = ()
    obstacle: str = ""
    fixed: str = ""

    @cached_property
    def sample_of(self) -> np.ndarray:
        """[sum of nodes]: the sample of each node."""
        return np.repeat(np.arange(len(self.nodes)), self.nodes)

    @cached_property
    def movable(self) -> np.ndarray:
        """[sum of nodes, 3] booleans: the lattice vectors by which each node may be moved."""
        found: np.ndarray = self.periodic[self.sample_of] & self.real[:, None]
        return found

    @property
    def axes(self) -> list[int]:
        """The lattice vectors along which every sample repeats."""
        return [int(axis) for axis in np.flatnonzero(self.periodic.all(0))]

    def displacements(self, images: Images) -> np.ndarray:
        """Returns the displacement of each node, [sum of nodes, 3] float64, in the units of the cells."""
        return self._in_space(np.array(images), self.sample_of)

    def shift_changes(self, images: Images) -> np.ndarray:
        """Returns what is added to the shifts of the edges if nodes move, [edges, 3] whole numbers."""
        if self.edges is None:
            return np.zeros((0, 3), dtype=np.int64)
        moved = np.array(images)
        change: np.ndarray = self.edges.sign * (moved[self.edges.source] - moved[self.edges.target])
        return change

    def shifts_in_space(self, shifts: np.ndarray) -> np.ndarray:
        """Returns shifts of edges, [edges, 3] whole numbers, as vectors in the units of the cells."""
        source = np.zeros(0, dtype=np.int64) if self.edges is None else self.edges.source
        return self._in_space(shifts, self.sample_of[source])

    def _in_space(self, numbers: np.ndarray, samples: np.ndarray) -> np.ndarray:
        vectors: np.ndarray = np.einsum("na,nax->nx", numbers.astype(np.float64), self.cells[samples])
        return vectors

    @cached_property
    def rows_twice(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows of doubled samples: [2 * sum of nodes] numbers of the old rows, and which of the two copies it is.

        The second copy of a sample follows the first one.
        """
        starts = np.cumsum([0, *self.nodes[:-1]])
        rows = [np.tile(np.arange(n) + start, 2) for start, n in zip(starts, self.nodes, strict=True)]
        copies = [np.repeat([0, 1], n) for n in self.nodes]
        return np.concatenate(rows), np.concatenate(copies)

    def doubled_edges(self, axis: int) -> ImageEdges | None:
        """Returns the edges of doubled cells: those of the first copies, then those of the second copies."""
        if self.edges is None:
            return None
        old, ends = self.edges, []
        starts = np.cumsum([0, *self.nodes[:-1]])[self.sample_of]
        sizes = np.array(self.nodes)[self.sample_of]
        for copy in (0, 1):
            reached = copy + old.sign * old.shifts[:, axis]
            shifts = old.shifts.copy()
            shifts[:, axis] = old.sign * (reached // 2)
            source = starts[old.source] + old.source + copy * sizes[old.source]
            target = starts[old.target] + old.target + (reached % 2) * sizes[old.target]
            ends.append((source, target, shifts))
        source, target, shifts = (np.concatenate(parts) for parts in zip(*ends, strict=True))
        return ImageEdges(source, target, shifts, old.sign)


def moves_text(images: Sequence[Sequence[int]]) -> str:
    """Returns the constructor call that moves nodes by lattice vectors."""
    moved = {node: list(vector) for node, vector in enumerate(images) if any(vector)}
    return f"lattice_move({moved}, nodes={len(images)})"
