import pytest
import torch

from se3unet.layers.dense.radial import RadialProfile


def test_weights_on_any_leading_axes():
    profile = RadialProfile(invariants=2, channels_in=3, channels_out=4, frequencies=5).double()
    invariants = torch.rand(2, 6, 7, 2, dtype=torch.float64)
    weights = profile(invariants)
    assert weights.shape == (2, 6, 7, 4, 3, 5)
    torch.testing.assert_close(weights[1, 2, 3], profile(invariants[1, 2, 3]))


def test_weights_depend_on_the_distance():
    profile = RadialProfile(invariants=1, channels_in=1, channels_out=1, frequencies=1)
    weights = profile(torch.tensor([[0.1], [0.2], [3.0]])).flatten()
    assert weights.unique().numel() == 3


def test_gradients_reach_invariants_and_parameters():
    profile = RadialProfile(invariants=1, channels_in=2, channels_out=2, frequencies=3).double()
    invariants = torch.rand(5, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(profile, (invariants,))
    profile(invariants).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for name, parameter in profile.named_parameters())


def test_wrong_number_of_invariants_is_named():
    with pytest.raises(ValueError, match=r"invariants: expected shape \[..., 2\], got \[5, 1\]"):
        RadialProfile(invariants=2, channels_in=1, channels_out=1, frequencies=1)(torch.zeros(5, 1))
