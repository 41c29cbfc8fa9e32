import pytest
import torch

from se3unet.geometry.so3 import norm_and_direction, wigner_3j
from tests.se3unet.so3_oracle import edge_vectors, haar_rotations, wigner_d

pytestmark = pytest.mark.numeric


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e-3, 1.0, 1e150, 1e300])
def test_norm_and_direction_hold_at_every_scale(scale):
    lengths, directions = norm_and_direction(torch.tensor([[3.0, 0.0, -4.0]], dtype=torch.float64) * scale)
    torch.testing.assert_close(lengths / scale, torch.tensor([[5.0]], dtype=torch.float64))
    torch.testing.assert_close(directions, torch.tensor([[0.6, 0.0, -0.8]], dtype=torch.float64))


def test_norm_and_direction_gradients():
    vectors = edge_vectors(6)[:-2].requires_grad_()
    assert torch.autograd.gradcheck(norm_and_direction, (vectors,))


def test_zero_vector_has_zero_length_direction_and_gradient():
    vectors = torch.zeros(2, 3, requires_grad=True)
    lengths, directions = norm_and_direction(vectors)
    (lengths.sum() + directions.sum()).backward()
    assert lengths.abs().sum() == directions.abs().sum() == vectors.grad.abs().sum() == 0


def test_wigner_3j_is_invariant_to_float64():
    symbol = wigner_3j(2, 2, 3)
    rotation = haar_rotations(1)[0]
    turned = torch.einsum("abc,ia,jb,kc->ijk", symbol, *(wigner_d(degree, rotation) for degree in (2, 2, 3)))
    assert symbol.dtype == torch.float64
    assert (turned - symbol).abs().max() < 1e-12
