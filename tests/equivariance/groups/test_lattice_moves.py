"""Elements of the symmetry "lattice"."""

import numpy as np
import pytest

from equivariance.errors import ArgumentError
from equivariance.groups import (
    Elements,
    InputSizes,
    LatticeMoves,
    Symmetry,
    groups_of,
    lattice_move,
    rotation,
    supercell,
)
from equivariance.groups.crystal import Crystal, ImageEdges
from equivariance.groups.lattice_moves import moves_along, supercells_of, without_supercells
from equivariance.groups.named import symmetry_of

CELLS = np.stack([np.diag([2.0, 3.0, 4.0]), np.diag([5.0, 6.0, 7.0])])
PERIODIC = np.array([[True, True, False], [True, False, True]])
REAL = np.array([True, True, False, True, True])
CRYSTAL = Crystal(CELLS, PERIODIC, (3, 2), REAL)
SETTING = InputSizes(crystal=CRYSTAL)


def test_nodes_move_along_periodic_axes_and_padding_stays():
    for element in (*LatticeMoves().draw(20, 0, SETTING), *LatticeMoves().simplest(SETTING)):
        images = np.array(element.images)
        assert images.any()
        assert not images[2].any()
        assert not images[:3, 2].any()
        assert not images[3:, 1].any()
        assert symmetry_of(element) == Symmetry.LATTICE


def test_elements_are_drawn_from_the_seed_and_written_as_python():
    drawn = LatticeMoves().draw(4, 3, SETTING)
    assert drawn == LatticeMoves().draw(4, 3, SETTING)
    names = {"lattice_move": lattice_move, "supercell": supercell}
    for element in (*drawn, supercell(1)):
        assert eval(repr(element), names) == element


def test_displacements_are_those_of_the_cell_of_each_sample():
    moved = CRYSTAL.displacements(((1, 0, 0), (0, -2, 0), (0, 0, 0), (0, 0, 1), (1, 0, 0)))
    assert moved.tolist() == [[2, 0, 0], [0, -6, 0], [0, 0, 0], [0, 0, 7], [5, 0, 0]]


def test_an_inverse_moves_back_and_a_doubled_cell_has_none():
    move = lattice_move({1: [1, -2, 0]}, nodes=5)
    assert move.inverse() == lattice_move({1: [-1, 2, 0]}, nodes=5)
    with pytest.raises(ArgumentError, match="no doubled cell"):
        supercell(0).inverse()
    with pytest.raises(ArgumentError, match="these act alone"):
        move @ rotation([0, 0, 1])


@pytest.mark.parametrize("moves", [{5: [1, 0, 0]}, {0: [1, 0]}])
def test_moves_of_other_nodes_are_refused(moves):
    with pytest.raises(ArgumentError, match=r"three whole numbers for each node, of 0 \.\.\. 4"):
        lattice_move(moves, nodes=5)


def test_cells_are_doubled_along_axes_that_are_periodic_in_all_samples():
    assert [e.doubled for e in supercells_of(LatticeMoves(), SETTING)] == [0]
    assert supercells_of(LatticeMoves(supercells=False), SETTING) == ()
    both = Elements((supercell(0), lattice_move({0: [1, 0, 0]}, nodes=5)), "lattice")
    assert [e.crystal for e in supercells_of(both, SETTING)] == [CRYSTAL]
    assert [e.images is None for e in without_supercells(both).draw(1, 0, SETTING)] == [False]


def test_moves_along_one_vector_need_a_periodic_node():
    assert all(not np.array(e.images)[:, [0, 2]].any() for e in moves_along(CRYSTAL, 1))
    flat = Crystal(CELLS[:1], np.array([[True, True, False]]), (3,), REAL[:3])
    assert moves_along(flat, 2) == ()


def test_doubled_edges_lead_to_the_same_images():
    cell, nodes = CELLS[:1], 2
    x = np.array([[0.1, 0.2, 0.3], [1.8, 0.4, 0.1]])
    for sign in (1, -1):
        edges = ImageEdges(np.array([0, 1, 1]), np.array([1, 0, 1]), np.array([[-1, 0, 0], [1, 0, 0], [2, 1, 0]]), sign)
        crystal = Crystal(cell, np.ones((1, 3), dtype=bool), (nodes,), np.ones(nodes, dtype=bool), edges)
        new = crystal.doubled_edges(0)
        twice = np.concatenate([x, x + cell[0, 0]])
        wide = cell[0] * np.array([[2], [1], [1]])
        before = x[edges.target] - x[edges.source] + sign * edges.shifts @ cell[0]
        after = twice[new.target] - twice[new.source] + sign * new.shifts @ wide
        assert np.allclose(after, np.concatenate([before, before]))


def test_the_name_gives_exact_motions_and_moves():
    assert [g.symmetry for g in groups_of("lattice")] == ["translation", "rotation", "lattice"]
