"""Group elements as values: what they refuse, how they print, and what they do to positions."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from equivariance import groups
from equivariance.errors import ArgumentError
from equivariance.groups import (
    Transform,
    cube_rotations,
    edge_permutation,
    identity,
    inversion,
    padding,
    permutation,
    rotation,
    samples,
    translation,
)

pytestmark = pytest.mark.numeric

EXAMPLES = {
    "identity()": identity(),
    "translation([1, 0, -0.5])": translation([1, 0, -0.5]),
    "rotation([0, 0, 1])": rotation([0, 0, 1]),
    "inversion()": inversion(),
    "inversion() @ rotation([0, 0, 1])": inversion() @ rotation([0, 0, 1]),
    "permutation(cycles=[(0, 2)], size=4)": permutation([2, 1, 0, 3]),
    "permutation(cycles=[(0, 1, 2), (3, 4)], size=5)": permutation(cycles=[(0, 1, 2), (3, 4)], size=5),
    "permutation(size=1000, seed=3)": permutation(size=1000, seed=3),
    "permutation(cycles=[], size=3)": permutation(range(3)),
    "permutation(cycles=[(0, 2), (3, 4)], sizes=(3, 2))": permutation([2, 1, 0, 4, 3], sizes=[3, 2]),
    "permutation(sizes=(30, 20), seed=3)": permutation(sizes=(30, 20), seed=3),
    "edge_permutation(cycles=[(0, 1)], size=4)": edge_permutation([1, 0, 2, 3]),
    "edge_permutation(sizes=(30, 20), seed=3)": edge_permutation(sizes=(30, 20), seed=3),
    "padding(2)": padding(2),
    "samples([1, 0], of=2)": samples([1, 0], of=2),
    "samples([2, 2], of=3)": samples([2, 2], of=3),
    "rotation([[0, -1, 0], [1, 0, 0], [0, 0, 1]])": rotation([[0, -1, 0], [1, 0, 0], [0, 0, 1]]),
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_elements_print_as_short_python_that_rebuilds_them(text):
    assert repr(EXAMPLES[text]) == text
    assert eval(text, vars(groups)) == EXAMPLES[text]


@pytest.mark.parametrize(
    "element",
    [
        *cube_rotations(),
        *(rotation(r) for r in Rotation.random(20, random_state=np.random.default_rng(0))),
        *(inversion() @ g for g in cube_rotations()),
        permutation(np.random.default_rng(0).permutation(40)),
        translation([0.1, -1e-30, 1e300]),
        translation([1, 2, 3]) @ rotation([1, 2, 3]) @ permutation([1, 0]) @ samples([1], of=2),
        (translation([0.1, 0.2, 0.3]) @ rotation([0.1, 0.2, 0.3])).inverse(),
        rotation([np.pi, 0, 0]),
        rotation([1e-9, 0, 0]),
    ],
    ids=repr,
)
def test_every_element_prints_as_python_that_rebuilds_it(element):
    assert eval(repr(element), vars(groups)) == element


def test_there_are_24_rotations_of_the_cube():
    elements = cube_rotations()
    assert elements[0] == identity()
    assert len(set(elements)) == 24
    assert all(g.determinant == 1 and set(np.abs(g.array).ravel()) == {0, 1} for g in elements)
    assert {g @ h for g in elements for h in elements} == set(elements)


def test_an_element_acts_on_row_vectors():
    points = np.array([[1.0, 0, 0], [0, 2, 0]])
    element = translation([0, 0, 5]) @ rotation([0, 0, np.pi / 2])
    np.testing.assert_allclose(points @ element.array.T + element.vector, [[0, 1, 5], [-2, 0, 5]], atol=1e-15)


def test_angle_and_distance():
    assert rotation([0, 0.5, 0]).angle == pytest.approx(0.5)
    assert (inversion() @ rotation([0, 0.5, 0])).angle == pytest.approx(0.5)
    assert inversion().angle == 0
    assert translation([3, 4, 0]).distance == 5
    assert identity().distance == 0


def test_permutations_compose_as_reorderings():
    first, second = permutation([1, 2, 0]), permutation([0, 2, 1])
    nodes = np.array(["a", "b", "c"])
    once = nodes[list(first.order)]
    assert (second @ first).order == tuple({"a": 0, "b": 1, "c": 2}[n] for n in once[list(second.order)])


def test_random_orders_stay_within_their_samples():
    element = permutation(sizes=(30, 20), seed=1)
    assert set(element.order[:30]) == set(range(30))
    assert element.order_in(1) == tuple(i - 30 for i in element.order[30:])
    assert element.within(1) == permutation(element.order_in(1))
    assert (element @ element.inverse()).order == tuple(range(50))
    assert (edge_permutation(size=9, seed=1).inverse() @ edge_permutation(size=9, seed=1)).edges == tuple(range(9))
    assert (padding(1) @ padding(2)) == padding(3)


def test_samples_compose_as_selections():
    first, second = samples([2, 0], of=3), samples([1, 1, 0], of=2)
    assert second @ first == samples([0, 0, 2], of=3)
    assert samples([1, 0], of=2).inverse() == samples([1, 0], of=2)


def test_elements_are_values():
    assert hash(rotation([0, 0, 1])) == hash(Transform(rotation([0, 0, 1]).matrix))
    assert rotation([0, 0, 1]) == Transform(rotation([0, 0, 1]).matrix)
    with pytest.raises(AttributeError):
        identity().vector = (1, 2, 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: rotation(np.diag([1, 1, 2.0])), "expected an orthogonal 3 x 3 matrix"),
        (lambda: rotation(-np.eye(3)), "value=.*expected a Rotation, a rotation vector .* of determinant 1"),
        (lambda: rotation([1, 2]), "value=.*expected a Rotation"),
        (lambda: rotation([np.nan, 0, 0]), "value=.*expected a Rotation"),
        (lambda: rotation([np.inf, 0, 0]), "value=.*expected a Rotation"),
        (lambda: rotation(np.full((3, 3), np.nan)), "value=.*expected a Rotation"),
        (lambda: translation([1, 2]), "vector=.*expected three finite numbers"),
        (lambda: translation([[1, 2, 3], [4, 5, 6]]), "vector=.*expected three finite numbers"),
        (lambda: translation([1, np.inf, 0]), "vector=.*expected three finite numbers"),
        (lambda: permutation([0, 0, 1]), "order=.*expected each of 0 ... n-1 once"),
        (lambda: permutation([1, 2, 3]), "order=.*expected each of 0 ... n-1 once"),
        (lambda: permutation(size=3), "size=3: expected the number of nodes, with either cycles or seed"),
        (lambda: permutation(cycles=[(0, 1)]), "size=None: expected the number of nodes"),
        (lambda: permutation(cycles=[(0, 5)], size=3), "cycles=.*expected disjoint cycles of 0 ... 2"),
        (lambda: permutation(cycles=[(0, 1), (1, 2)], size=3), "cycles=.*expected disjoint cycles"),
        (lambda: permutation([0, 3, 2, 1], sizes=(2, 2)), "order=.*leaves each row in its sample, of sizes"),
        (lambda: permutation([1, 0], sizes=(2, 2)), "order=.*leaves each row in its sample, of sizes"),
        (lambda: permutation(size=4, sizes=(2, 2), seed=0), "size=4: expected the number of nodes"),
        (lambda: edge_permutation(cycles=[(0, 1)]), "size=None: expected the number of edges"),
        (lambda: edge_permutation([0, 2]), "edges=.*expected each of 0 ... n-1 once"),
        (lambda: edge_permutation([1, 0]) @ edge_permutation(range(3)), "edges=.*expected one that chooses among 3"),
        (lambda: padding(-1), "padding=-1: expected a number of rows"),
        (lambda: padding(1).inverse(), "padding=1: expected no padding"),
        (lambda: permutation(sizes=(2, 2), seed=0) @ permutation(sizes=(1, 3), seed=0), "sizes=.*sizes of the first"),
        (lambda: permutation(sizes=(2, 2), seed=0) @ samples([0], of=2), "samples=.*no selection beside an order"),
        (lambda: samples([], of=3), r"samples=\(\): expected at least one number"),
        (lambda: samples([3], of=3), r"samples=\(3,\): expected at least one number, each of 0 ... 2"),
        (lambda: samples([0], of=2).inverse(), "samples=.*expected a reordering of all samples"),
        (lambda: permutation(cycles=[(-1, 1)], size=3), "cycles=.*expected disjoint cycles"),
        (lambda: permutation([1, 0]) @ permutation([2, 1, 0]), "order=.*expected one that chooses among 3"),
        (lambda: samples([0, 1], of=3) @ samples([0], of=2), "samples=.*expected one that chooses among 1"),
        (lambda: samples([0], of=5) @ samples([0, 1], of=2), "samples=.*expected one that chooses among 2"),
    ],
)
def test_what_is_no_element_is_refused(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()
