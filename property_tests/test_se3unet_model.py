"""The whole SE(3)-Unet in its variants: heatmaps do not change with the frame, the order or the company."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from equivariance._engine.instrumentation.testbed import perturb_weights
from equivariance.strategies import permutations, point_clouds, rotations, translations
from property_tests.layers import NEIGHBOURS, TOLERANCE, small, tells_apart, well_placed
from se3unet.model import SE3Unet

VARIANTS = {
    "default": {},
    "two levels, convolution": {"levels": 2, "messages": "convolution", "pooling": "mean"},
    "sums": {"relative_positions": "add", "skip": "sum", "pooling": "max", "heads": 2},
    "attentive": {"self_interaction": "attentive", "last_self_interaction": "1x1", "power": 1.0, "max_degree": 1},
}
POINTS = {1: 2 * NEIGHBOURS, 2: 4 * NEIGHBOURS}


@cache
def model(variant: str) -> SE3Unet:
    torch.manual_seed(0)
    return perturb_weights(SE3Unet(small(**VARIANTS[variant])).double().eval(), 0)


@st.composite
def clouds(draw: st.DrawFn, variant: str) -> Tensor:
    """A batch of one or two clouds, of generic or special points, of any scale."""
    count, size = draw(st.integers(1, 2)), POINTS[VARIANTS[variant].get("levels", 1)]
    positions = draw(point_clouds(count * size, count * size)).reshape(count, size, 3)
    assume(well_placed(positions))
    return positions


def same(variant: str, one: Tensor, other: Tensor) -> None:
    with torch.no_grad():
        first, second = model(variant).logits(one), model(variant).logits(other)
    assert float((first - second).norm()) <= TOLERANCE * float(first.norm())


@pytest.mark.parametrize("variant", VARIANTS)
@given(data=st.data(), element=rotations())
def test_rotation(variant, data, element):
    positions = data.draw(clouds(variant))
    same(variant, positions, positions @ torch.tensor(element.matrix, dtype=torch.float64).T)


@pytest.mark.parametrize("variant", VARIANTS)
@given(data=st.data(), element=translations())
def test_translation(variant, data, element):
    """Up to a thousand times the size of the clouds, on their dyadic grid."""
    positions = data.draw(clouds(variant))
    extent = float(positions.abs().max())
    unit = 2.0 ** math.floor(math.log2(extent)) if extent > 0 else 1.0
    same(variant, positions, positions + unit * torch.tensor(element.vector, dtype=torch.float64))


@pytest.mark.parametrize("variant", VARIANTS)
@given(data=st.data())
def test_permutation(variant, data):
    positions = data.draw(clouds(variant))
    assume(tells_apart(positions))
    order = list(data.draw(permutations(positions.shape[1])).order)
    with torch.no_grad():
        expected, given_order = model(variant).logits(positions)[:, order], model(variant).logits(positions[:, order])
    assert float((expected - given_order).norm()) <= TOLERANCE * float(expected.norm())


@pytest.mark.parametrize("variant", VARIANTS)
@given(data=st.data())
def test_samples_do_not_see_each_other(variant, data):
    positions = data.draw(clouds(variant))
    other = data.draw(clouds(variant))
    with torch.no_grad():
        together = model(variant).logits(torch.cat([positions, other]))[: len(positions)]
        alone = torch.stack([model(variant).logits(sample) for sample in positions])
    assert float((together - alone).norm()) <= TOLERANCE * float(alone.norm())


@given(data=st.data())
def test_a_call_leaves_its_argument_alone_and_gives_the_same_again(data):
    positions = data.draw(clouds("default"))
    before = positions.clone()
    with torch.no_grad():
        first, second = model("default")(positions), model("default")(positions)
    assert torch.equal(positions, before)
    torch.testing.assert_close(first, second, atol=1e-14, rtol=0)


@pytest.mark.parametrize("points", range(1, NEIGHBOURS + 1))
def test_one_point_or_no_more_points_than_neighbours_is_refused(points):
    for shape in ((points, 3), (2, points, 3)):
        with pytest.raises(ValueError, match=f"positions: expected more than neighbours={NEIGHBOURS} points"):
            model("default")(torch.zeros(shape, dtype=torch.float64))


def test_too_few_points_at_a_coarser_level_are_refused():
    with pytest.raises(ValueError, match="at level 1"):
        model("default")(torch.zeros(NEIGHBOURS + 1, 3, dtype=torch.float64))
