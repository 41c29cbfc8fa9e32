"""A scene that moves with its camera is one picture, a mirrored scene a mirrored picture, and labels are its floats."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from equivariance_zoo.scenes import kernels
from equivariance_zoo.scenes.cameras import View, pixels_of_ndc, screen_of
from equivariance_zoo.scenes.lighting import Lighting, key_and_fill
from equivariance_zoo.scenes.render import landmarks, render_buffers, render_picture, visible_vertices
from tests.equivariance_zoo.scenes.blobs import CAMERAS, CUBE, dyadic, scene

SIZE = 96
MIRROR = np.diag([-1.0, 1.0, 1.0])


def everything(mesh, camera, size=SIZE):
    """All numbers that come out of the renderer."""
    buffers = render_buffers(mesh, camera, size)
    picture = render_picture(mesh, camera, key_and_fill(), size)
    seen = landmarks(camera, mesh.vertices, size)
    return [picture, buffers.index, buffers.barycentric, buffers.depth, seen, visible_vertices(mesh, camera)]


@pytest.mark.parametrize("make", CAMERAS)
def test_under_exact_elements_no_bit_changes(make):
    mesh, camera = scene(), make()
    expected = everything(mesh, camera)
    assert expected[1].max() > 0
    rng = np.random.default_rng(1)
    for rotation in CUBE:
        shift = dyadic(rng.uniform(-8, 8, 3))
        found = everything(mesh.moved(rotation, shift), camera.moved(rotation, shift))
        assert all(np.array_equal(one, other) for one, other in zip(expected, found, strict=True))


@pytest.mark.parametrize("make", CAMERAS)
def test_under_other_motions_the_picture_stays_up_to_edges(make):
    mesh, camera = scene(), make()
    expected = render_buffers(mesh, camera, SIZE)
    for seed in range(10):
        rotation, shift = Rotation.random(rng=seed).as_matrix(), np.random.default_rng(seed).uniform(-10, 10, 3)
        found = render_buffers(mesh.moved(rotation, shift), camera.moved(rotation, shift), SIZE)
        both = expected.mask & found.mask
        differ = expected.index != found.index
        assert differ.sum() <= 1e-3 * expected.mask.sum()
        near = np.minimum(np.abs(expected.barycentric).min(axis=-1), np.abs(found.barycentric).min(axis=-1))
        assert (near[differ] < 1e-6).all()
        scale = np.abs(expected.depth[both]).max()
        assert np.abs(expected.depth[both] - found.depth[both]).max() < 1e-5 * scale


@pytest.mark.parametrize("make", CAMERAS)
def test_a_mirrored_scene_is_a_mirrored_picture(make):
    """Both from the same triangles: of two equally near ones the first is taken in both pictures."""
    mesh, camera = scene(), make()
    view = View(MIRROR @ camera.view.rotation @ MIRROR, MIRROR @ camera.view.position)
    kind = type(camera)
    mirrored_camera = kind(view, camera.focal) if camera.perspective else kind(
        view, camera.scale, (-camera.translation[0], camera.translation[1])
    )  # fmt: skip
    light = key_and_fill()
    mirrored_light = Lighting(light.directions @ MIRROR, light.colours, light.ambient)
    mirrored = mesh.with_vertices(mesh.vertices @ MIRROR)
    expected, found = render_buffers(mesh, camera, SIZE), render_buffers(mirrored, mirrored_camera, SIZE)
    differ = expected.index != found.index[:, ::-1]
    assert not (differ & ~on_an_edge(mesh, camera, expected)).any()
    assert np.array_equal(np.where(differ, 0, expected.depth), np.where(differ, 0, found.depth[:, ::-1]))
    picture = render_picture(mesh, camera, light, SIZE)
    other = render_picture(mirrored, mirrored_camera, mirrored_light, SIZE)[:, ::-1]
    assert np.abs(picture - other)[~differ].max() < 1e-6


def on_an_edge(mesh, camera, buffers):
    return (np.abs(buffers.barycentric) < 1e-12).any(axis=-1)


@pytest.mark.parametrize("make", CAMERAS)
def test_labels_are_the_floats_of_the_picture(make):
    """The point of a pixel, from its barycentric coordinates, projects on the centre of the pixel, at its depth."""
    mesh, camera = scene(), make()
    buffers = render_buffers(mesh, camera, SIZE)
    corners = mesh.vertices[buffers.triangles[buffers.index]]
    points = (buffers.barycentric[..., None] * corners).sum(axis=-2)[buffers.mask]
    found = landmarks(camera, points, SIZE)
    rows, columns = np.nonzero(buffers.mask)
    assert np.abs(found[:, :2] - np.stack([columns, rows], 1) - 0.5).max() < 1e-9
    assert np.abs(found[:, 2] / buffers.depth[buffers.mask] - 1).max() < 1e-12


@pytest.mark.parametrize("make", CAMERAS)
def test_landmarks_are_what_the_rasterizer_was_given(make):
    mesh, camera = scene(), make()
    screen = screen_of(camera, camera.view.to_camera(mesh.vertices), SIZE)
    assert np.array_equal(landmarks(camera, mesh.vertices, SIZE)[:, :2], screen[:, :2] + SIZE / 2)
    assert np.array_equal(pixels_of_ndc(camera.project(mesh.vertices), SIZE), screen[:, :2] + SIZE / 2)


def test_an_interpolated_attribute_is_the_sum_of_its_corners():
    mesh, camera = scene(), CAMERAS[0]()
    buffers = render_buffers(mesh, camera, SIZE)
    attribute = np.random.default_rng(0).standard_normal((len(mesh.vertices), 4))
    expected = (buffers.barycentric[..., None] * attribute[buffers.triangles[buffers.index]]).sum(axis=-2)
    expected[~buffers.mask] = 0
    assert np.abs(buffers.interpolate(attribute) - expected).max() < 1e-6


def test_the_sum_of_the_camera_does_not_depend_on_the_order_of_the_axes():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((500, 3)) * 10.0 ** rng.integers(-6, 6, (500, 3))
    rotation = Rotation.random(rng=0).as_matrix()
    expected = kernels.to_camera(points, rotation, np.zeros(3))
    assert np.abs(expected - points @ rotation.T).max() < 1e-9
    for order in ([1, 2, 0], [2, 1, 0], [0, 2, 1]):
        found = kernels.to_camera(points[:, order].copy(), rotation[:, order].copy(), np.zeros(3))
        assert np.array_equal(found, expected)
