"""Wigner D matrices against scipy, against their defining relation and against e3nn in float64."""

from contextlib import contextmanager

import pytest
import torch
from e3nn import o3
from scipy.spatial.transform import Rotation

from equivariance.groups import cube_rotations, inversion, rotation
from equivariance.representations.wigner import wigner_d

pytestmark = pytest.mark.numeric


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


ROTATIONS = [rotation(r) for r in Rotation.random(5, random_state=0)] + list(cube_rotations())[1::6]


@pytest.mark.parametrize("element", ROTATIONS, ids=repr)
def test_degree_one_is_the_rotation_matrix_in_the_order_x_y_z(element):
    torch.testing.assert_close(wigner_d(1, -1, element), torch.from_numpy(element.array), atol=1e-14, rtol=0)


@pytest.mark.parametrize("degree", range(7))
@pytest.mark.parametrize("element", ROTATIONS[:3], ids=repr)
def test_equal_to_e3nn_in_float64(element, degree):
    with default_dtype(torch.float64):
        expected = o3.Irrep(degree, 1).D_from_matrix(torch.from_numpy(element.array))
    torch.testing.assert_close(wigner_d(degree, 1, element), expected, atol=1e-13, rtol=0)


@pytest.mark.parametrize("degree", range(7))
@pytest.mark.parametrize("default", [torch.float32, torch.float64])
def test_orthogonal_and_exact_whatever_the_default_dtype(degree, default):
    with default_dtype(default):
        matrix = wigner_d(degree, 1, rotation([0.1, 0.2, 0.3 + degree + (default == torch.float64)]))
    assert matrix.dtype == torch.float64
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(2 * degree + 1, dtype=torch.float64), atol=1e-13, rtol=0)


@pytest.mark.parametrize("degree", range(7))
@pytest.mark.parametrize("parity", [1, -1])
def test_inversion_is_the_parity(degree, parity):
    expected = parity * torch.eye(2 * degree + 1, dtype=torch.float64)
    torch.testing.assert_close(wigner_d(degree, parity, inversion()), expected, atol=1e-14, rtol=0)
    turned = rotation([1, 2, 3])
    torch.testing.assert_close(
        wigner_d(degree, parity, inversion() @ turned), parity * wigner_d(degree, parity, turned), atol=1e-14, rtol=0
    )
