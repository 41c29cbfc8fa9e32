from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from equivariance_zoo.faces import FaceError
from equivariance_zoo.faces.crop import crop
from tests.equivariance_zoo.faces.samples import face_mesh

pytestmark = pytest.mark.numeric


def head():
    """A face with points where a head has more: below the chin, above the brows, behind the ears."""
    face = face_mesh()
    low, high, back = (
        face.landmarks[8] - [0, 50, 0],
        face.landmarks[19] + [0, 110, 0],
        face.landmarks[30] - [0, 0, 160],
    )
    return replace(face, points=np.concatenate([[low, high, back], face.points]), triangles=face.triangles + 3)


def test_what_facescape_does_not_show_is_cut_off():
    whole = head()
    cropped = crop(whole)
    assert len(cropped.points) < len(whole.points) - 2
    np.testing.assert_array_equal(cropped.landmarks, whole.landmarks)
    left = {tuple(point) for point in cropped.points}
    assert not left & {tuple(point) for point in whole.points[:3]}


def test_triangles_keep_their_corners():
    whole = head()
    whole = replace(whole, triangles=np.concatenate([[[0, 1, 2], [0, 4, 5]], whole.triangles]))
    cropped = crop(whole)
    triangles = {tuple(map(tuple, corners)) for corners in whole.points[whole.triangles]}
    kept = {tuple(map(tuple, corners)) for corners in cropped.points[cropped.triangles]}
    assert kept < triangles
    assert len(kept) > len(triangles) / 2


def test_the_crop_of_a_moved_face_is_the_moved_crop():
    whole = head()
    rotation = Rotation.from_rotvec([1, 2, -1])
    moved = replace(whole, points=rotation.apply(whole.points) + 500, landmarks=rotation.apply(whole.landmarks) + 500)
    np.testing.assert_allclose(crop(moved).points, rotation.apply(crop(whole).points) + 500, atol=1e-9)


def test_a_cloud_is_cropped_too():
    cropped = crop(replace(head(), triangles=None))
    assert cropped.triangles is None
    assert len(cropped.points) < 401


@pytest.mark.parametrize(
    ("landmarks", "points", "message"),
    [
        (None, face_mesh().points, "face-0: expected landmarks, which the crop goes by, but it has none"),
        (face_mesh().landmarks * [1, 1, 3], face_mesh().points, r"every landmark within the crop but \[0, 1, .*\] are"),
        (
            np.full((68, 3), 7.0),
            face_mesh().points,
            "face-0: landmarks: expected points that span a plane but got points",
        ),
        (1e-12 * face_mesh().landmarks, face_mesh().points, "landmarks: expected points that span a plane"),
        (1e9 + 1e-3 * face_mesh().landmarks, face_mesh().points, "landmarks: expected points that span a plane"),
        (face_mesh().landmarks * [0, 1, 0], face_mesh().points, "landmarks: expected points that span a plane"),
        (
            face_mesh().landmarks @ Rotation.from_rotvec([1, 2, -1]).as_matrix()[:, :1] * [1, 2, 3.0],
            face_mesh().points,
            "landmarks: expected points that span a plane",
        ),
        (face_mesh().landmarks, np.full((400, 3), 1e4), "expected points around the landmarks but none"),
    ],
)
def test_what_cannot_be_cropped_is_rejected(landmarks, points, message):
    with pytest.raises(FaceError, match=message):
        crop(face_mesh(landmarks=landmarks, points=points))
