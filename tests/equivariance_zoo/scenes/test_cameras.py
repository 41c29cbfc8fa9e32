import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from equivariance_zoo.scenes.cameras import (
    PerspectiveCamera,
    View,
    WeakPerspectiveCamera,
    depth_of,
    ndc_grid,
    ndc_of_pixels,
    pixels_of_ndc,
)
from tests.equivariance_zoo.scenes.blobs import CAMERAS

RNG = np.random.default_rng(0)
POINTS = RNG.uniform(-1, 1, (5, 7, 3))


@pytest.mark.parametrize("make", CAMERAS)
def test_points_come_back_from_the_picture(make):
    camera = make()
    back = camera.unproject(camera.project(POINTS), depth_of(camera, POINTS))
    assert back.shape == POINTS.shape
    assert np.abs(back - POINTS).max() < 1e-12


@pytest.mark.parametrize("make", CAMERAS)
def test_points_come_back_from_the_camera(make):
    view = make().view
    assert np.abs(view.to_world(view.to_camera(POINTS)) - POINTS).max() < 1e-14


def test_pixels_come_back_from_device_coordinates():
    pixels = RNG.uniform(0, 64, (10, 2))
    assert np.abs(pixels_of_ndc(ndc_of_pixels(pixels, 64), 64) - pixels).max() < 1e-13


def test_the_perspective_camera_has_the_formulas_of_keypointnet():
    camera = PerspectiveCamera(View(np.eye(3), np.zeros(3)), 2.0)
    x, y, z = 0.3, 0.4, -5.0
    assert np.allclose(camera.project([x, y, z]), [-2 * x / z, -2 * y / z], rtol=1e-15)
    u, v = camera.project([x, y, z])
    assert np.allclose(camera.unproject([u, v], -z), [-u * z / 2, -v * z / 2, z], rtol=1e-15)


def test_the_weak_camera_has_the_formulas_of_trans3dhead():
    rotation, centre, point = Rotation.random(rng=3).as_matrix(), np.array([0.1, 0.2, 0.3]), np.array([1.0, -2.0, 0.5])
    camera = WeakPerspectiveCamera(View(rotation, centre), 1.25, (0.2, -0.3))
    expected = 1.25 * (rotation @ (point - centre))[:2] + [0.2, -0.3]
    assert np.allclose(camera.project(point), expected, rtol=1e-14)
    column, row = pixels_of_ndc(expected, 128)
    assert np.allclose([column, row], [(expected[0] + 1) / 2 * 128, (1 - expected[1]) / 2 * 128], rtol=1e-14)


def test_the_weak_camera_takes_the_pixels_of_cprfa():
    camera = WeakPerspectiveCamera.in_pixels(View(np.eye(3), np.zeros(3)), 8.0, (130.0, 120.0), 256)
    assert np.allclose(pixels_of_ndc(camera.project([1.0, 2.0, 3.0]), 256), [130 + 8, 120 - 16], rtol=1e-14)


def test_device_coordinates_are_those_of_pixel_centres():
    grid = ndc_grid(4)
    assert np.array_equal(grid[0, :, 0], [-0.75, -0.25, 0.25, 0.75])
    assert np.array_equal(grid[:, 0, 1], [0.75, 0.25, -0.25, -0.75])


def test_a_view_looks_at_its_target_with_the_world_upright():
    view = View.looking_at([1, 2, 3], [4, 6, 9])
    seen = view.to_camera([[1, 2, 3], [1, 3, 3]])
    assert np.allclose(seen[0], [0, 0, -np.linalg.norm([3, 4, 6])], atol=1e-12)
    assert abs(seen[1, 0]) < 1e-12
    assert seen[1, 1] > 0


def test_a_roll_turns_the_camera_counter_clockwise():
    """A point above the centre is then seen to the right of the centre."""
    seen = View.looking_at([0, 0, 0], [0, 0, 5], roll=np.pi / 2).to_camera([0.0, 1.0, 0.0])
    assert np.allclose(seen[:2], [1, 0], atol=1e-12)


def test_the_frame_is_right_handed():
    assert np.linalg.det(View.looking_at([0, 1, 0], [3, 2, 1], roll=0.5).rotation) == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: View(np.diag([1.0, 1.0, -1.0]), np.zeros(3)), "rotation: expected a rotation matrix"),
        (lambda: View(np.eye(2), np.zeros(3)), r"rotation: expected finite numbers of shape \[3, 3\]"),
        (lambda: View(np.eye(3), np.array([0, np.nan, 0])), "position: expected finite numbers"),
        (lambda: View.looking_at([0, 0, 0], [0, 5, 0]), "position: expected one beside the vertical"),
        (lambda: PerspectiveCamera(View(np.eye(3), np.zeros(3)), 0.0), "focal: expected a number above 0, got 0.0"),
        (lambda: PerspectiveCamera.with_field(View(np.eye(3), np.zeros(3)), 180), "degrees: expected a field of view"),
        (lambda: WeakPerspectiveCamera(View(np.eye(3), np.zeros(3)), -1.0), "scale: expected a number above 0"),
        (lambda: WeakPerspectiveCamera(View(np.eye(3), np.zeros(3)), 1.0, (1.0,)), "translation: expected two"),
        (lambda: CAMERAS[0]().project([[3, 5, 20], [0, 0, 0]]), "points: expected all in front of the camera, got 1"),
        (lambda: CAMERAS[1]().project([1.0, 2.0]), r"points: expected shape \[..., 3\], got \[2\]"),
    ],
)
def test_what_is_no_camera_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
