"""Sizes and numbers in files have bounds, and a file that says more is refused in one line."""

import csv
import io
import logging
import zipfile

import numpy as np
import pytest

from equivariance_zoo.faces import FaceError
from equivariance_zoo.faces.readers.archives import read_npz
from equivariance_zoo.faces.readers.landmark_files import read_landmarks
from equivariance_zoo.faces.readers.meshfiles import read_mesh_file

HEAD = (
    "ply\nformat {form} 1.0\nelement vertex {count}\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
)
ROWS = "".join(f"{n} {n * n} 0\n" for n in range(15))

LANDMARKS = {
    "number of 400 digits.json": f"[[1{'0' * 400},0,0]]",
    "number of 6000 digits.json": f"[[{'9' * 6000},0,0]]",
    "number of 400 digits.ljson": f'{{"version":2,"landmarks":{{"points":[[1{"0" * 400},2,3]]}}}}',
    "deep.json": "[" * 200_000,
    "long cell.csv": f'a,b,c,"{"x" * 200_000}"\n',
    "promise of 5000 digits.pts": f"version: 1\nn_points: {'9' * 5000}\n{{\n1 2 3\n}}",
    "not text.json": "\udcff\udcfe",
    "another shape.ljson": '{"version":3,"groups":5}',
}


@pytest.mark.parametrize("name", LANDMARKS)
def test_landmarks_with_a_number_or_a_depth_beyond_use_are_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(LANDMARKS[name].encode("utf-8", "surrogateescape"))
    with pytest.raises(FaceError) as caught:
        read_landmarks(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < 600


def test_a_file_of_landmarks_has_a_largest_size(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(2**24 + 1)
    with pytest.raises(FaceError, match="expected landmarks in at most 16,777,216 bytes"):
        read_landmarks(path)


def test_the_limit_of_csv_is_that_of_python():
    assert csv.field_size_limit() == 131_072


@pytest.mark.parametrize(("count", "missing"), [(15, False), (14, False), (16, True), (5000, True)])
def test_a_ply_in_text_form_has_the_lines_that_it_declares(tmp_path, count, missing):
    path = tmp_path / "a.ply"
    path.write_text(HEAD.format(form="ascii", count=count) + ROWS)
    if missing:
        with pytest.raises(
            FaceError, match=f"expected the {count:,} vertices and faces of the header but got 15 lines"
        ):
            read_mesh_file(path)
    else:
        assert len(read_mesh_file(path)[0]) == count


@pytest.mark.parametrize("count", ["x", "-5", "9" * 400, "1e3"])
def test_a_ply_whose_number_is_none_is_refused(tmp_path, count):
    path = tmp_path / "a.ply"
    path.write_text(HEAD.format(form="ascii", count=count) + ROWS)
    with pytest.raises(FaceError, match="expected a mesh or a cloud"):
        read_mesh_file(path)


def test_faces_count_as_lines_too(tmp_path):
    head = HEAD.format(form="ascii", count=3).replace(
        "end_header", "element face 2\nproperty list uchar int vertex_indices\nend_header"
    )
    corners = "0 0 0\n1 0 0\n0 1 0\n"
    (tmp_path / "a.ply").write_text(head + corners + "3 0 1 2\n3 0 2 1\n")
    assert len(read_mesh_file(tmp_path / "a.ply")[1]) == 2
    (tmp_path / "a.ply").write_text(head + corners + "3 0 1 2\n")
    with pytest.raises(FaceError, match="expected the 5 vertices and faces"):
        read_mesh_file(tmp_path / "a.ply")


@pytest.mark.parametrize("ending", [".zip", ".tar.gz", ".tar.bz2", ".ZIP"])
def test_an_archive_is_no_mesh(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(FaceError, match="is none: unpack it first"):
        read_mesh_file(path)


def packed(path, **arrays):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            archive.writestr(f"{name}.npy", buffer.getvalue())
    return path


def test_an_archive_that_unpacks_to_far_more_than_its_size_is_refused_before_it_is_read(tmp_path):
    path = packed(tmp_path / "a.npz", positions=np.zeros(2**24 + 8, np.float32))
    assert path.stat().st_size < 2**20
    with pytest.raises(FaceError, match="expected arrays of at most 50 times the size of the file but"):
        read_npz(path, "faces", {"positions": np.float32})


def test_small_arrays_and_ordinary_numbers_are_read(tmp_path):
    zeros = packed(tmp_path / "a.npz", positions=np.zeros(2**20, np.float32), others=np.zeros(2**25, np.float32))
    assert read_npz(zeros, "faces", {"positions": np.float32})["positions"].shape == (2**20,)
    random = np.random.default_rng(0).standard_normal(2**18)
    made = packed(tmp_path / "b.npz", positions=np.tile(random, 64).astype(np.float32))
    assert read_npz(made, "faces", {"positions": np.float32})["positions"].shape == (2**24,)


def test_a_damaged_mesh_leaves_no_traceback_in_the_log(tmp_path, caplog):
    path = tmp_path / "a.stl"
    path.write_bytes(b"solid a\nfacet normal 0 0 0\nouter loop\nvertex 0 0 x\n" + b"\xff" * 200)
    with caplog.at_level(logging.DEBUG, logger="tests"), pytest.raises(FaceError, match="expected a mesh or a cloud"):
        read_mesh_file(path)
    assert not [record for record in caplog.records if record.exc_info]
    assert logging.getLogger("trimesh").level == logging.NOTSET
