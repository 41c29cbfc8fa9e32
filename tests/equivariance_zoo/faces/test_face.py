import numpy as np
import pytest

from equivariance_zoo.faces import FaceError
from tests.equivariance_zoo.faces.samples import face_mesh


def test_a_cloud_without_landmarks_is_a_face():
    face = face_mesh(triangles=None, landmarks=None)
    assert face.triangles is None
    assert face.landmarks is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"points": np.zeros((3, 2))}, r"face-0: points: expected shape \[n, 3\] but got \[3, 2\]"),
        ({"points": np.zeros((0, 3))}, "points: expected at least one but got none"),
        ({"points": np.array([[0, 0, 0], [0, np.nan, 0.0]])}, "points: expected finite coordinates but row 1 is not"),
        ({"triangles": np.array([[0, 1, 400]])}, "triangles: expected vertex numbers from 0 to 399 but got 0 to 400"),
        ({"triangles": np.array([[0, -1, 4]])}, "triangles: expected vertex numbers from 0 to 399 but got -1 to 4"),
        ({"triangles": np.array([0, 1, 2])}, r"triangles: expected shape \[n, 3\] but got \[3\]"),
        ({"landmarks": np.zeros((67, 3))}, r"landmarks: expected shape \[68, 3\] but got \[67, 3\]"),
        ({"landmarks": np.full((68, 3), np.inf)}, "landmarks: expected finite coordinates but row 0 is not"),
    ],
)
def test_an_invalid_face_is_rejected_by_its_name(changes, message):
    with pytest.raises(FaceError, match=message):
        face_mesh(**changes)
