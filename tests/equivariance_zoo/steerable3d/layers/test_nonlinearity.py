import pytest
import torch

from equivariance_zoo.steerable3d import (
    Gated,
    InvariantPool,
    NormNonlinearity,
    SteerableBatchNorm,
)
from tests.equivariance_zoo.steerable3d.layers.checks import ODD, check, fields, moved
from tests.equivariance_zoo.steerable3d.rotations import cube_rotations

pytestmark = pytest.mark.usefixtures("double")


@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_pointwise_layers_turn(parity, mode):
    matrices = [*cube_rotations()[[5, 14]], *([-m for m in cube_rotations()[[0, 9]]] if parity else [])]
    gate = moved(Gated(ODD, parity))
    check(gate.train(mode == "train"), str(gate.irreps_in), ODD, 4, matrices)
    check(moved(NormNonlinearity(ODD, parity)).train(mode == "train"), ODD, ODD, 4, matrices)
    check(moved(SteerableBatchNorm(ODD, parity)).train(mode == "train"), ODD, ODD, 4, matrices)
    check(moved(InvariantPool(ODD, parity)), ODD, "", 4, matrices, grid=False)


@pytest.mark.slow
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


def test_fields_of_other_channels_are_refused():
    with pytest.raises(ValueError, match="expected 1 channels on axis 1"):
        Gated("1x0e")(torch.zeros(1, 2, 4))
