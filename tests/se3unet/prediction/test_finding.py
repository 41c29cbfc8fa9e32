import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from equivariance_zoo import faces
from se3unet.prediction.confidence import read
from se3unet.prediction.finding import find
from se3unet.prediction.units import NOMINAL_UNIT_MM, UNITS_MM, likely_units
from tests.se3unet.prediction.scans import LANDMARKS_MM, POINTS_MM, SAMPLE, Perfect

pytestmark = pytest.mark.numeric

CLOUD = POINTS_MM / NOMINAL_UNIT_MM


def true_heatmaps():
    return faces.heatmaps(SAMPLE.positions, SAMPLE.landmarks)[0]


def first_points(clouds, count):
    """Heat of 1 at a few points only, of all landmarks alike at one, or of one landmark after the other at each."""
    heat = torch.zeros(*clouds.shape[:2], 68)
    for landmark in range(68):
        heat[:, landmark % count, landmark] = 1
    return heat


BLIND = {
    "no peak": lambda clouds: torch.full((*clouds.shape[:2], 68), 0.01),
    "no heat": lambda clouds: torch.zeros(*clouds.shape[:2], 68),
    "one place": lambda clouds: first_points(clouds, 1),
    "one line": lambda clouds: first_points(clouds, 2),
}
"""Networks that say of no cloud what is said of a face."""


def rounded_otherwise(network, seed):
    """As on another processor."""
    generator = torch.Generator().manual_seed(seed)

    def noisy(clouds):
        heat = network(clouds)
        return heat * (1 + 2.0**-23 * torch.randn(heat.shape, generator=generator))

    return noisy


class TestConfidence:
    def test_true_heatmaps_are_of_a_face(self):
        reading = read(true_heatmaps(), SAMPLE.positions[0])
        assert reading.confidence > 0.8
        assert reading.certainties.shape == (68,)
        assert reading.size == pytest.approx(NOMINAL_UNIT_MM / float(SAMPLE.unit_mm[0]), abs=0.05)

    def test_landmarks_that_changed_places_are_not(self):
        order = torch.randperm(68, generator=torch.Generator().manual_seed(0))
        assert read(true_heatmaps()[:, order], SAMPLE.positions[0]).confidence < 0.4

    def test_landmarks_of_the_mirror_image_are_not_those_of_the_face(self):
        mirrored = SAMPLE.positions[0] * torch.tensor([-1.0, 1, 1])
        own = read(true_heatmaps(), SAMPLE.positions[0]).confidence
        assert read(true_heatmaps(), mirrored).confidence < own - 0.2

    def test_faint_heatmaps_are_not(self):
        assert read(0.2 * true_heatmaps(), SAMPLE.positions[0]).confidence < 0.2

    def test_no_heat_at_all_is_no_confidence(self):
        assert read(torch.zeros(1024, 68), SAMPLE.positions[0]).confidence == 0

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 2**20))
    def test_it_is_the_same_in_every_pose(self, seed):
        rotation = torch.from_numpy(Rotation.random(rng=seed).as_matrix())
        turned = read(true_heatmaps(), SAMPLE.positions[0] @ rotation.T + 3)
        assert turned.confidence == pytest.approx(read(true_heatmaps(), SAMPLE.positions[0]).confidence, abs=1e-9)


class TestFinding:
    def test_landmarks_are_found_on_the_surface(self):
        network = Perfect()
        found = find(CLOUD, network)
        errors = np.linalg.norm(found.landmarks * NOMINAL_UNIT_MM - LANDMARKS_MM, axis=1)
        # The surface is known at 1,024 points only, 8 mm apart.
        assert errors.mean() < 2
        assert found.reading.confidence > 0.8
        assert found.positions.shape == (1024, 3)
        assert found.heatmaps.shape == (1024, 68)
        assert {shape[1:] for shape in network.shapes} == {(1024, 3)}

    def test_a_moved_scan_has_the_moved_landmarks(self):
        rotation, shift = Rotation.random(rng=1), np.array([300.0, -20.0, 4.0])
        at_rest = find(CLOUD, Perfect()).landmarks
        moved = find(rotation.apply(CLOUD) + shift, Perfect(rotation)).landmarks
        assert np.abs(moved - rotation.apply(at_rest) - shift).max() < 1e-4

    def test_a_larger_face_is_found_at_its_size(self):
        found = find(1.2 * CLOUD, Perfect())
        errors = np.linalg.norm(found.landmarks * NOMINAL_UNIT_MM / 1.2 - LANDMARKS_MM, axis=1)
        assert errors.mean() < 2

    def test_a_network_that_sees_nothing_is_not_confident(self):
        found = find(CLOUD, lambda clouds: torch.full((*clouds.shape[:2], 68), 0.01))
        assert found.reading.confidence < 0.02
        assert np.isfinite(found.landmarks).all()

    @pytest.mark.slow
    @pytest.mark.parametrize("name", BLIND)
    @pytest.mark.parametrize("seed", [None, 0, 1])
    def test_landmarks_that_are_no_face_are_found_whatever_the_last_bits_say(self, name, seed):
        plain = find(CLOUD, BLIND[name])
        found = find(CLOUD, BLIND[name] if seed is None else rounded_otherwise(BLIND[name], seed))
        assert found.reading.confidence < 0.3
        np.testing.assert_allclose(found.landmarks, plain.landmarks, atol=1e-4)
        np.testing.assert_array_equal(found.positions, plain.positions)


class TestUnits:
    @pytest.mark.parametrize("unit", UNITS_MM)
    @pytest.mark.parametrize("size", [0.8, 1.0, 1.5])
    def test_a_face_tells_its_unit(self, unit, size):
        points = size * POINTS_MM / UNITS_MM[unit]
        assert likely_units(points + 1000)[0] == unit
        assert sorted(likely_units(points)) == sorted(UNITS_MM)

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 2**20))
    def test_the_pose_does_not_matter(self, seed):
        assert likely_units(Rotation.random(rng=seed).apply(POINTS_MM / 10)) == likely_units(POINTS_MM / 10)

    def test_a_stray_point_does_not_matter(self):
        assert likely_units(np.concatenate([POINTS_MM, [[1e6, 0, 0]]]))[0] == "mm"
