"""The heatmaps of a real face under rigid motions, which in float32 round the coordinates themselves."""

import numpy as np
import pytest
import torch

from equivariance_zoo import faces
from se3unet import SE3Unet, SE3UnetConfig
from tests.se3unet.so3_oracle import perturb


@pytest.mark.slow
def test_heatmaps_of_a_face_agree_under_rigid_motions():
    torch.manual_seed(0)
    model = SE3Unet().eval().requires_grad_(False)
    face, random = faces.sample(1).positions[0], np.random.default_rng(0)
    expected = model(face)
    assert expected.shape == (1024, 68)
    assert float(expected.std(0).min()) > 1e-3
    for _ in range(3):
        moved = faces.random_motion(random, 10.0).apply(face)
        assert float((model(moved) - expected).abs().max()) < 1e-4


@pytest.mark.slow
def test_heatmaps_of_a_face_are_equivariant_in_float64():
    torch.manual_seed(0)
    model = SE3Unet().double().eval().requires_grad_(False)
    perturb(model)
    face, random = faces.sample(1, torch.float64).positions[0], np.random.default_rng(1)
    # Coordinates on a grid of 2^-24 and their translates by whole numbers are exact in float64.
    grid = (face * 2**24).round() / 2**24
    expected = model(grid)
    far = torch.tensor([512.0, -768.0, 384.0], dtype=torch.float64)
    assert float((model(grid + far) - expected).norm() / expected.norm()) < 1e-11
    turned = faces.random_motion(random, 0.0).apply(grid)
    assert float((model(turned) - expected).norm() / expected.norm()) < 1e-11


def test_heatmaps_do_not_jump_where_a_pick_changes():
    """Along a straight path of the points, bisected to where the last pick goes to another point."""
    random = np.random.default_rng(18)
    start = torch.nn.functional.normalize(torch.from_numpy(random.normal(size=(300, 3))), dim=-1)
    step = 3e-4 * torch.from_numpy(random.normal(size=start.shape))
    torch.manual_seed(0)
    model = SE3Unet(SE3UnetConfig(channels=2)).double().eval().requires_grad_(False)
    perturb(model)

    def picks(at):
        return set(model.pool[0].sample((start + at * step).unsqueeze(0)).picks[0].tolist())

    ends = picks(0), picks(1)
    assert len(ends[0] - ends[1]) == 1
    before, after = 0.0, 1.0
    while after - before > 1e-12:
        middle = (before + after) / 2
        before, after = (middle, after) if picks(middle) == ends[0] else (before, middle)
    assert picks(before) != picks(after)
    jump = model(start + before * step) - model(start + after * step)
    assert float(jump.abs().max()) < 1e-6
