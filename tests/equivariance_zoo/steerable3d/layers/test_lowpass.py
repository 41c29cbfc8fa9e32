import copy

import pytest
import torch

from equivariance_zoo.steerable3d import (
    LowPass,
    SteerableConv3d,
)
from tests.equivariance_zoo.steerable3d.layers.checks import IN, OUT, check, fields, moved
from tests.equivariance_zoo.steerable3d.rotations import cube_rotations

pytestmark = pytest.mark.usefixtures("double")


def test_a_stride_gives_what_the_low_pass_filter_gives():
    conv, given = moved(SteerableConv3d(IN, OUT, 5, stride=2, periodic=True)), fields(IN, 8)
    whole = copy.deepcopy(conv)
    whole.stride = 1
    assert torch.allclose(conv(given), LowPass(2, periodic=True)(whole(given)), atol=1e-12)


def test_the_low_pass_filter_turns_and_keeps_constants():
    check(LowPass(2), OUT, OUT, 7, cube_rotations()[[5, 14]])
    check(LowPass(2, periodic=True), OUT, OUT, 8, cube_rotations()[[5, 14]])
    constant = torch.full((1, 2, 8, 8, 8), 3.0)
    assert torch.allclose(LowPass(2, periodic=True)(constant), torch.full((1, 2, 4, 4, 4), 3.0))


def test_a_stride_below_one_is_refused():
    with pytest.raises(ValueError, match="stride: expected 1 or more"):
        LowPass(0)
