import pytest
import torch
from e3nn import o3

from se3unet.layers.interaction import AttentiveSelfInteraction, ConcatenateSkip, SelfInteraction, SumSkip
from tests.se3unet.so3_oracle import haar_rotations, largest_difference, perturb, random_fibers, rotate_fibers

pytestmark = pytest.mark.numeric

IRREPS_IN = "4x0e+3x1e+2x2e"
IRREPS_OUT = "5x0e+2x1e"
MIXERS = [SelfInteraction, AttentiveSelfInteraction]


def build(kind):
    torch.manual_seed(0)
    layer = kind(IRREPS_IN, IRREPS_OUT).double()
    perturb(layer)
    return layer


@pytest.mark.parametrize("kind", MIXERS)
@pytest.mark.parametrize("rotation", haar_rotations(2), ids=lambda r: f"{r.magnitude():.3f}rad")
def test_mixers_are_equivariant_on_any_leading_axes(rotation, kind):
    layer, features = build(kind), random_fibers(IRREPS_IN, 2, 5, 6)
    output = layer(features)
    assert {degree: f.shape for degree, f in output.items()} == {0: (2, 5, 6, 5, 1), 1: (2, 5, 6, 2, 3)}
    assert largest_difference(rotate_fibers(output, rotation), layer(rotate_fibers(features, rotation))) < 1e-12


@pytest.mark.parametrize("kind", MIXERS)
def test_mixers_take_zero_features_and_reach_every_parameter(kind):
    layer, features = build(kind), random_fibers(IRREPS_IN, 30)
    features[1][:10] = 0
    features = {degree: f.requires_grad_() for degree, f in features.items()}
    output = layer(features)
    sum(feature.square().sum() for feature in output.values()).backward()
    assert output[1][:10].abs().max() == 0
    assert all(features[degree].grad.isfinite().all() for degree in (0, 1))
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


@pytest.mark.parametrize("kind", MIXERS)
def test_mixers_refuse_a_degree_that_does_not_come_in(kind):
    with pytest.raises(ValueError, match=r"irreps_out: expected degrees.*got degrees \[2\]"):
        kind("1x0e", "1x0e+1x2e")


def test_attentive_weights_are_convex():
    layer = build(AttentiveSelfInteraction)
    same = random_fibers("1x0e+1x1e+1x2e", 8)
    repeated = {degree: same[degree].expand(-1, count, -1) for degree, count in ((0, 4), (1, 3), (2, 2))}
    output = layer(repeated)
    assert largest_difference(output, {0: same[0].expand(-1, 5, -1), 1: same[1].expand(-1, 2, -1)}) < 1e-12


def test_concatenation_keeps_the_degrees_of_the_output():
    skip = ConcatenateSkip("2x0e+3x2e", "1x0e+4x1e")
    outputs, inputs = random_fibers("2x0e+3x2e", 6), random_fibers("1x0e+4x1e", 6, seed=1)
    joined = skip(outputs, inputs)
    assert skip.irreps_out == o3.Irreps("3x0e+3x2e")
    assert torch.equal(joined[0], torch.cat([outputs[0], inputs[0]], 1))
    assert torch.equal(joined[2], outputs[2])


@pytest.mark.parametrize("swap", [False, True])
def test_sum_pads_what_is_missing_with_zeros(swap):
    irreps, fibers = ["3x0e+3x2e", "1x0e+4x1e"], [random_fibers("3x0e+3x2e", 6), random_fibers("1x0e+4x1e", 6, seed=1)]
    few = fibers[1][0].clone()
    if swap:
        irreps, fibers = irreps[::-1], fibers[::-1]
    skip = SumSkip(*irreps)
    joined = skip(*fibers)
    assert skip.irreps_out == o3.Irreps("3x0e+4x1e+3x2e")
    many = fibers[1 if swap else 0]
    assert torch.equal(joined[0][:, :1], many[0][:, :1] + few)
    assert torch.equal(joined[0][:, 1:], many[0][:, 1:])
    assert torch.equal(joined[2], many[2])
    assert torch.equal(fibers[0 if swap else 1][0], few)


@pytest.mark.parametrize("kind", [ConcatenateSkip, SumSkip])
def test_skips_name_the_wrong_side(kind):
    skip = kind("2x0e", "1x0e")
    with pytest.raises(ValueError, match=r"inputs\[0\]: expected shape \[..., 1, 1\], got \[6, 2, 1\]"):
        skip(random_fibers("2x0e", 6), random_fibers("2x0e", 6))
