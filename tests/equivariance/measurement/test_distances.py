"""Distances of two tensors, in blocks and at once."""

import math

import pytest
import torch

from equivariance._engine.measurement.relative_error import distance, norm

pytestmark = pytest.mark.numeric

SIZES = [0, 1, 100, 8191, 8192, 16384, 16385, 100_000]


def pair(size, factor=1.0):
    generator = torch.Generator().manual_seed(size)
    left, apart = torch.randn(2, size, generator=generator, dtype=torch.float64)
    return left, left + factor * apart, factor * apart


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("factor", [0.0, 1e-12, 1.0])
def test_a_distance_is_the_norm_of_the_difference(size, factor):
    left, right, _ = pair(size, factor)
    assert distance(left, right) == pytest.approx(norm(left - right), rel=1e-13)


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("factor", [1e200, 1e-200])
def test_squares_may_overflow_and_underflow(size, factor):
    *_, apart = pair(size, factor)
    assert distance(apart, torch.zeros_like(apart)) == pytest.approx(factor * norm(apart / factor), rel=1e-12)


@pytest.mark.parametrize("size", SIZES[2:])
def test_what_differs_at_the_end_is_seen(size):
    left, _, _ = pair(size)
    right = left.clone()
    right[-1] += 3
    assert distance(left, right) == pytest.approx(3, rel=1e-12)


@pytest.mark.parametrize("size", SIZES[2:])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_infinitely_far(size, bad):
    left, right, _ = pair(size)
    right[size // 2] = bad
    assert distance(left, right) == math.inf


@pytest.mark.parametrize("size", SIZES[2:])
def test_layouts_and_zeros_of_either_sign_do_not_matter(size):
    left, right, _ = pair(size)
    spread = torch.stack([right, right], -1)[..., 0]
    assert distance(left, spread) == pytest.approx(distance(left, right), rel=1e-13)
    assert distance(torch.zeros(size, dtype=torch.float64), -torch.zeros(size, dtype=torch.float64)) == 0
