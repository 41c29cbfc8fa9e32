"""The morphable model on chosen vertices, and eq. 2 against its formula and against the camera of `scenes`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equivariance_zoo.cprfa.model3d import LinearShape, Pose, pixels_of_points, points_of_pixels
from equivariance_zoo.faces.models.ict import load_ict
from equivariance_zoo.scenes.render import landmarks
from tests.equivariance_zoo.cprfa.faces import made_model, random_pose

ANGLES = st.floats(-1.5, 1.5)


def turns(angle):
    c, s = np.cos(angle), np.sin(angle)
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return about_x, np.roll(about_x, (1, 1), (0, 1)), np.roll(about_x, (2, 2), (0, 1))


@given(ANGLES, ANGLES, ANGLES, st.floats(0.1, 20), st.integers(0, 99))
def test_projection_is_equation_2(pitch, yaw, roll, scale, seed):
    points = np.random.default_rng(seed).normal(size=(5, 3))
    matrix = turns(roll)[2] @ turns(yaw)[1] @ turns(pitch)[0]
    pose = Pose.of_angles(pitch, yaw, roll, scale, (3.0, -4.0))
    np.testing.assert_allclose(pose.project(points), scale * (points @ matrix.T)[:, :2] + [3, -4], atol=1e-9)
    np.testing.assert_allclose(pose.angles, (pitch, yaw, roll), atol=1e-9)


def test_the_start_of_the_paper_is_the_identity():
    points = np.random.default_rng(0).normal(size=(4, 3))
    assert np.array_equal(Pose.of_angles(0, 0, 0).project(points), points[:, :2])


def test_equation_1_is_linear_in_the_weights():
    shape, _ = made_model()
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, len(shape.modes)))
    assert np.array_equal(shape.points(np.zeros(len(shape.modes))), shape.mean)
    both = shape.points(first) + shape.points(second) - shape.mean
    np.testing.assert_allclose(shape.points(first + second), both, atol=1e-12)


@given(st.integers(0, 999))
def test_pixels_and_points_are_each_others_inverse(seed):
    points = np.random.default_rng(seed).uniform(-60, 60, (5, 2))
    np.testing.assert_allclose(points_of_pixels(pixels_of_points(points, 128), 128), points, atol=1e-12)
    assert pixels_of_points([0.0, 10.0], 128).tolist() == [64.0, 54.0]


def test_points_lie_where_the_renderer_puts_them(shared_data):
    model = load_ict(shared_data / "ict_face_model" / "ict_face_model.npz")
    shape = LinearShape.of(model, model.landmarks)
    rng = np.random.default_rng(2)
    identity, pose = rng.normal(size=50), random_pose(rng)
    weights = np.concatenate([identity, np.zeros(53)])
    head = model.neutral(identity).vertices - model.mean[model.landmarks].mean(axis=0)
    seen = landmarks(pose.camera(128), head[model.landmarks], 128)[:, :2]
    np.testing.assert_allclose(pixels_of_points(pose.project(shape.points(weights)), 128), seen, atol=1e-9)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Pose(np.eye(3), 0.0, (0.0, 0.0)), "scale"),
        (lambda: Pose(-np.eye(3), 1.0, (0.0, 0.0)), "rotation"),
        (lambda: Pose(np.eye(3), 1.0, (0.0, float("nan"))), "translation"),
        (lambda: made_model()[0].points([1.0]), "weights: expected 7 numbers"),
        (lambda: LinearShape(np.zeros((4, 3)), np.zeros((2, 5, 3)), 1), "mean, modes"),
        (lambda: LinearShape(np.zeros((4, 3)), np.zeros((2, 4, 3)), 3), "identities"),
    ],
)
def test_wrong_input_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
