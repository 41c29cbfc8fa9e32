"""Scales, pictures, products and the other representations represent: D(gh) = D(g) D(h), and g^-1 undoes g."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import equivariance as eq
from equivariance.groups import Transform, linear, mirror, product, rotation, samples, scaling, swap, translation
from equivariance.strategies import permutations, rotations

NODES = 4


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


vectors = st.tuples(*[st.floats(-2, 2)] * 3)
factors = st.sampled_from([0.25, 0.5, 1.0, 2.0, 3.0, 0.7])


@st.composite
def similarities(draw: st.DrawFn) -> Transform:
    """Rotations, perhaps with a mirror, scalings and translations."""
    element = translation(draw(vectors)) @ scaling(draw(factors)) @ draw(rotations())
    return element @ mirror(draw(st.sampled_from([0, 1, 2]))) if draw(st.booleans()) else element


@st.composite
def turns(draw: st.DrawFn) -> Transform:
    return draw(rotations())


@st.composite
def planar(draw: st.DrawFn) -> Transform:
    """Similarities of the plane x, y."""
    x, y, _ = draw(vectors)
    turn = rotation([0, 0, draw(st.floats(-3, 3))])
    element = translation([x, y, 0]) @ scaling(draw(factors)) @ turn
    return element @ mirror(draw(st.sampled_from([0, 1]))) if draw(st.booleans()) else element


@st.composite
def products(draw: st.DrawFn) -> Transform:
    return product(draw(similarities()), draw(similarities()))


@st.composite
def boosts(draw: st.DrawFn) -> Transform:
    """Products of a boost and a turn in two dimensions of space."""
    speed, angle = draw(st.floats(-1, 1)), draw(st.floats(-3, 3))
    boost = np.array([[math.cosh(speed), math.sinh(speed), 0], [math.sinh(speed), math.cosh(speed), 0], [0, 0, 1]])
    turn = np.eye(3)
    turn[1:, 1:] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    return linear(boost @ turn)


SPACE = eq.CartesianPoints(nodes=0, batch=None)
EULER = torch.from_numpy(Rotation.random(NODES, rng=np.random.default_rng(0)).as_euler("xyz"))
IN_FRONT = torch.cat([numbers(NODES, 2) / 4, torch.full((NODES, 1), -6.0, dtype=torch.float64)], -1)

ACTIONS = {
    "points": (SPACE, numbers(NODES, 3), similarities()),
    "areas": (eq.Invariant(degree=2), numbers(NODES, 2), similarities()),
    "curvatures of vectors": (eq.CartesianTensor(degree=-1), numbers(NODES, 3), similarities()),
    "irreps with a scale": (eq.Irreps("1x0e+1x1o+1x2e", degree=1), numbers(NODES, 9), similarities()),
    "logarithms": (eq.LogScale(2), numbers(NODES, 2), similarities()),
    "points of a plane": (eq.CartesianPoints(dimensions=2), numbers(NODES, 2), planar()),
    "vectors of a plane": (eq.CartesianTensor((1,), dimensions=2), numbers(NODES, 2), planar()),
    "pixels": (eq.GridPoints(origin=(3.5, 7.5)), numbers(NODES, 2), planar()),
    "device coordinates": (
        eq.GridPoints(axes=(1, 0), spacing=(0.25, 0.5), flipped=(False, True)), numbers(NODES, 2), planar(),
    ),
    "up to a sign": (eq.UpToSign("1x1o"), numbers(NODES, 3), turns()),
    "exchanged rows": (eq.Swapped(SPACE, order=(1, 0, 2, 3)), numbers(NODES, 3), similarities()),
    "factors": (
        eq.Factors({0: eq.CartesianTensor((1,)), 1: eq.CartesianTensor((2,))}), numbers(NODES, 3, 3), products(),
    ),
    "points of a factor": (eq.Factors({1: SPACE}), numbers(NODES, 3), products()),
    "a matrix group": (eq.Linear(), numbers(NODES, 3), boosts()),
    "a tensor of a matrix group": (eq.Linear(lambda m: np.kron(m, m)), numbers(NODES, 9), boosts()),
    "sensitive": (eq.Sensitive(SPACE), numbers(NODES, 3), similarities()),
    "masked": (
        eq.Masked(SPACE, by="mask").with_mask(torch.tensor([True, False, True, True])),
        numbers(NODES, 3),
        similarities(),
    ),
    "rays": (eq.ImageRays(2.0), numbers(NODES, 2) / 4, turns()),
    "rays of a camera that looks along +z": (eq.ImageRays(2.0, "+z"), numbers(NODES, 2) / 4, turns()),
    "points with depth": (eq.Unprojected(2.0), IN_FRONT, similarities()),
    "angles": (eq.Angles("xyz"), EULER, turns()),
    "angles in degrees": (eq.Angles("ZYX", degrees=True), 50 * EULER, turns()),
}  # fmt: skip
"""Name -> representation, values, elements."""


def same(how: eq.Representation, values: torch.Tensor, expected: torch.Tensor) -> bool:
    """True if two values stand for the same, to rounding."""
    none = Transform()
    values, expected = how.compared(values, none), how.compared(expected, none)
    off = float((how.nearest(values, expected) - expected).norm())
    return off <= 1e-6 * (1 + float(expected.norm()))


@pytest.mark.parametrize("name", ACTIONS)
@given(data=st.data())
def test_actions_act(name, data):
    how, values, elements = ACTIONS[name]
    g, h = data.draw(elements), data.draw(elements)
    twice = how.transform(how.transform(values, h), g)
    assume(bool(twice.isfinite().all()) and float(twice.abs().max()) < 1e6)
    assert same(how, how.transform(values, g @ h), twice)


@pytest.mark.parametrize("name", ACTIONS)
@given(data=st.data())
def test_the_inverse_undoes_and_dtype_and_shape_stay(name, data):
    how, values, elements = ACTIONS[name]
    g = data.draw(elements)
    moved = how.transform(values, g)
    assume(bool(moved.isfinite().all()) and float(moved.abs().max()) < 1e6)
    assert same(how, how.transform(moved, g.inverse()), values)
    single = how.transform(values.float(), g)
    assert (single.dtype, single.shape) == (torch.float32, values.shape)
    assert torch.equal(how.transform(values, Transform()), values)


@pytest.mark.parametrize("name", ACTIONS)
@given(order=permutations(NODES), data=st.data())
def test_permutations_and_actions_commute(name, order, data):
    how, values, elements = ACTIONS[name]
    if name in ("masked", "exchanged rows"):  # the mask and the order belong to the rows of the example
        return
    g = data.draw(elements)
    one, other = (how.transform(how.transform(values, a), b) for a, b in ((g, order), (order, g)))
    torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9, equal_nan=True)


@pytest.mark.parametrize("name", ACTIONS)
@given(chosen=st.lists(st.integers(0, NODES - 1), min_size=1, max_size=3), data=st.data())
def test_selections_and_actions_commute(name, chosen, data):
    how, values, elements = ACTIONS[name]
    if name in ("masked", "exchanged rows"):
        return
    g, some = data.draw(elements), samples(chosen, of=NODES)
    how = how.placed_like(eq.Invariant(nodes=None, batch=0))
    one, other = (how.transform(how.transform(values, a), b) for a, b in ((g, some), (some, g)))
    torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9, equal_nan=True)


@given(exponent=st.integers(-3, 3), degree=st.integers(-2, 3))
def test_powers_of_two_scale_exactly(exponent, degree):
    values = numbers(NODES, 3).float()
    how, g = eq.Invariant(degree=degree), scaling(2.0**exponent)
    assert torch.equal(how.transform(how.transform(values, g), g.inverse()), values)


@given(order=permutations(NODES))
def test_pairs_follow_on_both_axes(order):
    points, how = numbers(NODES, 3), eq.Pairs()
    moved = eq.Invariant().transform(points, order)
    assert torch.equal(how.transform(torch.cdist(points, points), order), torch.cdist(moved, moved))
    assert torch.equal(how.transform(how.transform(torch.eye(NODES), order), order.inverse()), torch.eye(NODES))


@given(order=permutations(NODES))
def test_a_mask_follows_its_rows(order):
    mask, values = torch.tensor([True, False, True, True]), numbers(NODES, 3)
    how = eq.Masked(SPACE, by="mask").with_mask(mask)
    moved = how.transform(values, order)
    kept = how.compared(moved, order)
    assert (kept.abs().sum(-1) > 0).tolist() == mask[list(order.order)].tolist()


@given(row=st.integers(-3, 3), column=st.integers(-3, 3), quarters=st.integers(0, 3))
def test_a_canvas_moves_as_a_whole(row, column, quarters):
    whole = numbers(1, 1, 16, 16)
    window, how = eq.Canvas(irreps="1x0e", axes=(2, 3), inner=(8, 8)).present(whole, "image")
    turn = rotation([0, 0, math.pi / 2 * quarters]) if quarters else Transform()
    exact = Transform(tuple(tuple(float(round(v)) for v in r) for r in turn.matrix), (float(row), float(column), 0.0))
    moved = eq.Grid(irreps="1x0e", axes=(2, 3)).transform(whole, exact)
    assert torch.equal(how.transform(window, exact), moved[..., 4:12, 4:12])
    assert torch.equal(how.transform(window + 1, Transform()), window + 1)


@given(g=planar())
def test_a_scene_is_rendered_as_it_is_moved(g):
    def render(points):
        return points.square().sum(-1)[None]

    flat = eq.CartesianPoints(nodes=0, batch=None, dimensions=2)
    scene = numbers(NODES, 2)
    picture, how = eq.Rendered(render=render, scene=flat).present(scene, "image")
    torch.testing.assert_close(how.transform(picture, g), render(flat.transform(scene, g)))
    torch.testing.assert_close(how.transform(picture + 1, g), render(flat.transform(scene, g)) + 1)


@given(x=st.floats(-20, 20), y=st.floats(-20, 20))
def test_points_on_a_torus_are_equal_up_to_periods(x, y):
    how, values = eq.GridPoints(periodic=(8.0, 6.0)), torch.tensor([[x, y]], dtype=torch.float64)
    far = values + torch.tensor([[16.0, -18.0]], dtype=torch.float64)
    torch.testing.assert_close(how.nearest(far, values), values, atol=1e-12, rtol=0)


@given(seed=st.integers(0, 99))
def test_signs_are_free_for_each_vector(seed):
    values = numbers(NODES, 3, seed=seed)
    signs = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64)[:, None]
    assert torch.equal(eq.UpToSign("1x1o").nearest(values * signs, values), values)


def test_an_exchange_of_arguments_acts_on_exchanged_rows_only():
    values, how = numbers(2, 3), eq.Swapped(None, order=(1, 0), axis=0)
    assert torch.equal(how.transform(values, swap("first", "second")), values.flip(0))
    assert torch.equal(eq.Invariant().transform(values, swap("first", "second")), values)
