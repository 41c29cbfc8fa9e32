import pytest
import torch
from e3nn import o3

from se3unet.geometry.so3 import norm_and_direction
from se3unet.layers.dense.basis import KernelBasis, spherical_harmonics
from tests.se3unet.so3_oracle import edge_vectors, haar_rotations, matrix, wigner_d

pytestmark = pytest.mark.numeric


@pytest.mark.parametrize("degree", range(7))
def test_harmonics_are_those_of_e3nn(degree):
    _, directions = norm_and_direction(edge_vectors()[:-2])
    ours = spherical_harmonics(6, directions)[:, degree**2 : (degree + 1) ** 2]
    theirs = o3.spherical_harmonics(degree, directions, normalize=True, normalization="component")
    assert (ours - theirs).abs().max() < 1e-12


@pytest.mark.parametrize("rotation", haar_rotations(3), ids=lambda r: f"{r.magnitude():.3f}rad")
def test_basis_is_equivariant(rotation):
    basis = KernelBasis(2)
    vectors = edge_vectors()
    before, after = basis(vectors), basis(vectors @ matrix(rotation).T)
    for (i, o), kernels in before.items():
        turned = torch.einsum("ab,ebcf,dc->eadf", wigner_d(o, rotation), kernels, wigner_d(i, rotation))
        assert (turned - after[i, o]).abs().max() < 1e-12


def test_basis_shapes_and_norms_on_any_leading_axes():
    vectors = edge_vectors(40)[:40].reshape(4, 5, 2, 3)
    basis = KernelBasis(2)(vectors)
    assert sorted(basis) == [(i, o) for i in range(3) for o in range(3)]
    for (i, o), kernels in basis.items():
        assert kernels.shape == (4, 5, 2, 2 * o + 1, 2 * i + 1, 2 * min(i, o) + 1)
        norms = kernels.square().sum((-3, -2))
        torch.testing.assert_close(norms, torch.full_like(norms, 2 * o + 1))


def test_basis_kernels_of_a_pair_are_independent():
    kernels = KernelBasis(2)(edge_vectors(1)[:1])[2, 2]
    assert torch.linalg.matrix_rank(kernels.reshape(-1, 5)) == 5


def test_basis_gradients_are_finite_at_zero_edges():
    vectors = edge_vectors().requires_grad_()
    sum(kernels.square().sum() + kernels.sum() for kernels in KernelBasis(2)(vectors).values()).backward()
    assert vectors.grad.isfinite().all()
    assert vectors.grad[-2:].abs().max() == 0


def test_constants_keep_float64_after_a_detour_over_float32():
    vectors = edge_vectors()
    basis = KernelBasis(2)
    expected = basis(vectors)
    actual = basis.to(torch.float32).to(torch.float64)(vectors)
    assert all(torch.equal(expected[pair], actual[pair]) for pair in expected)


def test_basis_made_in_inference_mode_serves_training_later():
    from se3unet.layers.dense import basis

    basis._coupling.cache_clear()
    basis._raising.cache_clear()
    with torch.inference_mode():
        KernelBasis(1)(edge_vectors())
    vectors = edge_vectors().requires_grad_()
    KernelBasis(1)(vectors)[1, 1].sum().backward()
    assert vectors.grad is not None


def test_negative_degree_is_refused():
    with pytest.raises(ValueError, match=r"max_degree.*-1"):
        KernelBasis(-1)
