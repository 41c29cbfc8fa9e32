import numpy as np
import pytest

from equivariance_zoo.faces import FaceError, Mesh, farthest_points, sample_surface, unit_frame
from tests.equivariance_zoo.faces.meshes import triangle_pair

pytestmark = pytest.mark.numeric


def test_points_lie_on_the_surface_in_proportion_to_area():
    mesh = triangle_pair()
    points = sample_surface(mesh, 40_000, np.random.default_rng(0))
    first = points[:, 0] <= 2
    assert points.shape == (40_000, 3)
    assert abs(first.mean() - 0.25) < 0.01
    # Uniform on a triangle: the mean is its centroid, and both halves cut off by a median are equal.
    for points_of, corners in ((points[first], mesh.vertices[:3]), (points[~first], mesh.vertices[3:])):
        np.testing.assert_allclose(points_of.mean(axis=0), corners.mean(axis=0), atol=0.02)
        weights = np.linalg.solve(
            np.c_[corners[:, :2], np.ones(3)].T, np.c_[points_of[:, :2], np.ones(len(points_of))].T
        )
        assert weights.min() >= -1e-12
        assert np.abs((weights > 0.5).mean(axis=1) - 0.25).max() < 0.02


def test_sampling_is_reproducible():
    first, again, other = (sample_surface(triangle_pair(), 5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_surface_without_area_is_an_error():
    flat = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]), np.zeros(68, dtype=int))
    empty = Mesh(np.zeros((3, 3)), np.empty((0, 3), dtype=int), np.zeros(68, dtype=int))
    for mesh in (flat, empty):
        with pytest.raises(FaceError, match="mesh: expected a surface with an area"):
            sample_surface(mesh, 1, np.random.default_rng(0))


def test_negative_count_is_an_error():
    with pytest.raises(FaceError, match="count: expected at least 0 but got -1"):
        sample_surface(triangle_pair(), -1, np.random.default_rng(0))


def test_unit_frame_centres_and_scales():
    points = np.random.default_rng(0).normal([100.0, -5.0, 3.0], [1.0, 7.0, 2.0], size=(50, 3))
    frame = unit_frame(points)
    normalised = frame.apply(points)
    np.testing.assert_allclose(normalised.mean(axis=0), 0, atol=1e-14)
    assert np.abs(normalised).max() == 1
    np.testing.assert_allclose(normalised * frame.unit + frame.centre, points, rtol=1e-14)


@pytest.mark.parametrize(
    "points", [np.empty((0, 3)), np.zeros((4, 2)), np.array([[0.0, np.inf, 0.0], [1.0, 0.0, 0.0]])]
)
def test_unit_frame_of_an_unusable_cloud_is_an_error(points):
    with pytest.raises(FaceError, match="points: expected a finite, non-empty cloud"):
        unit_frame(points)


@pytest.mark.parametrize("points", [np.ones((1, 3)), np.full((5, 3), -2.0)])
def test_unit_frame_of_coinciding_points_is_an_error(points):
    with pytest.raises(FaceError, match=r"points: expected a cloud with an extent but all . points coincide"):
        unit_frame(points)


def test_farthest_points_of_a_line():
    # Mean 3.2: farthest is 10; then 0, then 4, then 2 (2 from both), then 1.
    line = np.array([[1.0], [0.0], [4.0], [10.0], [2.0], [2.2]]) * [1.0, 0.0, 0.0]
    np.testing.assert_array_equal(farthest_points(line, 6), [3, 1, 2, 4, 0, 5])


def test_each_pick_is_the_farthest_from_those_before():
    cloud = np.random.default_rng(0).normal(size=(200, 3))
    picks = farthest_points(cloud, 50)
    gaps = np.linalg.norm(cloud[:, None] - cloud[picks], axis=-1)
    for earlier in range(1, 50):
        assert gaps[:, :earlier].min(axis=1).argmax() == picks[earlier]


def test_picking_all_points_picks_each_once():
    cloud = np.random.default_rng(0).normal(size=(30, 3))
    assert sorted(farthest_points(cloud, 30)) == list(range(30))


@pytest.mark.parametrize("count", [0, 31])
def test_impossible_number_of_picks_is_an_error(count):
    with pytest.raises(FaceError, match=f"count: expected from 1 to the 30 points given but got {count}"):
        farthest_points(np.zeros((30, 3)), count)


@pytest.mark.parametrize("points", [np.full((4, 3), np.nan), np.zeros(4)])
def test_farthest_points_of_an_unusable_cloud_are_an_error(points):
    with pytest.raises(FaceError, match=r"points: expected a finite cloud \[n, d\]"):
        farthest_points(points, 2)
