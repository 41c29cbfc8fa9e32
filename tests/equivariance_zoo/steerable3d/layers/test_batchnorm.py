import pytest
import torch
from torch import nn

from equivariance_zoo.steerable3d import (
    Gated,
    SteerableBatchNorm,
)
from tests.equivariance_zoo.steerable3d.layers.checks import IN, fields

pytestmark = pytest.mark.usefixtures("double")


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


def test_fields_may_lie_on_any_grid():
    assert SteerableBatchNorm(IN)(torch.randn(3, 13, 5)).shape == (3, 13, 5)
    assert isinstance(Gated(IN), nn.Module)
