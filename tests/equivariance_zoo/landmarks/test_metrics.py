"""Heatmaps and landmarks are measured right: known values, and laws that hold for all inputs."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from equivariance_zoo import faces
from equivariance_zoo.landmarks.metrics import (
    cumulative_errors,
    failure_rate,
    interocular,
    iou,
    iou_curve,
    landmark_error_mm,
    normalized_error,
    refined_landmarks,
    soft_landmarks,
)

pytestmark = pytest.mark.numeric

SEEDS = st.integers(0, 2**20)
FEW = settings(max_examples=25, deadline=None)


def random(seed, *shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def bowl():
    """A curved sheet: 400 of its points, 4,000 others of it, and four landmarks on it."""

    def lifted(plane):
        return torch.cat([plane, plane.square().sum(-1, keepdim=True)], -1)

    return (
        lifted(random(0, 2, 400, 2) * 1.2 - 0.6),
        lifted(random(1, 2, 4000, 2) * 1.2 - 0.6),
        lifted(random(2, 2, 4, 2) * 0.6 - 0.3),
    )


class TestIou:
    def test_of_known_sets(self):
        target = torch.tensor([[0.9, 0.9, 0.1], [0.9, 0.1, 0.1], [0.1, 0.1, 0.1]])
        predicted = torch.tensor([[0.9, 0.1, 0.9], [0.9, 0.9, 0.1], [0.9, 0.1, 0.1]])
        torch.testing.assert_close(iou(predicted, target), torch.tensor([2 / 3, 0.0, 0.0]))

    def test_nothing_to_compare_is_not_a_number(self):
        assert iou(torch.full((5, 1), 0.2), torch.zeros(5, 1)).isnan().all()

    @FEW
    @given(SEEDS, st.floats(0.05, 0.95))
    def test_laws(self, seed, threshold):
        one, other = random(seed, 3, 9, 4), random(seed + 1, 3, 9, 4)
        value = iou(one, other, threshold)
        assert value.shape == (3, 4)
        torch.testing.assert_close(value, iou(other, one, threshold), equal_nan=True)
        order = torch.randperm(9, generator=torch.Generator().manual_seed(seed))
        torch.testing.assert_close(value, iou(one[:, order], other[:, order], threshold), equal_nan=True)
        known = value[~value.isnan()]
        assert ((known >= 0) & (known <= 1)).all()
        itself = iou(one, one, threshold)
        assert ((itself == 1) | itself.isnan()).all()

    def test_curve_is_iou_at_each_threshold(self):
        one, other = random(0, 2, 9, 4), random(1, 2, 9, 4)
        curve = iou_curve(one, other, (0.1, 0.5))
        assert curve.shape == (2, 2, 4)
        torch.testing.assert_close(curve[1], iou(one, other, 0.5), equal_nan=True)

    @pytest.mark.parametrize("threshold", [0.0, 1.0, math.nan])
    def test_bad_threshold(self, threshold):
        with pytest.raises(ValueError, match="threshold: expected a number between 0 and 1"):
            iou(torch.zeros(2, 3), torch.zeros(2, 3), threshold)

    def test_shapes_that_differ(self):
        with pytest.raises(ValueError, match=r"predicted, target: .* got \[2, 3\] and \[3, 2\]"):
            iou(torch.zeros(2, 3), torch.zeros(3, 2))


class TestLandmarks:
    def test_one_point_with_all_the_heat(self):
        heat = torch.zeros(7, 2)
        heat[3, 0] = heat[5, 1] = 0.7
        positions = random(0, 7, 3).float()
        torch.testing.assert_close(soft_landmarks(heat, positions), positions[[3, 5]])

    def test_a_faint_background_does_not_pull(self, bowl):
        cloud, _, truth = bowl
        heat = faces.heatmaps(cloud, truth)
        torch.testing.assert_close(soft_landmarks(heat.clamp_min(0.05), cloud), soft_landmarks(heat, cloud))

    def test_no_heat_is_the_mean(self):
        positions = random(0, 7, 3)
        torch.testing.assert_close(soft_landmarks(torch.zeros(7, 1), positions), positions.mean(0, keepdim=True))

    def test_refined_are_on_the_surface_and_nearer(self, bowl):
        cloud, surface, truth = bowl
        heat = faces.heatmaps(cloud, truth)
        soft = (soft_landmarks(heat, cloud) - truth).norm(dim=-1)
        refined = refined_landmarks(heat, cloud, surface)
        assert (refined[..., 2] - refined[..., :2].square().sum(-1)).abs().max() < 2e-3
        assert (refined - truth).norm(dim=-1).max() < 2e-3 < soft.mean()

    @pytest.mark.parametrize("height", [0.3, 0.9])
    def test_the_height_of_the_bell_does_not_matter(self, bowl, height):
        cloud, surface, truth = bowl
        heat = faces.heatmaps(cloud, truth)
        torch.testing.assert_close(
            refined_landmarks(height * heat, cloud, surface), refined_landmarks(heat, cloud, surface)
        )

    @FEW
    @given(SEEDS, st.floats(0, 1000))
    def test_they_move_with_the_cloud(self, bowl, seed, distance):
        cloud, surface, truth = bowl
        noise = random(seed, 2, 400, 4) * 0.2
        heat = faces.heatmaps(cloud, truth) + noise
        turn = torch.tensor(Rotation.random(rng=seed).as_matrix())
        shift = distance * torch.tensor([0.6, -0.8, 0.0], dtype=torch.float64)

        def moved(points):
            return points @ turn.T + shift

        for read in (lambda m: soft_landmarks(heat, m(cloud)), lambda m: refined_landmarks(heat, m(cloud), m(surface))):
            torch.testing.assert_close(read(moved), moved(read(lambda x: x)), rtol=0, atol=1e-7)

    @FEW
    @given(SEEDS)
    def test_any_heat_gives_places_near_the_cloud(self, bowl, seed):
        cloud, surface, _ = bowl
        heat = random(seed, 2, 400, 3) ** 8
        found = refined_landmarks(heat.float(), cloud.float(), surface.float())
        assert found.dtype == torch.float32
        assert found.isfinite().all()
        assert found.abs().max() < 2

    def test_flat_and_empty_heat_gives_places(self, bowl):
        cloud, surface, _ = bowl
        for value in (0.0, 1.0):
            assert refined_landmarks(torch.full((2, 400, 3), value), cloud, surface).isfinite().all()

    def test_bad_arguments(self):
        heat, points = torch.rand(9, 2), torch.rand(9, 3)
        with pytest.raises(ValueError, match=r"heatmaps, positions: expected shapes .* got \[9, 2\] and \[8, 3\]"):
            soft_landmarks(heat, points[:8])
        with pytest.raises(ValueError, match="heatmaps: expected finite numbers"):
            soft_landmarks(heat * math.nan, points)
        with pytest.raises(ValueError, match=r"surface: expected shape \['S', 3\] with S of 8 or more, got \[7, 3\]"):
            refined_landmarks(heat, points, points[:7])
        with pytest.raises(ValueError, match="surface: expected finite numbers"):
            refined_landmarks(heat, points, points * math.inf)
        with pytest.raises(ValueError, match="sigma: expected a width above 0"):
            refined_landmarks(heat, points, points, sigma=0.0)


class TestErrors:
    def test_in_millimetres(self):
        true = torch.zeros(2, 68, 3)
        predicted = true + torch.tensor([0.03, 0.0, -0.04])
        error = landmark_error_mm(predicted, true, torch.tensor([100.0, 200.0]))
        torch.testing.assert_close(error, torch.tensor([5.0, 10.0], dtype=torch.float64).view(2, 1).expand(2, 68))

    @FEW
    @given(SEEDS, st.floats(0.1, 10))
    def test_normalized_error_has_no_unit(self, seed, size):
        true, predicted = random(seed, 68, 3), random(seed + 1, 68, 3)
        torch.testing.assert_close(normalized_error(size * predicted, size * true), normalized_error(predicted, true))

    def test_interocular_distance_is_between_the_outer_corners(self):
        landmarks = torch.zeros(68, 3)
        landmarks[36, 0], landmarks[45, 1] = 3, 4
        assert float(interocular(landmarks)) == 5

    def test_shapes_that_differ(self):
        with pytest.raises(ValueError, match=r"predicted, true: expected the same shape"):
            normalized_error(torch.zeros(68, 3), torch.zeros(67, 3))

    @FEW
    @given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0, 1))
    def test_curve_and_failures_complete_each_other(self, errors, threshold):
        values, grid = torch.tensor(errors, dtype=torch.float64), torch.linspace(0, 1, 11)
        curve = cumulative_errors(values, grid)
        assert (curve.diff() >= 0).all()
        assert curve[-1] == 1
        failed = sum(error > threshold for error in errors) / len(errors)
        assert failure_rate(values, threshold) == pytest.approx(failed)

    def test_an_error_that_is_no_number_is_a_failure(self):
        assert failure_rate(torch.tensor([0.01, math.nan])) == 0.5

    def test_no_face_is_an_error(self):
        with pytest.raises(ValueError, match="errors: expected shape"):
            failure_rate(torch.zeros(0))
