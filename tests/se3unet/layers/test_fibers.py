import pytest
import torch
from e3nn import o3

from se3unet.layers.fibers import channels_by_degree, check_fibers, fiber_irreps


def test_channels_and_irreps_are_inverse():
    channels = channels_by_degree("3x2e+5x0e+1e")
    assert channels == {0: 5, 1: 1, 2: 3}
    assert fiber_irreps(channels) == o3.Irreps("5x0e+1x1e+3x2e")


@pytest.mark.parametrize(("irreps", "message"), [("5x1o", "even labels.*1o"), ("1e+2x1e", "degree 1 twice")])
def test_irreps_that_are_no_fiber_are_refused(irreps, message):
    with pytest.raises(ValueError, match=message):
        channels_by_degree(irreps)


def test_wrong_fibers_are_named():
    irreps = o3.Irreps("2x0e+1e")
    with pytest.raises(ValueError, match=r"features: expected degrees \[0, 1\].*got \[0\]"):
        check_fibers("features", {0: torch.zeros(4, 2, 1)}, irreps)
    with pytest.raises(ValueError, match=r"features\[1\]: expected shape \[..., 1, 3\], got \[4, 3\]"):
        check_fibers("features", {0: torch.zeros(4, 2, 1), 1: torch.zeros(4, 3)}, irreps)
