import os

import numpy as np
import pytest

from equivariance_zoo.faces import FaceError, prepare
from equivariance_zoo.faces.sources.facescape import read_facescape
from tests.equivariance_zoo.faces.samples import face_set


def lists(count=3, **changes):
    """The entries of a file of built-in faces, in units per millimetre, as the original keeps them."""
    faces = face_set(count, points=64)
    entries = {
        "point_list": faces.surface.numpy(),
        "landmark_list": faces.landmarks.numpy(),
        "scale_list": 1 / faces.unit_mm.numpy(),
        "heatmaps_list": np.zeros((count, 128, 68)),
        "subject_list": np.arange(1, count + 1),
        "emotion_list": ["neutral"] * count,
    }
    return {name: value for name, value in (entries | changes).items() if value is not None}


def pickled(tmp_path, **changes):
    path = tmp_path / "train_neutral.npy"
    np.save(path, lists(**changes), allow_pickle=True)
    return path


def archived(tmp_path, **changes):
    np.savez(tmp_path / "a.npz", **lists(**changes))
    return (tmp_path / "a.npz").rename(tmp_path / "train_neutral.npy")


@pytest.mark.parametrize("write", [pickled, archived])
def test_faces_are_read_in_millimetres(tmp_path, write):
    source = read_facescape(write(tmp_path), unpickle=write is pickled)
    faces = face_set(3, points=64)
    assert len(source) == 3
    for number in range(3):
        face = source[number]
        unit = float(faces.unit_mm[number])
        np.testing.assert_allclose(face.points, faces.surface[number].double() * unit, rtol=1e-6)
        np.testing.assert_allclose(face.landmarks, faces.landmarks[number].double() * unit, rtol=1e-6)
        assert (face.subject, face.expression, face.triangles) == (str(number + 1), "neutral", None)
    with pytest.raises(IndexError):
        source[3]


def test_prepared_faces_keep_their_landmarks_and_their_size(tmp_path):
    faces = prepare(read_facescape(pickled(tmp_path), unpickle=True), points=32, surface_points=128, crop=False)
    given = face_set(3, points=64)
    apart = (given.landmarks[:, 36] - given.landmarks[:, 45]).norm(dim=-1).double() * given.unit_mm
    found = (faces.landmarks[:, 36] - faces.landmarks[:, 45]).norm(dim=-1).double() * faces.unit_mm
    np.testing.assert_allclose(found, apart, rtol=1e-5)


def test_lists_of_arrays_are_arrays(tmp_path):
    path = pickled(tmp_path, point_list=list(lists()["point_list"]), subject_list=["a", "b", "c"])
    assert [face.subject for face in map(read_facescape(path, unpickle=True).__getitem__, range(3))] == ["a", "b", "c"]


def test_a_pickle_needs_permission_and_runs_nothing(tmp_path):
    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "taken"),)

    path = pickled(tmp_path, normal_list=Malicious())
    with pytest.raises(FaceError, match="which only --unpickle reads"):
        read_facescape(path)
    with pytest.raises(FaceError, match=r"asks for posix\.mkdir; nothing was run"):
        read_facescape(path, unpickle=True)
    assert not (tmp_path / "taken").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"point_list": None}, "point_list"),
        ({"scale_list": None, "emotion_list": None}, "scale_list.*emotion_list|emotion_list.*scale_list"),
        ({"point_list": np.zeros((3, 128, 2))}, r"point_list: expected shape \[3, n, 3\] but got \[3, 128, 2\]"),
        ({"point_list": np.zeros((2, 128, 3))}, r"point_list: expected shape \[3, n, 3\] but got \[2, 128, 3\]"),
        ({"landmark_list": np.zeros((3, 67, 3))}, r"landmark_list: expected shape \[3, 68, 3\] but got \[3, 67, 3\]"),
        ({"scale_list": np.array([1, 0, 1.0])}, "scale_list: expected positive numbers but got 0 to 1"),
        ({"scale_list": np.array([1, np.nan, 1.0])}, "scale_list: expected positive numbers"),
        ({"emotion_list": ["neutral"]}, r"emotion_list: expected shape \[3\] but got \[1\]"),
        ({"scale_list": np.array(["a", "b", "c"])}, "scale_list: "),
    ],
)
@pytest.mark.parametrize("write", [pickled, archived])
def test_a_foreign_file_is_rejected_by_its_name(tmp_path, write, changes, message):
    path = write(tmp_path, **changes)
    with pytest.raises(FaceError, match=message) as error:
        read_facescape(path, unpickle=True)
    assert str(path) in str(error.value)


def test_coordinates_that_are_not_finite_are_rejected_face_by_face(tmp_path):
    points = lists()["point_list"].copy()
    points[1, 5] = np.nan
    source = read_facescape(pickled(tmp_path, point_list=points), unpickle=True)
    assert source[0].name == "facescape-0"
    with pytest.raises(FaceError, match="facescape-1: points: expected finite coordinates but row 5 is not"):
        source[1]


@pytest.mark.parametrize("content", [[1, 2], np.zeros(3), "text"])
def test_what_is_no_dictionary_is_rejected(tmp_path, content):
    np.save(tmp_path / "a.npy", np.array(content, dtype=object if isinstance(content, list) else None))
    with pytest.raises(FaceError, match="expected a dictionary of FaceScape faces but it holds"):
        read_facescape(tmp_path / "a.npy", unpickle=True)
