import pytest
import torch

from se3unet.layers.norms import NormBias, NormNonlinearity
from tests.se3unet.so3_oracle import haar_rotations, largest, largest_difference, perturb, random_fibers, rotate_fibers

pytestmark = pytest.mark.numeric

IRREPS = "4x0e+3x1e+2x2e"
LAYERS = [NormBias, NormNonlinearity]


def build(kind, softening: float = 0.0):
    torch.manual_seed(0)
    layer = kind(IRREPS, softening).double()
    perturb(layer)
    return layer


@pytest.mark.parametrize("softening", [0.0, 0.1])
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("rotation", haar_rotations(2), ids=lambda r: f"{r.magnitude():.3f}rad")
def test_equivariant_on_any_leading_axes(rotation, kind, softening):
    layer, features = build(kind, softening), random_fibers(IRREPS, 2, 5, 6)
    expected = rotate_fibers(layer(features), rotation)
    assert largest_difference(expected, layer(rotate_fibers(features, rotation))) < 1e-12


@pytest.mark.parametrize("softening", [0.0, 0.1])
@pytest.mark.parametrize("kind", LAYERS)
def test_zero_stays_zero_with_finite_gradients(kind, softening):
    layer = build(kind, softening)
    features = {degree: torch.zeros_like(f).requires_grad_() for degree, f in random_fibers(IRREPS, 5).items()}
    output = layer(features)
    sum(feature.sum() for feature in output.values()).backward()
    assert all(feature.abs().max() == 0 for feature in output.values())
    assert all(feature.grad.isfinite().all() for feature in features.values())


def test_norm_bias_shifts_the_norm_and_keeps_the_direction():
    layer = NormBias("2x1e")
    with torch.no_grad():
        layer.bias["1"].copy_(torch.tensor([0.5, -6.0]))
    features = {1: torch.tensor([[[3.0, 0.0, 4.0], [3.0, 0.0, 4.0]]])}
    torch.testing.assert_close(layer(features)[1], torch.tensor([[[3.3, 0.0, 4.4], [0.0, 0.0, 0.0]]]))


@pytest.mark.parametrize("kind", LAYERS)
def test_softening_makes_the_output_vanish_with_the_feature(kind):
    tiny = {degree: 1e-12 * feature for degree, feature in random_fibers(IRREPS, 5).items()}
    hard = largest(build(kind)(tiny))
    soft = largest(build(kind, 0.1)(tiny))
    assert hard > 0.1
    assert soft < 1e-9


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_reach_every_parameter(kind):
    layer, features = build(kind), random_fibers(IRREPS, 50)
    sum(feature.square().sum() for feature in layer(features).values()).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


@pytest.mark.parametrize("kind", LAYERS)
def test_negative_softening_is_refused(kind):
    with pytest.raises(ValueError, match="softening: expected 0 or more, got -1"):
        kind(IRREPS, -1)
