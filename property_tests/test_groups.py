"""The laws of the group elements, on elements of every kind and their products."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from equivariance import groups
from equivariance.groups import Transform, identity, inversion, samples
from equivariance.strategies import permutations, point_clouds, rigid_motions, rotations, translations

NODES, SAMPLES = 5, 3


@st.composite
def elements(draw: st.DrawFn) -> Transform:
    """Products of a motion, perhaps an inversion, perhaps a permutation, perhaps an order of the samples."""
    element = draw(rigid_motions())
    if draw(st.booleans()):
        element = inversion() @ element
    if draw(st.booleans()):
        element = element @ draw(permutations(NODES))
    if draw(st.booleans()):
        element = element @ samples(draw(st.permutations(range(SAMPLES))), of=SAMPLES)
    return element


def positions(element: Transform, points: np.ndarray) -> np.ndarray:
    return points @ element.array.T + np.array(element.vector)


def close(one: Transform, other: Transform) -> bool:
    far = 1 + one.distance
    return (
        np.allclose(one.array, other.array, atol=1e-12, rtol=0)
        and np.allclose(one.vector, other.vector, atol=1e-12 * far, rtol=0)
        and (one.order, one.samples) == (other.order, other.samples)
    )


def without_actions(element: Transform) -> Transform:
    """Reorderings that change nothing count as none: an inverse leaves them behind."""
    order = None if element.order == tuple(range(NODES)) else element.order
    chosen = None if element.samples == tuple(range(SAMPLES)) else element.samples
    return Transform(element.matrix, element.vector, order, chosen, element.of if chosen else 1)


@given(elements(), point_clouds())
def test_products_act_one_after_the_other(g, cloud):
    h, points = groups.translation([1, -2, 3]) @ groups.rotation([0.1, 0.2, 0.3]), cloud.numpy()
    scale = np.abs(points).max() + g.distance + 10
    np.testing.assert_allclose(positions(g @ h, points), positions(g, positions(h, points)), atol=1e-13 * scale, rtol=0)


@given(elements())
def test_the_inverse_undoes_from_both_sides(g):
    assert close(without_actions(g @ g.inverse()), identity())
    assert close(without_actions(g.inverse() @ g), identity())
    assert close(g.inverse().inverse(), g)


@given(elements(), elements(), elements())
def test_products_are_associative(f, g, h):
    left, right = (f @ g) @ h, f @ (g @ h)
    scale = 1 + f.distance + g.distance + h.distance
    np.testing.assert_allclose(left.array, right.array, atol=1e-14)
    np.testing.assert_allclose(left.vector, right.vector, atol=1e-13 * scale, rtol=0)
    assert (left.order, left.samples) == (right.order, right.samples)


@given(elements())
def test_the_identity_is_neutral(g):
    assert close(identity() @ g, g)
    assert close(g @ identity(), g)


@given(elements())
def test_the_inverse_of_a_product_is_the_product_of_inverses(g):
    h = groups.translation([1, 2, 3]) @ groups.rotation([1, 0, 2])
    left, right = (g @ h).inverse(), h.inverse() @ g.inverse()
    np.testing.assert_allclose(left.vector, right.vector, atol=1e-12 * (10 + g.distance), rtol=0)
    np.testing.assert_allclose(left.array, right.array, atol=1e-14)


@given(elements())
def test_an_element_prints_as_python_that_rebuilds_it(g):
    assert eval(repr(g), vars(groups)) == g


@given(elements())
def test_matrices_stay_orthogonal(g):
    np.testing.assert_allclose(g.array @ g.array.T, np.eye(3), atol=1e-14)
    assert abs(np.linalg.det(g.array)) - 1 < 1e-13


@given(rotations(), rotations())
def test_rotations_are_those_of_scipy(g, h):
    expected = Rotation.from_matrix(g.array) * Rotation.from_matrix(h.array)
    np.testing.assert_allclose((g @ h).array, expected.as_matrix(), atol=1e-14)
    assert abs((g @ h).angle - expected.magnitude()) < 1e-7


@given(translations(), translations())
def test_dyadic_translations_add_exactly(g, h):
    assert (g @ h).vector == tuple(np.add(g.vector, h.vector))
    assert g @ h == h @ g


@given(permutations(NODES), permutations(NODES))
def test_permutations_reorder_one_after_the_other(g, h):
    nodes = np.arange(NODES) * 10
    assert nodes[list((g @ h).order)].tolist() == nodes[list(h.order)][list(g.order)].tolist()


@given(rotations())
def test_angles_are_within_half_a_turn(g):
    assume(g != identity())
    assert 0 <= g.angle <= np.pi + 1e-12
