import copy

import pytest
import torch

from equivariance_zoo.steerable3d import (
    SteerableConv3d,
)
from tests.equivariance_zoo.steerable3d.layers.checks import IN, ODD, OUT, check, fields, moved
from tests.equivariance_zoo.steerable3d.rotations import cube_rotations

pytestmark = pytest.mark.usefixtures("double")


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_convolutions_turn_with_the_lattice_on_even_and_odd_grids(size, stride, kernel_size):
    conv = moved(SteerableConv3d(IN, OUT, kernel_size, stride=stride))
    check(conv, IN, OUT, size, cube_rotations()[[5, 14, 21]])


def test_even_kernels_are_dilated_and_padded():
    check(moved(SteerableConv3d(IN, OUT, 4, padding=2)), IN, OUT, 8, cube_rotations()[[5, 14]])
    conv = moved(SteerableConv3d(IN, OUT, 3, dilation=2))
    check(conv, IN, OUT, 7, cube_rotations()[[5, 14]])
    assert conv(fields(IN, 7)).shape[2:] == (7, 7, 7)


def test_with_parity_inversions_are_respected_and_without_they_are_not():
    matrices = [-m for m in cube_rotations()[[0, 9]]]
    check(moved(SteerableConv3d(ODD, ODD, 3, parity=True)), ODD, ODD, 6, matrices)
    with pytest.raises(AssertionError):
        check(moved(SteerableConv3d(ODD, ODD, 3)), ODD, ODD, 6, matrices)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_periodic_convolutions_commute_with_circular_shifts(stride):
    conv, given = moved(SteerableConv3d(IN, OUT, 3, stride=stride, periodic=True)), fields(IN, 8)
    found = conv(given.roll((stride, -2 * stride, 0), (2, 3, 4)))
    assert (found - conv(given).roll((1, -2, 0), (2, 3, 4))).norm() < 1e-13 * found.norm()


def test_unit_variance_stays():
    conv = SteerableConv3d("8x0e + 4x1e + 2x2e", "16x0e + 8x1e + 4x2e", 5, periodic=True)
    assert 0.8 < float(conv(fields("8x0e + 4x1e + 2x2e", 9)).detach().std()) < 1.25


@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_are_the_same_twice_where_taps_reach_from_border_to_border(stride):
    conv, given = SteerableConv3d("1x0e", "2x0e + 1x1e", 7, stride=stride), torch.randn(2, 1, 6, 6, 6)
    found = []
    for _ in range(6):
        garbage = [torch.full((n,), torch.nan) for n in (10, 1000, 5000, 100_000, 1_000_000)]
        del garbage
        conv.float().zero_grad()
        conv(given.float()).square().sum().backward()
        found.append(conv.expansion.weight.grad.clone())
    assert all(one.equal(found[0]) for one in found)


class TestKeptKernel:
    def test_it_is_kept_in_evaluation_and_follows_the_weights(self):
        conv, given = SteerableConv3d("1x0e", "1x1e", 3).eval(), torch.randn(1, 1, 4, 4, 4)
        with torch.no_grad():
            before = conv(given)
            kept = conv._kept
            assert conv(given).equal(before)
            assert conv._kept is kept
            conv.expansion.weight.mul_(2)
            assert torch.allclose(conv(given), 2 * before)
            conv.float()
            assert conv(given.float()).dtype == torch.float32

    def test_training_differentiates_through_the_weights(self):
        conv = SteerableConv3d("1x0e", "1x1e", 3)
        for module in (conv, conv.eval()):
            module.zero_grad()
            module(torch.randn(1, 1, 4, 4, 4)).square().sum().backward()
            assert conv.expansion.weight.grad.abs().sum() > 0

    def test_copies_and_inference_mode(self):
        conv, given = SteerableConv3d("1x0e", "1x1e", 3).eval(), torch.randn(1, 1, 4, 4, 4)
        with torch.inference_mode():
            made = conv(given)
        assert copy.deepcopy(conv)(given).allclose(made)
        assert conv(given).requires_grad


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SteerableConv3d("1x0e", "1x1e", 1), "irreps_out: expected irreps that kernels of size 1 reach"),
        (lambda: SteerableConv3d("1x0e", "1x0e", 3, stride=2, padding=1), "stride: expected 1 with padding"),
        (lambda: SteerableConv3d("1x0e", "1x0e", 3, stride=0), "stride, dilation: expected 1 or more"),
        (lambda: SteerableConv3d("2x0e", "1x0e", 3)(torch.zeros(1, 1, 4, 4, 4)), r"fields: expected \[batch, 2, x"),
        (lambda: SteerableConv3d("1x0e", "1x0e", 3, stride=2)(torch.zeros(1, 1, 4, 5, 4)), "all even or all odd"),
        (
            lambda: SteerableConv3d("1x0e", "1x0e", 3, stride=2, periodic=True)(torch.zeros(1, 1, 5, 5, 5)),
            "sizes that 2 divides",
        ),
        (lambda: SteerableConv3d("1x0e", "1x0e", 4)(torch.zeros(1, 1, 4, 4, 4)), "taps: expected a number with which"),
    ],
)
def test_what_does_not_fit_is_told(make, words):
    with pytest.raises(ValueError, match=words):
        make()
