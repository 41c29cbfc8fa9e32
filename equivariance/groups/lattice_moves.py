"""The symmetry "lattice": moves of nodes by lattice vectors, and doubled cells.

Called by the engine, as `groups.sampling` is. The module applies no elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from equivariance.errors import ArgumentError
from equivariance.groups.crystal import Crystal, Images
from equivariance.groups.elements import Transform, identity
from equivariance.groups.sampling import Elements, Group, InputSizes

NEEDED = "lattice vectors beside positions: an argument named cell [3, 3], or eq.LatticeVectors() in irreps_in"
"""Needed input of every element."""

_FARTHEST = 2
"""Largest number of lattice vectors, along one axis, by which a node is moved."""

_SINGLE = 4
"""Number of nodes that `LatticeMoves.simplest` moves one at a time."""


def lattice_move(moves: Mapping[int, Sequence[int]], nodes: int) -> Transform:
    """Returns the element that moves nodes by lattice vectors of their sample.

    Args:
        moves: Number of a node, counted through all samples -> numbers of lattice vectors, three whole numbers.
        nodes: The number of nodes of all samples, padded rows included.

    Raises:
        ArgumentError: If a node does not exist, or its move is not three whole numbers.
    """
    images = [(0, 0, 0)] * nodes
    for node, move in moves.items():
        if not 0 <= node < nodes or len(move) != 3:
            raise ArgumentError("moves", {node: move}, f"three whole numbers for each node, of 0 ... {nodes - 1}")
        images[node] = (int(move[0]), int(move[1]), int(move[2]))
    return Transform(images=tuple(images))


def supercell(axis: int) -> Transform:
    """Returns the element that doubles the cell of each sample along a lattice vector.

    Each node gets a copy, moved by the lattice vector. The copies follow the nodes of their sample.

    Args:
        axis: The number of the lattice vector, 0 to 2.

    Raises:
        ArgumentError: If `axis` is none of the three.
    """
    return Transform(doubled=axis)


@dataclass(frozen=True)
class LatticeMoves(Group):
    """Moves of nodes by lattice vectors along the periodic axes; `supercells_of` has the elements that double cells.

    Each element moves about half of the nodes, each by its own lattice vector.

    Attributes:
        supercells: True doubles the cells too. False is for networks that depend on the choice of the cell, such as
            those that read Fourier components of fractional coordinates.
    """

    supercells: bool = True
    symmetry = "lattice"

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Draws moves of random nodes by up to two lattice vectors along each periodic axis."""
        crystal = _crystal_of(setting)
        return tuple(_random(crystal, seed + index) for index in range(count))

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns moves of a single node by a single lattice vector, for the first four nodes."""
        crystal = _crystal_of(setting)
        places = [(n, a) for n in np.flatnonzero(crystal.real)[:_SINGLE] for a in range(3) if crystal.movable[n, a]]
        units = np.eye(3, dtype=int).tolist()
        return tuple(lattice_move({n: units[a]}, len(crystal.real)).placed_in(crystal) for n, a in places)


def _crystal_of(setting: InputSizes) -> Crystal:
    """Returns the crystal of the input.

    Raises:
        ArgumentError: If the input has none, or its nodes cannot be moved.
    """
    if setting.crystal is None:
        raise ArgumentError("group", "lattice", NEEDED)
    if setting.crystal.obstacle:
        raise ArgumentError("group", "lattice", setting.crystal.obstacle)
    return setting.crystal


def _random(crystal: Crystal, seed: int) -> Transform:
    """Returns a move of about half of the nodes; one node at least is moved."""
    rng = np.random.default_rng((seed, 5))
    vectors = rng.integers(-_FARTHEST, _FARTHEST + 1, size=crystal.movable.shape)
    vectors *= crystal.movable & (rng.random(len(crystal.real)) < 0.5)[:, None]
    if not vectors.any():
        node, axis = np.argwhere(crystal.movable)[rng.integers(crystal.movable.sum())]
        vectors[node, axis] = 1
    images: Images = tuple((a, b, c) for a, b, c in vectors.tolist())
    return Transform(images=images, crystal=crystal)


def moves_along(crystal: Crystal, axis: int) -> tuple[Transform, ...]:
    """Returns moves of many nodes along one lattice vector alone; none if it is not periodic."""
    movable, numbers = crystal.movable[:, axis], np.arange(len(crystal.real))
    found = []
    for pattern in (numbers % 2, numbers % 3 - 1, numbers // 2 % 2):
        vectors = np.zeros((len(numbers), 3), dtype=int)
        vectors[:, axis] = pattern * movable
        if vectors.any():
            found.append(Transform(images=tuple((a, b, c) for a, b, c in vectors.tolist()), crystal=crystal))
    return tuple(found)


def supercells_of(group: Group, setting: InputSizes) -> tuple[Transform, ...]:
    """Returns the elements of a group that double cells.

    Args:
        group: `LatticeMoves`, or a list of elements.
        setting: Sizes of the input.
    """
    if isinstance(group, Elements):
        return tuple(e.placed_in(setting.crystal) for e in group.elements if e.doubled is not None)
    crystal = setting.crystal
    if not isinstance(group, LatticeMoves) or not group.supercells or crystal is None or crystal.fixed:
        return ()
    return tuple(supercell(axis).placed_in(crystal) for axis in crystal.axes)


def without_supercells(group: Group) -> Group:
    """Returns a group without the elements that double cells; the identity if there are no others."""
    if not isinstance(group, Elements) or not any(element.doubled is not None for element in group.elements):
        return group
    others = tuple(element for element in group.elements if element.doubled is None)
    return Elements(others or (identity(),), group.symmetry)
