"""Coordinates that belong to a grid move with its cells, in every convention."""

import pytest
import torch

import equivariance as eq
from equivariance import groups
from equivariance.errors import ArgumentError, ContractError, ForeignElementError

SHAPE = (6, 9)
QUARTER = groups.rotation([[0, -1, 0], [1, 0, 0], [0, 0, 1]])

CONVENTIONS = {
    "cells from the middle": eq.GridPoints(),
    "row and column": eq.GridPoints(origin=((SHAPE[0] - 1) / 2, (SHAPE[1] - 1) / 2)),
    "device coordinates": eq.GridPoints(axes=(1, 0), spacing=(2 / 9, 2 / 6), flipped=(False, True)),
}


def coordinates(name, row, column):
    """The coordinates of a cell as a person would write them."""
    y, x = row - (SHAPE[0] - 1) / 2, column - (SHAPE[1] - 1) / 2
    found = {"cells from the middle": (y, x), "row and column": (row, column)}
    return torch.tensor([found.get(name, (x * 2 / 9, -y * 2 / 6))], dtype=torch.float64)


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_point_stays_at_its_cell_under_shifts(name):
    moved = CONVENTIONS[name].transform(coordinates(name, 1, 2), groups.translation([3, 4, 0]))
    torch.testing.assert_close(moved, coordinates(name, 4, 6), atol=1e-14, rtol=0)


def test_a_point_stays_at_its_cell_under_quarter_turns():
    picture = torch.zeros(1, 1, 7, 7, dtype=torch.float64)
    picture[0, 0, 1, 5] = 1
    turned = eq.Grid(irreps="0e", axes=(2, 3)).transform(picture, QUARTER)
    row, column = turned[0, 0].nonzero()[0].tolist()
    for how in (eq.GridPoints(origin=3.0), eq.GridPoints(origin=3.0, axes=(1, 0))):
        before, after = ([1.0, 5.0], [row, column]) if how.axes == (0, 1) else ([5.0, 1.0], [column, row])
        moved = how.transform(torch.tensor([before], dtype=torch.float64), QUARTER)
        assert moved.tolist() == [[float(n) for n in after]]


def test_flipped_coordinates_turn_the_other_way():
    up = eq.GridPoints(axes=(1, 0), flipped=(False, True))
    assert up.transform(torch.tensor([[1.0, 0.0]]), QUARTER).tolist() == [[0.0, 1.0]]
    down = eq.GridPoints(axes=(1, 0))
    assert down.transform(torch.tensor([[1.0, 0.0]]), QUARTER).tolist() == [[0.0, -1.0]]


def test_points_of_a_volume_have_three_coordinates():
    how = eq.GridPoints(axes=(0, 1, 2), origin=2.0)
    moved = how.transform(torch.tensor([[2.0, 2.0, 3.0]]), groups.translation([1, 0, -1]))
    assert moved.tolist() == [[3.0, 2.0, 2.0]]


def test_points_a_period_apart_are_equal():
    how = eq.GridPoints(periodic=8.0)
    far, near = torch.tensor([[15.5, -7.0]]), torch.tensor([[-0.25, 1.0]])
    assert how.nearest(far, near).tolist() == [[-0.5, 1.0]]
    assert eq.GridPoints().nearest(far, near) is far


def test_elements_that_leave_the_plane_are_foreign():
    with pytest.raises(ForeignElementError, match="keeps the plane"):
        eq.GridPoints().transform(torch.zeros(1, 2), groups.rotation([0.3, 0, 0]))


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"axes": (0, 2)}, "axes"), ({"spacing": 0}, "spacing"), ({"origin": (1.0,)}, "origin"),
        ({"periodic": -1.0}, "periodic"), ({"flipped": (True,)}, "flipped"),
    ],
)  # fmt: skip
def test_fields_that_make_no_sense_are_named(fields, name):
    with pytest.raises(ArgumentError, match=f"^{name}="):
        eq.GridPoints(**fields)


@pytest.mark.parametrize("tensor", [torch.zeros(2, 3), torch.zeros(2, 2, dtype=torch.int64), torch.zeros(())])
def test_other_tensors_do_not_fit(tensor):
    with pytest.raises(ContractError):
        eq.GridPoints().check(tensor, "output")
