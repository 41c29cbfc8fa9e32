"""The kernel basis is steerable, independent and complete."""

import numpy as np
import pytest
import torch
from e3nn import o3
from scipy.linalg import null_space
from scipy.spatial.transform import Rotation

from equivariance_zoo.steerable3d.layers.basis import Element, Shells, elements, kernel_basis, sample_kernel
from tests.equivariance_zoo.steerable3d.rotations import cube_rotations, wigner

pytestmark = pytest.mark.numeric

PAIRS = [(l, j) for l in range(4) for j in range(4)]  # noqa: E741
SHELLS = Shells(11)
"""Large enough for its outer shell to have every frequency up to 6."""


def at(positions, degree_in, degree_out, parity=None):
    """Every basis kernel of the outer shell at positions [..., 3]: [B, 2j+1, 2l+1, ...]."""
    found = [e for e in elements(SHELLS, degree_in, degree_out, parity) if e.radius == SHELLS.radii[-1]]
    return torch.stack([sample_kernel(SHELLS, e, degree_in, degree_out, positions) for e in found])


@pytest.mark.parametrize(("degree_in", "degree_out"), PAIRS)
def test_the_constraint_holds_for_any_rotation(degree_in, degree_out):
    positions = torch.randn(5, 3, dtype=torch.float64)
    matrix = Rotation.random(rng=1).as_matrix()
    left, right = (wigner(f"{d}e", matrix) for d in (degree_out, degree_in))
    expected = torch.einsum("ij,bjkp,lk->bilp", left, at(positions, degree_in, degree_out), right)
    found = at(positions @ torch.from_numpy(matrix).T, degree_in, degree_out)
    assert (found - expected).abs().max() < 1e-12


@pytest.mark.parametrize(("degree_in", "degree_out"), PAIRS)
@pytest.mark.parametrize("parity", [None, 1, -1])
def test_the_basis_spans_the_null_space_of_the_constraint(degree_in, degree_out, parity):
    """On one orbit, a sphere, a kernel is free at one point up to the rotations that leave the point alone.

    So the solutions of kappa(r x) = D_j(r) kappa(x) D_l(r)^-1 on a sphere are the matrices that commute with the
    stabilizer of x: the null space of a matrix that is made without spherical harmonics of the basis.
    """
    direction = np.array([0.36, 0.48, -0.8])
    equations = []
    for angle in (0.3, 1.1, 2.5):
        matrix = Rotation.from_rotvec(angle * direction).as_matrix()
        equations.append(constraint(degree_in, degree_out, matrix, 1))
    if parity is not None:  # a half turn about an axis across x, with the inversion: a mirror that keeps x
        across = np.cross(direction, [1.0, 0, 0])
        matrix = Rotation.from_rotvec(np.pi * across / np.linalg.norm(across)).as_matrix()
        equations.append(constraint(degree_in, degree_out, matrix, parity))
    solutions = null_space(np.concatenate(equations), rcond=1e-9)
    radius = SHELLS.radii[-1]
    found = at(radius * torch.from_numpy(direction), degree_in, degree_out, parity).flatten(1).numpy().T \
        if elements(SHELLS, degree_in, degree_out, parity) else np.zeros((len(solutions), 0))  # fmt: skip
    assert found.shape[1] == solutions.shape[1]
    if found.shape[1]:
        assert np.linalg.matrix_rank(found) == found.shape[1]
        assert np.abs(found - solutions @ (solutions.T @ found)).max() < 1e-12


def constraint(degree_in, degree_out, matrix, sign):
    """Rows of vec(kappa) = sign D_j kappa D_l^T, for a rotation, with a mirror of parity ``sign`` in front."""
    left, right = (wigner(f"{d}e", matrix).numpy() for d in (degree_out, degree_in))
    size = (2 * degree_in + 1) * (2 * degree_out + 1)
    return sign * np.kron(left, right) - np.eye(size)


@pytest.mark.parametrize("size", [3, 4, 5, 7])
@pytest.mark.parametrize(("degree_in", "degree_out"), [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2)])
def test_sampled_kernels_respect_the_rotations_of_the_lattice_and_are_independent(size, degree_in, degree_out):
    basis = kernel_basis(Shells(size), degree_in, degree_out)
    for matrix in cube_rotations()[[3, 10, 17]]:
        source = [int(np.argmax(np.abs(row))) for row in matrix]
        is_tie = [3 + a for a in range(3) if matrix[a, source[a]] < 0]
        moved = basis.permute(0, 1, 2, *[3 + s for s in source]).flip(is_tie)
        left, right = (wigner(f"{d}e", matrix) for d in (degree_out, degree_in))
        expected = torch.einsum("ij,bjkxyz,lk->bilxyz", left, moved, right)
        assert (basis - expected).abs().max() < 1e-12
    if len(basis):
        rows = basis.flatten(1)
        assert torch.linalg.matrix_rank(rows) == len(basis)
        assert torch.allclose(rows.norm(dim=1), torch.full((len(basis),), (2 * degree_out + 1.0) ** 0.5).double())


def test_the_band_limit_is_twice_the_radius():
    found = elements(Shells(5), 2, 2, None)
    assert {r: [e.frequency for e in found if e.radius == r] for r in (0, 1, 2)} == {
        0: [0], 1: [0, 1, 2], 2: [0, 1, 2, 3, 4],
    }  # fmt: skip


def test_parity_keeps_the_frequencies_of_its_sign():
    assert {e.frequency for e in elements(Shells(5), 1, 1, 1)} == {0, 2}
    assert {e.frequency for e in elements(Shells(5), 1, 1, -1)} == {1}


def test_the_shells_are_gaussian():
    positions = torch.tensor([[2.0, 0, 0], [0, 2.5, 0], [0, 0, -1.0]]).double()
    kernel = sample_kernel(Shells(7, 0.5), Element(2, 0), 0, 0, positions)
    assert torch.allclose(kernel[0, 0], torch.tensor([1.0, np.exp(-0.5), np.exp(-2.0)]).double())


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
def test_the_basis_is_the_same_under_every_default_dtype(default):
    expected = kernel_basis(Shells(5), 1, 2)
    kernel_basis.cache_clear()
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        assert torch.equal(kernel_basis(Shells(5), 1, 2), expected)
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize(("settings", "words"), [((0,), "size"), ((2.5,), "size"), ((3, 0.0), "width")])
def test_settings_are_checked(settings, words):
    with pytest.raises(ValueError, match=words):
        Shells(*settings)


def test_wigner_3j_are_e3nns():
    kernel = sample_kernel(Shells(5), Element(1, 1), 1, 0, torch.tensor([0.0, 0, 1.0]).double())
    assert torch.allclose(kernel, o3.wigner_3j(0, 1, 1, dtype=torch.float64)[:, :, 2] * 3**0.5)
