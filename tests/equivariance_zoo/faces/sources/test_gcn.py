import numpy as np
import pytest

from equivariance_zoo.faces import FaceError
from equivariance_zoo.faces.sources.gcn import POSITIONS, SHAPES, read_gcn
from tests.equivariance_zoo.faces.samples import face_set


def folder(tmp_path, shapes=None, positions=None):
    faces = face_set(4)
    for file, array in ((SHAPES, shapes), (POSITIONS, positions), ("Heat_data_sample.npy", np.zeros((4, 128, 68)))):
        default = faces.surface.numpy() if file == SHAPES else faces.landmarks.numpy()
        np.save(tmp_path / file, default if array is None else array, allow_pickle=True)
    return tmp_path


def test_faces_are_read_and_scaled(tmp_path):
    source = read_gcn(folder(tmp_path), unit_mm=130)
    assert len(source) == 4
    np.testing.assert_allclose(source[2].points, face_set().surface[2].double() * 130)
    np.testing.assert_allclose(source[2].landmarks, face_set().landmarks[2].double() * 130)
    assert source[2].triangles is None
    with pytest.raises(IndexError):
        source[4]


def test_faces_in_a_row_may_be_one_persons(tmp_path):
    source = read_gcn(folder(tmp_path), per_subject=2)
    assert [source[number].subject for number in range(4)] == ["gcn-0", "gcn-0", "gcn-1", "gcn-1"]
    assert len({source[number].name for number in range(4)}) == 4
    assert len({read_gcn(tmp_path)[number].subject for number in range(4)}) == 4


def test_lists_of_arrays_need_permission(tmp_path):
    ragged = np.empty(4, dtype=object)
    ragged[:] = list(face_set().surface.numpy())
    folder(tmp_path, shapes=ragged)
    with pytest.raises(FaceError, match=r"shape_sample\.npy: .* which only --unpickle reads"):
        read_gcn(tmp_path)
    np.testing.assert_allclose(read_gcn(tmp_path, unpickle=True)[1].points, face_set().surface[1])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"shapes": np.zeros((4, 128))}, r"shape_sample\.npy: faces: expected shape \[4, n, 3\] but got \[4, 128\]"),
        ({"shapes": np.array(["a"])}, r"shape_sample\.npy: faces: expected an array of numbers"),
        (
            {"positions": np.zeros((3, 68, 3))},
            r"all\.npy: faces: expected shape \[4, 68, 3\] but got \[3, 68, 3\]",
        ),
        (
            {"positions": np.zeros((4, 22, 3))},
            r"all\.npy: faces: expected shape \[4, 68, 3\] but got \[4, 22, 3\]",
        ),
    ],
)
def test_files_of_another_shape_are_rejected(tmp_path, arrays, message):
    with pytest.raises(FaceError, match=message):
        read_gcn(folder(tmp_path, **arrays))


@pytest.mark.parametrize(("name", "value"), [("unit_mm", 0), ("unit_mm", float("nan")), ("per_subject", 0)])
def test_invalid_numbers_are_rejected(tmp_path, name, value):
    with pytest.raises(FaceError, match=f"{name}={value}: expected a positive number"):
        read_gcn(folder(tmp_path), **{name: value})


def test_a_missing_file_is_the_systems_own_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=SHAPES):
        read_gcn(tmp_path)
