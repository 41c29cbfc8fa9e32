import pytest
import torch
from e3nn import o3

from se3unet.layers.dense.basis import KernelBasis
from se3unet.layers.dense.kernel import RelativePositions, TFNLinear
from tests.se3unet.so3_oracle import (
    edge_vectors,
    haar_rotations,
    largest,
    largest_difference,
    matrix,
    perturb,
    random_fibers,
    rotate_fibers,
)

pytestmark = pytest.mark.numeric

IRREPS_IN = "3x0e+2x1e+4x2e"
IRREPS_OUT = "2x0e+5x1e+1x2e"


def linear(edge_scalars: int = 0) -> TFNLinear:
    torch.manual_seed(0)
    layer = TFNLinear(IRREPS_IN, IRREPS_OUT, edge_scalars).double()
    perturb(layer)
    return layer


def invariants_of(vectors: torch.Tensor, edge_scalars: int = 0) -> torch.Tensor:
    scalars = torch.linspace(0, 1, edge_scalars, dtype=vectors.dtype).expand(*vectors.shape[:-1], edge_scalars)
    return torch.cat([scalars, vectors.norm(dim=-1, keepdim=True)], -1)


@pytest.mark.parametrize("edge_scalars", [0, 2])
@pytest.mark.parametrize("rotation", haar_rotations(2), ids=lambda r: f"{r.magnitude():.3f}rad")
def test_linear_is_equivariant(rotation, edge_scalars):
    layer, basis, vectors = linear(edge_scalars), KernelBasis(2), edge_vectors()
    features = random_fibers(IRREPS_IN, len(vectors))
    invariants = invariants_of(vectors, edge_scalars)
    expected = rotate_fibers(layer(features, invariants, basis(vectors)), rotation)
    actual = layer(rotate_fibers(features, rotation), invariants, basis(vectors @ matrix(rotation).T))
    assert largest_difference(expected, actual) < 1e-12 * largest(expected)


def test_linear_is_the_sum_of_radial_weights_times_basis():
    layer, vectors = linear(), edge_vectors()
    features = random_fibers(IRREPS_IN, len(vectors))
    invariants, basis = invariants_of(vectors), KernelBasis(2)(vectors)
    actual = layer(features, invariants, basis)
    for o in layer.channels_out:
        expected = sum(
            torch.einsum("edcf,eoif,eci->edo", layer.radial[f"{i}_{o}"](invariants), basis[i, o], features[i])
            for i in layer.channels_in
        )
        torch.testing.assert_close(actual[o], expected)


def test_linear_works_on_neighbourhoods():
    layer, vectors = linear(), edge_vectors(22).reshape(2, 3, 5, 3)
    features = random_fibers(IRREPS_IN, 2, 3, 5)
    output = layer(features, invariants_of(vectors), KernelBasis(2)(vectors))
    flat = layer(
        {degree: feature.flatten(0, 2) for degree, feature in features.items()},
        invariants_of(vectors).flatten(0, 2),
        KernelBasis(2)(vectors.flatten(0, 2)),
    )
    assert {degree: feature.shape for degree, feature in output.items()} == {
        0: (2, 3, 5, 2, 1),
        1: (2, 3, 5, 5, 3),
        2: (2, 3, 5, 1, 5),
    }
    assert largest_difference({degree: feature.flatten(0, 2) for degree, feature in output.items()}, flat) < 1e-12


def test_linear_gradients_are_finite_with_zero_edges():
    layer, vectors = linear(), edge_vectors().requires_grad_()
    features = {degree: feature.requires_grad_() for degree, feature in random_fibers(IRREPS_IN, len(vectors)).items()}
    output = layer(features, invariants_of(vectors.detach()), KernelBasis(2)(vectors))
    sum(feature.square().sum() for feature in output.values()).backward()
    assert vectors.grad.isfinite().all()
    assert all(feature.grad.abs().sum() > 0 for feature in features.values())
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_wrong_features_are_named():
    vectors = edge_vectors()
    with pytest.raises(ValueError, match=r"features: expected degrees \[0, 1, 2\]"):
        linear()(random_fibers("3x0e+2x1e", len(vectors)), invariants_of(vectors), KernelBasis(2)(vectors))


@pytest.mark.parametrize("mode", ["concatenate", "add"])
@pytest.mark.parametrize("rotation", haar_rotations(1), ids=lambda r: f"{r.magnitude():.3f}rad")
def test_relative_positions_are_equivariant_and_pure(mode, rotation):
    layer, vectors = RelativePositions(IRREPS_IN, mode), edge_vectors()
    features = random_fibers(IRREPS_IN, len(vectors))
    copies = {degree: feature.clone() for degree, feature in features.items()}
    expected = rotate_fibers(layer(features, vectors), rotation)
    actual = layer(rotate_fibers(features, rotation), vectors @ matrix(rotation).T)
    assert largest_difference(expected, actual) < 1e-12
    assert features.keys() == copies.keys()
    assert largest_difference(features, copies) == 0


def test_relative_positions_concatenated_are_one_more_channel():
    vectors = edge_vectors()
    layer = RelativePositions("2x0e", "concatenate")
    assert layer.irreps_out == o3.Irreps("2x0e+1x1e")
    assert torch.equal(layer(random_fibers("2x0e", len(vectors)), vectors)[1], vectors.unsqueeze(1))
    assert RelativePositions("2x1e", "concatenate").irreps_out == o3.Irreps("3x1e")


def test_relative_positions_added_go_to_the_first_channel():
    vectors, features = edge_vectors(), random_fibers("2x1e", 48)
    output = RelativePositions("2x1e", "add")(features, vectors)[1]
    assert torch.equal(output[:, 0], features[1][:, 0] + vectors)
    assert torch.equal(output[:, 1], features[1][:, 1])


def test_relative_positions_refuse_what_they_cannot_do():
    with pytest.raises(ValueError, match="mode: expected 'concatenate' or 'add', got 'sum'"):
        RelativePositions("1e", "sum")
    with pytest.raises(ValueError, match=r"irreps_in: expected type-1 channels.*2x0e"):
        RelativePositions("2x0e", "add")


def test_an_untrained_linear_keeps_the_scale_of_its_input():
    torch.manual_seed(0)
    irreps, vectors = "20x0e+20x1e+20x2e", edge_vectors(200)[:200]
    output = TFNLinear(irreps, irreps).double()(
        random_fibers(irreps, 200), invariants_of(vectors), KernelBasis(2)(vectors)
    )
    for feature in output.values():
        assert 0.3 < float(feature.detach().square().mean()) < 3
