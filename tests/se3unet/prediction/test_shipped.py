"""The network that comes with the package finds faces in any pose and unit, and in nothing else."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from se3unet.prediction import CONFIDENT, Predictor, Scan
from se3unet.prediction.units import UNITS_MM
from tests.se3unet.prediction.scans import LANDMARKS_MM, POINTS_MM

pytestmark = pytest.mark.numeric

pytest.importorskip("safetensors", reason="checkpoints: pip install safetensors")

RNG = np.random.default_rng(0)
HEIGHT, ANGLE = RNG.uniform(-1, 1, 3000), RNG.uniform(0, 2 * np.pi, 3000)
BALL = np.stack([np.sqrt(1 - HEIGHT**2) * np.cos(ANGLE), np.sqrt(1 - HEIGHT**2) * np.sin(ANGLE), HEIGHT], axis=1)
SHAPES = {
    "ball": 100 * BALL,
    "egg": BALL * (75, 110, 95),
    "plane": np.pad(RNG.uniform(-100, 100, (3000, 2)), ((0, 0), (0, 1))),
    "fog": RNG.normal(size=(3000, 3)) * 60,
}


@pytest.fixture(scope="module")
def predictor():
    return Predictor(device="cpu")


@pytest.fixture(scope="module")
def at_rest(predictor):
    return predictor.predict(Scan("face", POINTS_MM))


@pytest.mark.slow
def test_a_face_is_found(at_rest):
    assert at_rest.is_face
    assert at_rest.unit == "mm"
    errors = np.linalg.norm(at_rest.landmarks.numpy() - LANDMARKS_MM, axis=1)
    # The surface is known at 1,024 points only, 8 mm apart.
    assert errors.mean() < 5


@pytest.mark.slow
def test_a_moved_scan_in_another_unit_has_the_moved_landmarks(predictor, at_rest):
    rotation, shift = Rotation.random(rng=7), np.array([30.0, -500.0, 7.0])
    moved = predictor.predict(Scan("face", (rotation.apply(POINTS_MM) + shift) / UNITS_MM["m"]))
    assert moved.unit == "m"
    landmarks = rotation.inv().apply(moved.landmarks.numpy() * UNITS_MM["m"] - shift)
    assert np.linalg.norm(landmarks - at_rest.landmarks.numpy(), axis=1).max() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_other_shapes_are_no_faces(predictor, name):
    assert predictor.predict(Scan(name, SHAPES[name]), unit="mm").confidence < CONFIDENT - 0.15
