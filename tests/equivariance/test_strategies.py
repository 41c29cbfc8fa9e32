"""What the strategies reach, and what a failure shrinks to."""

import pytest
import torch
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

from equivariance import strategies
from equivariance.errors import ArgumentError
from equivariance.groups import cube_rotations, identity, permutation, rotation, translation


def simplest(strategy, condition=lambda _: True):
    """What a failure of `condition` shrinks to, whatever the profile."""
    return find(strategy, condition, settings=settings(max_examples=2000, derandomize=True, database=None))


def rank(cloud):
    return int(torch.linalg.matrix_rank(cloud - cloud.mean(0)))


@pytest.mark.parametrize("strategy", [strategies.rotations(), strategies.translations(), strategies.rigid_motions()])
def test_motions_shrink_to_the_identity(strategy):
    assert simplest(strategy) == identity()


def test_rotations_shrink_to_a_rotation_of_the_cube_or_about_one_axis():
    assert simplest(strategies.rotations(), lambda g: g.angle > 0.1) in cube_rotations()
    assert simplest(strategies.rotations(), lambda g: 0.1 < g.angle < 0.3) == rotation([0, 0, 0.25])


@pytest.mark.parametrize("least", [0, 1e-9, 3.3, 700])
def test_translations_shrink_to_the_shortest_along_an_axis(least):
    shortest = (int(least * 8) + 1) / 8
    assert simplest(strategies.translations(), lambda g: g.distance > least) == translation([0, 0, shortest])


def test_rigid_motions_shrink_to_the_one_part_that_matters():
    assert simplest(strategies.rigid_motions(), lambda g: g.distance > 0) == translation([0, 0, 0.125])
    assert simplest(strategies.rigid_motions(), lambda g: g.angle > 0).distance == 0


def test_permutations_shrink_to_one_exchange():
    exchange = simplest(strategies.permutations(7), lambda g: g.order != tuple(range(7)))
    assert exchange == permutation(cycles=[(5, 6)], size=7)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lambda x: True, [[0, 0, 0]]),
        (lambda x: len(x) > 2, [[0, 0, 0]] * 3),
        (lambda x: x.norm() > 0, [[0, 0, 1]]),
        (lambda x: len(x) > 3 and len(x.unique(dim=0)) < len(x), [[0, 0, 0]] * 4),
        (lambda x: len(x) > 3 and rank(x) == 1, [[0, 0, 0]] * 3 + [[0, 0, 1]]),
        (lambda x: len(x) > 3 and rank(x) == 2, [[0, 0, 0]] * 2 + [[0, 1, 0], [0, 0, 1]]),
        (lambda x: rank(x) == 3, [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]),
        (lambda x: 0 < x.abs().max() < 1e-6, [[0, 0, 2.0**-30]]),
        (lambda x: x.abs().max() > 1e6, [[0, 0, 2.0**30]]),
    ],
    ids=["any", "three", "not zero", "duplicates", "collinear", "coplanar", "solid", "tiny", "huge"],
)
def test_clouds_shrink_to_few_points_at_simple_places(condition, expected):
    assert simplest(strategies.point_clouds(max_points=6), condition).tolist() == expected


def distances(cloud):
    return (cloud[:, None] - cloud).norm(dim=-1)[*torch.triu_indices(len(cloud), len(cloud), 1)]


@pytest.mark.parametrize(
    "condition",
    [
        lambda x: len(x) > 4 and rank(x) == 3 and len(distances(x).unique()) == len(distances(x)),
        lambda x: len(x) > 4 and rank(x) == 3 and len(distances(x).unique()) < len(distances(x)) - 2,
        lambda x: len(x) > 4 and rank(x) == 1 and len(x.unique(dim=0)) == len(x),
        lambda x: len(x) > 4 and rank(x) == 2 and len(x.unique(dim=0)) == len(x),
        lambda x: len(x) > 4 and len(x.unique(dim=0)) == 2,
        lambda x: len(x) > 4 and bool(((x[0] - x[1:]) == 0).sum(1).eq(2).any()),
    ],
    ids=["generic", "ties", "collinear", "coplanar", "duplicates", "axis-aligned edge"],
)
def test_clouds_of_every_kind_are_drawn(condition):
    generate = settings(max_examples=500, derandomize=True, database=None, phases=[Phase.generate])
    find(strategies.point_clouds(5, 8), condition, settings=generate)


@settings(max_examples=50)
@given(strategies.point_clouds(), strategies.translations())
def test_translates_of_clouds_are_exact(cloud, element):
    shifted = cloud + torch.tensor(element.vector, dtype=torch.float64)
    assert torch.equal(shifted - torch.tensor(element.vector, dtype=torch.float64), cloud)


@settings(max_examples=50)
@given(st.data(), st.integers(1, 6), st.integers(0, 6))
def test_clouds_have_the_size_that_was_asked_for(data, least, more):
    cloud = data.draw(strategies.point_clouds(least, least + more))
    assert cloud.dtype == torch.float64
    assert cloud.dim() == 2
    assert least <= len(cloud) <= least + more
    assert cloud.shape[1] == 3


@settings(max_examples=50)
@given(st.data(), st.floats(1e-6, 1e9))
def test_translations_keep_their_bound(data, longest):
    assert data.draw(strategies.translations(longest)).distance <= longest * (1 + 1e-12)


def test_short_translations_are_drawn_below_an_eighth():
    assert simplest(strategies.translations(1e-3), lambda g: g.distance > 0).distance == 2.0**-20


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lambda i: True, "1x0e"),
        (lambda i: i.lmax > 1, "1x2e"),
        (lambda i: any(part.ir.p < 0 for part in i), "1x0o"),
        (lambda i: len(i) > 2, "1x0e+1x0e+1x0e"),
        (lambda i: i.dim > 2 and i.lmax == 0, "3x0e"),
    ],
)
def test_irreps_shrink_to_one_scalar(condition, expected):
    assert str(simplest(strategies.irreps(), condition)) == expected


@settings(max_examples=50)
@given(st.data(), st.integers(0, 4), st.integers(1, 3))
def test_irreps_keep_their_bounds(data, degree, multiplicity):
    drawn = data.draw(strategies.irreps(degree, multiplicity))
    assume(len(drawn) > 0)
    assert drawn.lmax <= degree
    assert max(part.mul for part in drawn) <= multiplicity


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: strategies.translations(0).example(), "max_norm=0: expected a positive finite length"),
        (lambda: strategies.permutations(0), "size=0: expected at least one node"),
        (lambda: strategies.point_clouds(3, 2).example(), "min_points=3: expected 1 ... max_points=2"),
        (lambda: strategies.irreps(-1), "max_degree=-1: expected at least 0"),
        (lambda: strategies.irreps(1, 0), "max_multiplicity=0: expected at least 1"),
    ],
)
@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_impossible_bounds_are_refused(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()
