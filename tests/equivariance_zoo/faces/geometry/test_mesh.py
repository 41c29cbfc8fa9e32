import numpy as np
import pytest

from equivariance_zoo.faces import FaceError, Mesh
from equivariance_zoo.faces.geometry.mesh import crop_like_facescape
from tests.equivariance_zoo.faces.meshes import triangle_pair

# The landmarks that the crop reads, in centimetres; all others sit on the tip of the nose.
CHIN, BROW, NOSE_TIP = (0.0, 0.0, 8.0), (0.0, 10.0, 8.0), (0.0, 5.0, 10.0)
INSIDE = [(1.0, -4.0, 0.0), (1.0, 18.8, 0.0), (1.0, 5.0, -4.7)]
OUTSIDE = [(1.0, -4.2, 0.0), (1.0, 19.0, 0.0), (1.0, 5.0, -4.9)]


def head(extra):
    vertices = np.array([OUTSIDE[0], CHIN, BROW, NOSE_TIP, *extra])
    landmarks = np.full(68, 3)
    landmarks[8], landmarks[22] = 1, 2
    return Mesh(vertices, np.array([[1, 2, 3], [0, 1, 2], [1, 2, len(vertices) - 1]]), landmarks)


@pytest.mark.parametrize("point", INSIDE)
def test_crop_keeps_what_lies_within(point):
    mesh = head([point])
    cropped = crop_like_facescape(mesh)
    np.testing.assert_array_equal(cropped.vertices, mesh.vertices[1:])
    np.testing.assert_array_equal(cropped.triangles, [[0, 1, 2], [0, 1, 3]])
    np.testing.assert_array_equal(cropped.landmark_positions, mesh.landmark_positions)


@pytest.mark.parametrize("point", OUTSIDE)
def test_crop_drops_what_lies_without(point):
    cropped = crop_like_facescape(head([point]))
    np.testing.assert_array_equal(cropped.vertices, [CHIN, BROW, NOSE_TIP])
    np.testing.assert_array_equal(cropped.triangles, [[0, 1, 2]])


def test_crop_that_would_lose_a_landmark_is_an_error():
    mesh = head([OUTSIDE[2]])
    landmarks = mesh.landmarks.copy()
    landmarks[5] = 4
    with pytest.raises(FaceError, match=r"mesh: .* landmarks \[5\] are outside"):
        crop_like_facescape(Mesh(mesh.vertices, mesh.triangles, landmarks))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("vertices", np.zeros((4, 2)), r"vertices: expected shape \[n, 3\] but got \[4, 2\]"),
        ("triangles", np.zeros((4, 4), dtype=int), r"triangles: expected shape \[n, 3\] but got \[4, 4\]"),
        ("triangles", np.array([[0, 1, 6]]), "triangles: expected vertex numbers from 0 to 5 but got 0 to 6"),
        ("landmarks", np.zeros(67, dtype=int), r"landmarks: expected shape \[68\] but got \[67\]"),
        ("landmarks", np.full(68, -1), "landmarks: expected vertex numbers from 0 to 5 but got -1 to -1"),
    ],
)
def test_invalid_mesh_is_rejected(field, value, message):
    good = triangle_pair()
    parts = {"vertices": good.vertices, "triangles": good.triangles, "landmarks": good.landmarks}
    with pytest.raises(FaceError, match=message):
        Mesh(**(parts | {field: value}))


def test_not_finite_vertex_is_rejected():
    good = triangle_pair()
    vertices = good.vertices.copy()
    vertices[3, 1] = np.nan
    with pytest.raises(FaceError, match=r"vertices: .* row 3 is not"):
        Mesh(vertices, good.triangles, good.landmarks)
