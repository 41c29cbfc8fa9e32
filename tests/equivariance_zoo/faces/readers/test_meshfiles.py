import sys

import numpy as np
import pytest
import trimesh

from equivariance_zoo.faces import FaceError
from equivariance_zoo.faces.readers.meshfiles import read_mesh_file, readable_endings

VERTICES = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10.0]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


@pytest.mark.parametrize("ending", ["obj", "ply", "off", "stl", "glb"])
def test_meshes_are_read(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    trimesh.Trimesh(VERTICES, FACES, process=False).export(path)
    points, triangles = read_mesh_file(path)
    assert points.dtype == np.float64
    assert triangles.dtype == np.int64
    corners = {tuple(map(tuple, triangle)) for triangle in points[triangles].round(4)}
    assert corners == {tuple(map(tuple, triangle)) for triangle in VERTICES[FACES]}


@pytest.mark.parametrize("ending", ["ply", "xyz", "obj"])
def test_clouds_are_read(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    trimesh.PointCloud(VERTICES).export(path)
    points, triangles = read_mesh_file(path)
    np.testing.assert_allclose(points, VERTICES, atol=1e-6)
    assert triangles is None


def test_the_parts_of_a_scene_are_put_together_where_they_are(tmp_path):
    mesh = trimesh.Trimesh(VERTICES, FACES, process=False)
    scene = trimesh.Scene([mesh])
    scene.add_geometry(mesh, transform=trimesh.transformations.translation_matrix([100, 0, 0]))
    scene.export(tmp_path / "a.glb")
    points, triangles = read_mesh_file(tmp_path / "a.glb")
    assert (len(points), len(triangles)) == (8, 8)
    assert points[:, 0].max() == pytest.approx(110)
    assert set(triangles.ravel()) == set(range(8))


@pytest.mark.parametrize("ending", ["obj", "ply", "off", "stl", "glb", "gltf", "xyz"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe nothing of the kind", b"ply\nformat ascii 1.0"])
def test_a_damaged_file_is_rejected_by_its_name(tmp_path, ending, content):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    with pytest.raises(FaceError, match=r"expected a mesh or a cloud but it") as error:
        read_mesh_file(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("ending", ["ply", "stl", "glb"])
def test_a_truncated_file_is_rejected(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    trimesh.Trimesh(VERTICES, FACES, process=False).export(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FaceError, match=r"expected a mesh or a cloud but it"):
        read_mesh_file(path)


def test_coordinates_that_are_not_finite_are_rejected(tmp_path):
    (tmp_path / "a.obj").write_text("v 0 0 0\nv nan 0 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(FaceError, match=r"a\.obj: points: expected finite coordinates"):
        read_mesh_file(tmp_path / "a.obj")


def test_a_kind_that_nobody_knows_is_rejected(tmp_path):
    (tmp_path / "a.docx").write_bytes(b"text")
    with pytest.raises(FaceError, match=r"a\.docx: expected a mesh or a cloud"):
        read_mesh_file(tmp_path / "a.docx")


def test_a_missing_file_is_the_systems_own_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.ply"):
        read_mesh_file(tmp_path / "absent.ply")


def test_endings_are_those_of_meshes_and_clouds():
    assert {".obj", ".ply", ".stl", ".glb", ".xyz"} <= readable_endings()
    assert not {".zip", ".dxf"} & readable_endings()


def test_without_trimesh_the_message_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "trimesh", None)
    with pytest.raises(ImportError, match=r'pip install "equivariance\[faces\]"'):
        read_mesh_file(tmp_path / "a.ply")
