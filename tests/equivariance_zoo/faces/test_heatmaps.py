import math

import pytest
import torch

from equivariance_zoo.faces import SIGMA, FaceError, heatmaps

pytestmark = pytest.mark.numeric


def test_value_at_known_distances():
    points = torch.tensor([[0.0, 0.0, 0.0], [SIGMA, 0.0, 0.0], [0.0, 3 * SIGMA, 4 * SIGMA]], dtype=torch.float64)
    values = heatmaps(points, torch.zeros(1, 3, dtype=torch.float64))
    expected = torch.tensor([[1.0], [math.exp(-0.5)], [math.exp(-12.5)]], dtype=torch.float64)
    torch.testing.assert_close(values, expected, rtol=1e-14, atol=0)


def test_sigma_of_the_report():
    assert SIGMA == 0.095


def test_shape_order_and_batches():
    points, landmarks = torch.randn(2, 10, 3), torch.randn(2, 4, 3)
    values = heatmaps(points, landmarks, sigma=1.0)
    assert values.shape == (2, 10, 4)
    torch.testing.assert_close(values[1, 3, 2], torch.exp(-(points[1, 3] - landmarks[1, 2]).square().sum() / 2))
    torch.testing.assert_close(values[0], heatmaps(points[0], landmarks[0], sigma=1.0))


def test_far_from_the_origin():
    grid = torch.arange(12, dtype=torch.float32).reshape(4, 3) / 64
    near = heatmaps(grid, grid[:2])
    torch.testing.assert_close(heatmaps(grid + 1024, grid[:2] + 1024), near, rtol=0, atol=0)


@pytest.mark.parametrize(("points", "landmarks", "name"), [((3,), (4, 3), "points"), ((5, 3), (4, 2), "landmarks")])
def test_wrong_shape_is_an_error(points, landmarks, name):
    with pytest.raises(FaceError, match=rf"{name}: expected shape \[..., n, 3\]"):
        heatmaps(torch.zeros(points), torch.zeros(landmarks))


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_sigma_that_is_not_positive_is_an_error(sigma):
    with pytest.raises(FaceError, match=f"sigma: expected a positive width but got {sigma}"):
        heatmaps(torch.zeros(1, 3), torch.zeros(1, 3), sigma=sigma)


def test_samples_that_do_not_pair_are_an_error():
    with pytest.raises(FaceError, match=r"landmarks: expected the same axes before \[n, 3\] but got points"):
        heatmaps(torch.zeros(3, 5, 3), torch.zeros(2, 4, 3))


@pytest.mark.parametrize("name", ["points", "landmarks"])
def test_coordinates_that_are_not_finite_are_an_error(name):
    given = {"points": torch.zeros(5, 3), "landmarks": torch.zeros(2, 3), name: torch.full((2, 3), math.nan)}
    with pytest.raises(FaceError, match=f"{name}: expected finite coordinates"):
        heatmaps(**given)
