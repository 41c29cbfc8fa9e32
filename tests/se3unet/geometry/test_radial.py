import numpy as np
import torch
from scipy.interpolate import BSpline

from se3unet.geometry.radial import MIDDLE, SPLINES, radial_basis

LENGTHS = torch.tensor([0.0, 1e-9, 0.01, 0.1, 0.25, 0.3, 1.0, 7.0, 1e6], dtype=torch.float64)


def test_the_basis_is_that_of_cubic_splines():
    spacing = 1 / (SPLINES - 3)
    knots = spacing * np.arange(-3, SPLINES + 1)
    places = (LENGTHS / (LENGTHS + MIDDLE)).numpy()
    for number, values in enumerate(radial_basis(LENGTHS)):
        expected = BSpline(knots, np.eye(SPLINES)[number], 3)(places)
        np.testing.assert_allclose(values.numpy(), expected, atol=1e-14)


def test_the_basis_sums_to_one_at_every_length():
    lengths = torch.cat([LENGTHS, torch.tensor([1e300], dtype=torch.float64)]).reshape(2, 5)
    total = radial_basis(lengths).sum(0)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_derivatives_of_the_basis():
    lengths = (1.01 * LENGTHS[2:-1]).requires_grad_()  # off the knots
    assert torch.autograd.gradcheck(radial_basis, (lengths,))
    assert torch.autograd.gradgradcheck(radial_basis, (lengths,))
