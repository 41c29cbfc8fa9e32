"""Every layer commutes with the rotations of the lattice and with circular shifts, exactly."""

import copy

import pytest
import torch
from torch import nn

from equivariance_zoo.steerable3d import (
    Gated,
    InvariantPool,
    LowPass,
    NormNonlinearity,
    SteerableBatchNorm,
    SteerableConv3d,
)
from tests.equivariance_zoo.steerable3d.rotations import cube_rotations, turned

pytestmark = pytest.mark.numeric

IN, OUT = "2x0e + 2x1e + 1x2e", "3x0e + 2x1e + 1x2e"
ODD = "2x0e + 1x0o + 2x1o + 1x1e + 1x2e"


@pytest.fixture(autouse=True)
def _double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def moved(module):
    """The module with parameters and statistics away from their first values."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        for name, buffer in module.named_buffers():
            buffer.add_(torch.rand_like(buffer) if name == "running_var" else torch.randn_like(buffer))
    return module.eval()


def fields(irreps, size, batch=2):
    from e3nn import o3

    return torch.randn(batch, o3.Irreps(irreps).dim, size, size, size)


def check(module, irreps_in, irreps_out, size, matrices, grid=True):
    given = fields(irreps_in, size)
    expected = module(given)
    for matrix in matrices:
        found = module(turned(given, irreps_in, matrix))
        wanted = turned(expected, irreps_out, matrix) if grid else expected
        assert (found - wanted).norm() < 1e-13 * wanted.norm()


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


def test_a_stride_gives_what_the_low_pass_filter_gives():
    conv, given = moved(SteerableConv3d(IN, OUT, 5, stride=2, periodic=True)), fields(IN, 8)
    whole = copy.deepcopy(conv)
    whole.stride = 1
    assert torch.allclose(conv(given), LowPass(2, periodic=True)(whole(given)), atol=1e-12)


def test_the_low_pass_filter_turns_and_keeps_constants():
    check(LowPass(2), OUT, OUT, 7, cube_rotations()[[5, 14]])
    check(LowPass(2, periodic=True), OUT, OUT, 8, cube_rotations()[[5, 14]])
    constant = torch.full((1, 2, 8, 8, 8), 3.0)
    assert torch.allclose(LowPass(2, periodic=True)(constant), torch.full((1, 2, 4, 4, 4), 3.0))


@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_pointwise_layers_turn(parity, mode):
    matrices = [*cube_rotations()[[5, 14]], *([-m for m in cube_rotations()[[0, 9]]] if parity else [])]
    gate = moved(Gated(ODD, parity))
    check(gate.train(mode == "train"), str(gate.irreps_in), ODD, 4, matrices)
    check(moved(NormNonlinearity(ODD, parity)).train(mode == "train"), ODD, ODD, 4, matrices)
    check(moved(SteerableBatchNorm(ODD, parity)).train(mode == "train"), ODD, ODD, 4, matrices)
    check(moved(InvariantPool(ODD, parity)), ODD, "", 4, matrices, grid=False)


def test_batch_normalization_normalizes_and_remembers():
    norm, given = SteerableBatchNorm(IN, momentum=1.0), 5 * fields(IN, 6, 4) + 1
    made = norm(given)
    assert torch.allclose(made[:, :2].mean((0, 2, 3, 4)), torch.zeros(2), atol=1e-12)
    assert torch.allclose(made[:, 2:5].square().mean(), torch.ones(()), atol=1e-3)
    assert torch.allclose(norm.eval()(given), made)


def test_scalars_far_from_zero_are_normalized_too():
    given = 1e3 + fields("2x0e", 4)
    made = SteerableBatchNorm("2x0e").float()(given.float())
    assert torch.allclose(made.double(), SteerableBatchNorm("2x0e")(given), atol=2e-3)


def test_gradients_of_layers_and_their_gradients_are_right():
    """Of what is written by hand, and of native operations that are put to another use."""
    norm = SteerableBatchNorm("1x0e + 1x1e")
    gate = Gated("1x0e + 1x1e")
    given = fields("2x0e + 1x1e", 2).requires_grad_()
    for layer, fed in ((norm, given[:, :4]), (gate, given[:, [0, 2, 3, 4, 1]])):
        inputs = fed.detach().requires_grad_()
        assert torch.autograd.gradcheck(layer, inputs)
        assert torch.autograd.gradgradcheck(layer, inputs)


def test_norms_of_zero_vectors_have_no_gradient():
    layer = NormNonlinearity("1x0e + 1x1e")
    given = torch.zeros(1, 4, 2, 2, 2, requires_grad=True)
    layer(given).sum().backward()
    assert given.grad is not None
    assert given.grad.isfinite().all()


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
        (lambda: Gated("1x0e")(torch.zeros(1, 2, 4)), "expected 1 channels on axis 1"),
        (lambda: LowPass(0), "stride: expected 1 or more"),
    ],
)
def test_what_does_not_fit_is_told(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_fields_may_lie_on_any_grid():
    assert SteerableBatchNorm(IN)(torch.randn(3, 13, 5)).shape == (3, 13, 5)
    assert isinstance(Gated(IN), nn.Module)
