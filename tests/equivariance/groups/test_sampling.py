"""The groups: which elements they draw, and the names that stand for them."""

import numpy as np
import pytest
from scipy.stats import kstest

from equivariance.errors import ArgumentError, ChoiceError
from equivariance.groups import (
    NAMED_GROUPS,
    SYMMETRIES,
    Batches,
    Elements,
    InputSizes,
    Inversions,
    LatticeMoves,
    Mirrors,
    Permutations,
    Rotations,
    Swap,
    Translations,
    cube_rotations,
    groups_of,
    identity,
    inversion,
    permutation,
    rotation,
    samples,
    translation,
)
from equivariance.groups.lattice import GridSizes

SETTING = InputSizes(nodes=7, samples=3, extent=2.0)
GROUPS = [Translations(), Translations(1e3), Rotations(), Inversions(), Permutations(), Batches()]


@pytest.mark.parametrize("group", GROUPS, ids=repr)
@pytest.mark.parametrize("count", [1, 2, 8, 30])
def test_the_same_seed_draws_the_same_elements(group, count):
    drawn = group.draw(count, 5, SETTING)
    assert drawn == group.draw(count, 5, SETTING)
    assert 1 <= len(drawn) <= count
    if group not in (Inversions(), Batches()):
        assert len(drawn) == count
        assert drawn != group.draw(count, 6, SETTING)


@pytest.mark.parametrize("group", GROUPS, ids=repr)
def test_elements_change_something(group):
    assert identity() not in group.draw(30, 0, SETTING)
    assert identity() not in group.simplest(SETTING)


def test_each_symmetry_is_drawn_alone():
    for group in GROUPS:
        for g in [*group.draw(20, 1, SETTING), *group.simplest(SETTING)]:
            assert (g.distance > 0) == (group.symmetry == "translation")
            assert (g.angle > 0) == (group.symmetry == "rotation")
            assert (g.determinant < 0) == (group.symmetry == "inversion")
            assert (g.order is not None) == (group.symmetry == "permutation")
            assert (g.samples is not None) == (group.symmetry == "batch")


def test_rotations_are_uniform_and_every_third_is_of_the_cube():
    drawn = Rotations().draw(900, 0, SETTING)
    cube = set(cube_rotations())
    assert [g in cube for g in drawn] == [i % 3 == 1 for i in range(900)]
    angles = np.array([g.angle for i, g in enumerate(drawn) if i % 3 != 1])
    assert kstest((angles - np.sin(angles)) / np.pi, "uniform").pvalue > 1e-3
    images = np.array([g.array[:, 2] for i, g in enumerate(drawn) if i % 3 != 1])
    assert kstest(images[:, 2], "uniform", args=(-1, 2)).pvalue > 1e-3


@pytest.mark.parametrize(("longest", "extent"), [(None, 2.0), (1e3, 2.0), (0.01, 2.0), (None, 1e-20), (5.0, 1e20)])
def test_translations_are_dyadic_and_reach_from_a_fraction_of_the_extent_to_the_longest(longest, extent):
    drawn = Translations(longest).draw(8, 0, InputSizes(extent=extent))
    longest = 10 * extent if longest is None else longest
    assert drawn[0].distance == pytest.approx(longest, rel=1e-2)
    assert drawn[-1].distance == pytest.approx(min(extent / 8, longest), rel=1e-2)
    for g in drawn:
        step = 2.0 ** (np.floor(np.log2(np.abs(g.vector).max())) - 10)
        assert all((v / step).is_integer() for v in g.vector)


@pytest.mark.parametrize("longest", [1e3, 1.0, 1e-3])
def test_no_translation_is_longer_than_the_longest(longest):
    for seed in range(20):
        assert max(g.distance for g in Translations(longest).draw(8, seed, SETTING)) <= longest


def test_simple_elements_stay_within_the_longest_translation():
    assert max(g.distance for g in Translations(0.1).simplest(SETTING)) <= 0.1


def test_the_simplest_elements_can_be_pictured():
    assert Translations().simplest(SETTING)[0] == translation([1, 0, 0])
    assert Rotations().simplest(SETTING)[0].angle == pytest.approx(np.pi / 2)
    assert Inversions().simplest(SETTING) == (inversion(),)
    assert Permutations().simplest(SETTING)[0] == permutation(cycles=[(0, 1)], size=7)
    assert Batches().simplest(SETTING)[0] == samples([0], of=3)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_small_clouds_have_simple_permutations(size):
    for g in Permutations().simplest(InputSizes(nodes=size)):
        assert len(g.order) == size


@pytest.mark.parametrize(("size", "count"), [(1, 0), (2, 1), (7, 6), (32, 31), (33, 16), (1000, 32)])
def test_further_orders_bring_other_nodes_to_the_front(size, count):
    firsts = [g.order[0] for g in Permutations().further(InputSizes(nodes=size))]
    assert len(set(firsts)) == len(firsts) == count
    assert 0 not in firsts
    assert max(firsts, default=0) >= size - size / 16 - 1


def test_batches_draw_each_sample_alone_and_all_of_them():
    drawn = Batches().draw(8, 0, SETTING)
    assert {samples([i], of=3) for i in range(3)} <= set(drawn)
    assert samples([2, 1, 0], of=3) in drawn
    assert len(set(drawn)) == len(drawn)
    assert Batches().draw(8, 0, InputSizes(samples=1)) == (samples([0, 0], of=1), samples([0, 0, 0], of=1))


@pytest.mark.parametrize("group", [Permutations(), Batches()])
def test_a_symmetry_without_its_axis_is_refused(group):
    with pytest.raises(ArgumentError, match=f"group='{group.symmetry}': expected an input whose representation has a"):
        group.draw(1, 0, InputSizes())


def test_names_stand_for_generating_symmetries_in_the_order_of_reports():
    for name, symmetries in NAMED_GROUPS.items():
        assert tuple(g.symmetry for g in groups_of(name)) == symmetries
    others = [Swap(("a", "b")), Mirrors(1), "scale", LatticeMoves()]
    everything = groups_of([*others, "batch", "permutation", "e3", "so3"])
    assert tuple(g.symmetry for g in everything) == SYMMETRIES
    assert groups_of("se3", 5.0)[0] == Translations(5.0)


@pytest.mark.parametrize(
    ("element", "symmetry"),
    [
        (translation([1, 0, 0]), "translation"),
        (rotation([1, 0, 0]), "rotation"),
        (translation([1, 0, 0]) @ rotation([1, 0, 0]), "rotation"),
        (inversion(), "inversion"),
        (permutation([1, 0]), "permutation"),
        (samples([0], of=2), "batch"),
    ],
)
def test_an_element_is_a_group_of_its_own(element, symmetry):
    (group,) = groups_of(element)
    assert group == Elements((element,), symmetry)
    assert group.draw(9, 0, InputSizes()) == (element,)
    assert group.simplest(InputSizes()) == (element,)


@pytest.mark.parametrize("name", ["so4", "", "SU3", None, 3, [], ["se3", "so4"], ("se3", 4)])
def test_what_is_no_group_is_refused_with_the_names_that_are(name):
    with pytest.raises(
        ChoiceError,
        match=r"group=.*expected one of batch, e2, e3, inversion, lattice, o3, permutation, scale, se3, so2, so3, ",
    ):
        groups_of(name)


@pytest.mark.parametrize("longest", [0, -1, float("nan"), float("inf")])
def test_a_bound_on_translations_is_positive_and_finite(longest):
    with pytest.raises(ArgumentError, match=r"max_norm=.*expected a positive finite length"):
        Translations(longest)


@pytest.mark.parametrize("longest", [1.0, 2.5, 4.0, 7.0])
@pytest.mark.parametrize("lattice", [True, False])
def test_shifts_of_a_grid_are_bounded_by_max_norm(longest, lattice):
    sizes = InputSizes(grid=GridSizes(2, 32, 1.0))
    group = Translations(longest, lattice)
    drawn = [e.distance for seed in range(20) for e in group.draw(6, seed, sizes)]
    assert min(drawn) > 0
    assert max([*drawn, *(e.distance for e in group.simplest(sizes))]) <= longest


def test_a_bound_below_one_cell_is_refused():
    with pytest.raises(ArgumentError, match=r"max_norm=0\.5: expected at least 1\.0, one step of the grid"):
        Translations(0.5, lattice=True).draw(1, 0, InputSizes(grid=GridSizes(2, 32, 1.0)))
