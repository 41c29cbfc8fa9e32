import os

import numpy as np
import pytest
import torch

from equivariance_zoo.faces import FaceError, FaceSet, split_by_subject
from tests.equivariance_zoo.faces.samples import face_set, same


def test_what_is_saved_is_loaded(tmp_path):
    faces = face_set()
    faces.save(tmp_path / "faces.npz")
    assert same(FaceSet.load(tmp_path / "faces.npz"), faces)


def test_slices_and_lists_pick_faces():
    faces = face_set()
    assert len(faces) == 4
    assert same(faces[1:3], faces[[1, 2]])
    assert same(faces[::-1][::-1], faces)
    assert faces[[3, 3]].subjects == ("person-1", "person-1")
    assert torch.equal(faces[[2]].landmarks[0], faces.landmarks[2])
    assert len(faces[[]]) == len(faces[4:]) == 0


@pytest.mark.parametrize("which", [0, "a", [4], [0.5], None])
def test_what_is_no_face_is_rejected(which):
    with pytest.raises(FaceError, match="expected a slice or numbers of the 4 faces"):
        face_set()[which]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"positions": torch.zeros(4, 64, 2)},
            r"positions: expected shape \[4, n, 3\] of torch.float32 but got \[4, 64, 2\]",
        ),
        ({"positions": torch.zeros(3, 64, 3)}, r"positions: expected shape \[4, n, 3\]"),
        ({"surface": torch.zeros(4, 64, 3, dtype=torch.float64)}, "surface: .* of torch.float64"),
        ({"landmarks": torch.zeros(4, 67, 3)}, r"landmarks: expected shape \[4, 68, 3\]"),
        (
            {"landmarks": torch.full((4, 68, 3), torch.nan)},
            "landmarks: expected finite numbers but got NaN or infinity",
        ),
        ({"unit_mm": torch.ones(4)}, "unit_mm: .*float64 but got .* torch.float32"),
        ({"unit_mm": torch.zeros(4, dtype=torch.float64)}, "unit_mm: expected positive lengths but got 0"),
        ({"expressions": ("neutral",)}, "expressions: expected 4 names, as of subjects, but got 1"),
    ],
)
def test_an_invalid_set_is_rejected(changes, message):
    with pytest.raises(FaceError, match=message):
        face_set(**changes)


def test_subjects_are_never_on_both_sides():
    faces = face_set(subjects=("a", "b", "a", "c"))
    for seed in range(5):
        first, second = split_by_subject(faces, 2, seed)
        assert not set(first.subjects) & set(second.subjects)
        assert len(first) + len(second) == 4
        assert len(set(first.subjects)) == 2


def test_a_fraction_is_of_the_subjects():
    faces = face_set(subjects=("a", "b", "c", "d"))
    first, second = split_by_subject(faces, 0.75, seed=0)
    assert (len(first), len(second)) == (3, 1)


def test_the_seed_decides_the_split():
    faces = face_set(subjects=("a", "b", "c", "d"))
    splits = [split_by_subject(faces, 2, seed)[0].subjects for seed in range(12)]
    assert splits[3] == split_by_subject(faces, 2, 3)[0].subjects
    assert len(set(splits)) > 2


@pytest.mark.parametrize("first", [0, 2, -1, 0.1, 0.9, float("nan")])
def test_a_side_without_subjects_is_rejected(first):
    with pytest.raises(FaceError, match=f"first={first}: expected from 1 to 1 of the 2 subjects"):
        split_by_subject(face_set(), first, seed=0)


def saved(tmp_path, **changes):
    path = tmp_path / "faces.npz"
    face_set().save(path)
    arrays = dict(np.load(path)) | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"surface": None},
            "prepared faces: expected the arrays .* but surface is missing; it has positions, landmarks",
        ),
        ({"positions": np.zeros((4, 64, 2), np.float32)}, r"positions: expected shape \[4, n, 3\]"),
        ({"positions": np.zeros((4, 64, 3))}, "positions: .*float64"),
        ({"positions": np.array(["a"])}, "positions: "),
        ({"positions": np.array([{}])}, "allow_pickle=False"),
        ({"unit_mm": np.full(4, np.nan)}, "unit_mm: expected finite numbers"),
        ({"subjects": np.array(["a", "b"])}, "expressions: expected 2 names"),
    ],
)
def test_a_foreign_file_is_rejected_by_its_name(tmp_path, changes, message):
    path = saved(tmp_path, **changes)
    with pytest.raises(FaceError, match=message) as error:
        FaceSet.load(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("length", [0, 10, 500, -200, -10])
def test_a_truncated_file_is_rejected(tmp_path, length):
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(FaceError, match=r"faces\.npz: expected an \.npz archive of prepared faces"):
        FaceSet.load(path)


def test_bytes_changed_at_random_give_a_set_or_that_error(tmp_path):
    path = saved(tmp_path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    rejected = 0
    for _ in range(300):
        content = bytearray(whole)
        # The last 700 bytes are the archive's table of contents.
        for place in (rng.integers(len(whole)), *(len(whole) - rng.integers(1, 700, size=3))):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        try:
            FaceSet.load(path)
        except FaceError as error:
            rejected += str(path) in str(error)
    assert rejected > 200


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "faces.npz"
    face_set(count=1).save(path)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        face_set().save(path)
    assert len(FaceSet.load(path)) == 1
    assert list(tmp_path.iterdir()) == [path]
