import os
import pickle

import numpy as np
import pytest

from equivariance_zoo.faces import FaceError
from equivariance_zoo.faces.readers.pickles import is_npz, numbers, read_npy


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("taken",)


def saved(path, value):
    np.save(path, value, allow_pickle=True)
    return path


@pytest.mark.parametrize("unpickle", [True, False])
def test_arrays_of_numbers_need_no_permission(tmp_path, unpickle):
    path = saved(tmp_path / "a.npy", np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(read_npy(path, unpickle), np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("protocol", range(6))
def test_a_dictionary_of_arrays_text_and_numbers_is_read(tmp_path, protocol):
    content = {
        "points": np.arange(6, dtype=np.float32).reshape(2, 3),
        "names": np.array(["a", "b"]),
        "mixed": np.array(["a", 1], dtype=object),
        "list": [np.float64(2.5), 1, "x", None, True],
    }
    path = tmp_path / "a.npy"
    path.write_bytes(pickle.dumps(content, protocol)) if protocol > 1 else saved(path, content)
    read = read_npy(path, unpickle=True)
    np.testing.assert_array_equal(read["points"], content["points"])
    assert read["names"].tolist() == ["a", "b"]
    assert read["mixed"].tolist() == ["a", 1]
    assert read["list"] == content["list"]


def test_a_list_of_arrays_of_several_lengths_is_read(tmp_path):
    ragged = np.empty(2, dtype=object)
    ragged[:] = [np.zeros(2), np.zeros(3)]
    read = read_npy(saved(tmp_path / "a.npy", ragged), unpickle=True)
    assert [len(row) for row in read] == [2, 3]


def test_a_pickle_needs_permission(tmp_path):
    path = saved(tmp_path / "a.npy", {"a": 1})
    with pytest.raises(FaceError, match=r"a\.npy: .* but it holds a pickle, which only --unpickle reads"):
        read_npy(path, unpickle=False)


@pytest.mark.parametrize("content", [Malicious(), {"point_list": Malicious()}, np.array([Malicious()])])
def test_a_pickle_that_runs_something_is_refused_and_runs_nothing(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    saved("a.npy", content)
    with pytest.raises(FaceError, match=r"a\.npy: .* but it asks for (posix|nt)\.mkdir; nothing was run"):
        read_npy("a.npy", unpickle=True)
    assert not (tmp_path / "taken").exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cbuiltins\ngetattr\n(I0\ntS'b'\ntR.",
        b"c_codecs\nopen\n(S'x'\ntR.",
    ],
)
def test_only_what_builds_arrays_is_let_in(tmp_path, code):
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x80\x02" + code)
    with pytest.raises(FaceError, match=r"but it asks for .*; nothing was run"):
        read_npy(path, unpickle=True)


@pytest.mark.parametrize("length", [0, 3, 8, 40, 140, 200])
def test_a_truncated_file_is_rejected(tmp_path, length):
    path = saved(tmp_path / "a.npy", {"points": np.zeros((5, 3))})
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(FaceError, match=r"a\.npy: expected"):
        read_npy(path, unpickle=True)


@pytest.mark.parametrize("length", [50, 130, 140])
def test_a_truncated_array_is_rejected(tmp_path, length):
    path = saved(tmp_path / "a.npy", np.zeros((5, 3)))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(FaceError, match=r"a\.npy: expected an \.npy file but"):
        read_npy(path, unpickle=False)


def test_a_file_of_another_kind_is_rejected(tmp_path):
    path = tmp_path / "a.npy"
    path.write_text("1 2 3")
    with pytest.raises(FaceError, match=r"expected an \.npy file but it begins with b'1 2 3'"):
        read_npy(path, unpickle=True)


def test_archives_are_told_by_their_first_bytes(tmp_path):
    np.savez(tmp_path / "a.npz", a=1)
    (tmp_path / "a.npz").rename(tmp_path / "train_neutral.npy")
    assert is_npz(tmp_path / "train_neutral.npy")
    assert not is_npz(saved(tmp_path / "b.npy", np.zeros(3)))


def test_numbers_keep_their_precision():
    assert numbers("a", np.zeros(3, np.float32)).dtype == np.float32
    assert numbers("a", [[1, 2], [3, 4]]).dtype == np.float64
    rows = np.empty(2, dtype=object)
    rows[:] = [np.zeros(3), np.ones(3)]
    assert numbers("a", rows).shape == (2, 3)


@pytest.mark.parametrize("value", ["text", ["a", "b"], [[1], [1, 2]], [np.zeros(2), np.zeros(3)], None, np.array([1j])])
def test_what_is_no_number_is_rejected(value):
    with pytest.raises(FaceError, match="point_list: expected an array of numbers but"):
        numbers("point_list", value)
