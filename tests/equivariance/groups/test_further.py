"""Scalings, mirrors, turns about an axis, products, matrix groups and exchanged arguments, as elements and groups."""

import numpy as np
import pytest

from equivariance import groups
from equivariance.errors import ArgumentError
from equivariance.groups import (
    InputSizes,
    MatrixGroup,
    Mirrors,
    Product,
    Rotations,
    Scalings,
    Swap,
    Symmetry,
    Transform,
    Translations,
    identity,
    linear,
    mirror,
    product,
    rotation,
    scaling,
    swap,
    translation,
)
from equivariance.groups.lattice import GridSizes
from equivariance.groups.named import groups_of, symmetry_of

SIZES = InputSizes(extent=2.0)
Z = (0.0, 0.0, 1.0)
QUARTER = ((0.0, -1.0), (1.0, 0.0))
ELEMENTS = [
    scaling(2),
    mirror(1),
    translation([1, 2, 3]) @ scaling(0.5) @ rotation([0.1, 0.2, 0.3]),
    product(rotation([1, 0, 0]), translation([1, 0, 0])),
    linear([[1, 2], [0, 1]]),
    swap("first", "second"),
]


@pytest.mark.parametrize("element", ELEMENTS, ids=repr)
def test_an_element_prints_as_python_that_rebuilds_it(element):
    assert eval(repr(element), vars(groups)) == element


@pytest.mark.parametrize("element", ELEMENTS, ids=repr)
def test_the_inverse_undoes(element):
    undone = element.inverse() @ element
    assert np.allclose(undone.array, np.eye(3))
    assert np.allclose(undone.vector, 0)
    assert undone.scale == 1
    for own in undone.actions.factors if undone.actions else ():
        assert np.allclose(own.array, np.eye(3))
        assert np.allclose(own.vector, 0)
    if undone.actions and undone.actions.matrix:
        assert np.allclose(undone.actions.matrix, np.eye(len(undone.actions.matrix)))


def test_scale_acts_before_the_translation():
    both = translation([1, 0, 0]) @ scaling(2)
    assert (both.scale, both.vector) == (2, (1, 0, 0))
    assert (scaling(2) @ translation([1, 0, 0])).vector == (2, 0, 0)


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_not_positive_is_refused(factor):
    with pytest.raises(ArgumentError, match="scale="):
        scaling(factor)


def test_every_second_scale_is_a_power_of_two():
    drawn = [e.scale for e in Scalings().draw(12, 0, SIZES)]
    assert all(np.log2(s) == int(np.log2(s)) for s in drawn[::2])
    assert all(1 / 8 <= s <= 8 for s in drawn)
    assert len(set(drawn)) > 8


@pytest.mark.parametrize("axis", [(0.0, 0.0, 1.0), (1.0, 2.0, -1.0)])
@pytest.mark.parametrize("most", [None, 0.3, 2.0])
def test_turns_keep_the_axis_and_the_angle(axis, most):
    group = Rotations(axis=axis, max_angle=most)
    for element in (*group.draw(20, 3, SIZES), *group.simplest(SIZES)):
        assert np.allclose(element.array @ np.array(axis), axis, atol=1e-3)
        assert element.angle <= (most or np.pi) + 1e-6
        assert element.angle > 0


def test_an_angle_alone_bounds_turns_about_every_axis():
    drawn = Rotations(max_angle=0.2).draw(20, 0, SIZES)
    assert max(e.angle for e in drawn) <= 0.2 + 1e-6
    assert len({tuple(np.sign(e.array[0])) for e in drawn}) > 1


def test_turns_on_a_grid_have_the_angle_too():
    sizes = InputSizes(grid=GridSizes(2, 16, 1.0))
    assert {round(e.angle, 4) for e in Rotations(axis=Z, max_angle=1.6).draw(6, 0, sizes)} >= {round(np.pi / 2, 4)}
    with pytest.raises(ArgumentError, match="group="):
        Rotations(axis=Z, max_angle=0.5, lattice=True).draw(6, 0, sizes)


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"axis": (0, 0, 0)}, "axis"), ({"max_angle": 4.0}, "max_angle"), ({"max_angle": 0.0}, "max_angle")],
)
def test_turns_that_make_no_sense_are_refused(fields, name):
    with pytest.raises(ArgumentError, match=f"^{name}="):
        Rotations(**fields)


def test_points_in_a_plane_move_in_it():
    flat = InputSizes(planar=True)
    for group in groups_of("e3"):
        for element in (*group.draw(6, 0, flat), *group.simplest(flat)):
            assert element.vector[2] == 0
            assert abs(element.matrix[2][2] - 1) < 1e-12


@pytest.mark.parametrize("name", ["so2", "SO(2)"])
def test_turns_of_the_plane_have_a_name(name):
    (group,) = groups_of(name)
    assert group == Rotations(axis=Z)


def test_products_draw_factors_apart_and_are_one_symmetry():
    group = Product((Rotations(), Rotations()))
    assert group.symmetry == "rotation"
    (element, *_) = group.draw(4, 0, SIZES)
    first, second = element.actions.factors
    assert first != second
    assert [e.actions.factors.count(identity()) for e in group.simplest(SIZES)] == [1, 1, 0]
    for factors in [(Rotations(),), (Rotations(), Translations())]:
        with pytest.raises(ArgumentError, match="factors="):
            Product(factors)


def test_a_finite_group_is_listed():
    group = MatrixGroup("c4", (QUARTER,))
    found = {tuple(np.round(np.array(e.actions.matrix).ravel())) for e in group.draw(8, 0, SIZES)}
    assert len(found) == 3
    assert group.symmetry == "c4"
    assert Symmetry("c4") == "c4"
    assert not Symmetry("c4").is_reordering


def test_a_lie_group_keeps_its_form():
    boost, metric = np.zeros((4, 4)), np.diag([1.0, -1, -1, -1])
    boost[0, 1] = boost[1, 0] = 1
    for element in MatrixGroup("lorentz", (boost,), infinitesimal=True).draw(5, 0, SIZES):
        matrix = np.array(element.actions.matrix)
        assert np.allclose(matrix.T @ metric @ matrix, metric)


def test_an_infinite_group_is_drawn_by_words():
    drawn = MatrixGroup("shear", (((1.0, 1.0), (0.0, 1.0)),)).draw(5, 0, SIZES)
    assert all(e.actions.matrix[0][1] >= 1 for e in drawn)


@pytest.mark.parametrize("generators", [(), (((1.0, 2.0),),), (QUARTER, ((1.0,),))])
def test_generators_are_square_matrices_of_one_size(generators):
    with pytest.raises(ArgumentError, match="generators="):
        MatrixGroup("own", generators)


def test_elements_of_different_groups_have_no_product():
    with pytest.raises(ArgumentError, match="first="):
        linear([[1, 0], [0, 1]]) @ product(identity(), identity())
    with pytest.raises(ArgumentError, match="an invertible matrix"):
        linear([[1, 1], [1, 1]])
    with pytest.raises(ArgumentError, match="arguments="):
        Swap(("one", "one"))


@pytest.mark.parametrize(
    ("element", "symmetry"),
    [(scaling(2), "scale"), (mirror(0), "inversion"), (swap("a", "b"), "swap"), (linear([[2.0]]), "linear"),
     (product(identity(), rotation([1, 0, 0])), "rotation"), (translation([1, 0, 0]) @ scaling(2), "scale")],
)  # fmt: skip
def test_an_element_is_tested_as_a_symmetry(element, symmetry):
    assert symmetry_of(element) == symmetry


def test_mirrors_negate_one_axis():
    (element,) = Mirrors(2).draw(1, 0, SIZES)
    assert element == Transform(((1, 0, 0), (0, 1, 0), (0, 0, -1)))
    with pytest.raises(ArgumentError, match="axis=3"):
        Mirrors(3)
