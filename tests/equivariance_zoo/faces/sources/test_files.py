import json

import numpy as np
import pytest
import trimesh

from equivariance_zoo.faces import FaceError
from equivariance_zoo.faces.sources.files import find_files
from tests.equivariance_zoo.faces.samples import face_mesh


def write_scan(path, unit_mm=1.0, ending="json", **changes):
    face = face_mesh(**changes)
    path.parent.mkdir(parents=True, exist_ok=True)
    if face.triangles is None:
        trimesh.PointCloud(face.points / unit_mm).export(path)
    else:
        trimesh.Trimesh(face.points / unit_mm, face.triangles, process=False).export(path)
    rows = (face.landmarks / unit_mm).tolist()
    text = json.dumps(rows) if ending == "json" else "".join(f"{x},{y},{z}\n" for x, y, z in rows)
    path.with_suffix(f".{ending}").write_text(text)


def test_scans_are_read_with_their_landmarks(tmp_path):
    write_scan(tmp_path / "anna.ply")
    write_scan(tmp_path / "bert.obj", ending="csv", number=1)
    write_scan(tmp_path / "cleo" / "smile.ply", triangles=None)
    write_scan(tmp_path / "cleo" / "neutral.ply")
    source = find_files(tmp_path)
    faces = [source[number] for number in range(len(source))]
    assert sorted((face.subject, face.expression) for face in faces) == [
        *[("anna", "neutral"), ("bert", "neutral"), ("cleo", "neutral"), ("cleo", "smile")]
    ]
    anna = next(face for face in faces if face.subject == "anna")
    np.testing.assert_allclose(anna.points, face_mesh().points, atol=1e-4)
    np.testing.assert_allclose(anna.landmarks, face_mesh().landmarks)
    assert len(anna.triangles) == 400
    assert next(face for face in faces if face.expression == "smile").triangles is None
    assert source.name == tmp_path.name
    with pytest.raises(IndexError):
        source[4]


@pytest.mark.parametrize(("unit", "unit_mm"), [("mm", 1), ("cm", 10), ("m", 1000)])
def test_units_become_millimetres(tmp_path, unit, unit_mm):
    write_scan(tmp_path / "anna.ply", unit_mm=unit_mm)
    face = find_files(tmp_path, unit)[0]
    np.testing.assert_allclose(face.points, face_mesh().points, atol=1e-3)
    np.testing.assert_allclose(face.landmarks, face_mesh().landmarks)


@pytest.mark.parametrize(("unit", "unit_mm", "apart"), [("mm", 1000, "0.08"), ("m", 1, "8"), ("cm", 1, "8")])
def test_another_unit_is_noticed(tmp_path, unit, unit_mm, apart):
    write_scan(tmp_path / "anna.ply", unit_mm=unit_mm)
    with pytest.raises(FaceError, match=rf"anna\.json: .* 50 to 150 mm apart but got {apart}.* is the unit"):
        find_files(tmp_path, unit)[0]


def test_a_scan_without_landmarks_is_rejected(tmp_path):
    write_scan(tmp_path / "anna.ply")
    (tmp_path / "anna.json").unlink()
    with pytest.raises(FaceError, match=r"anna\.ply: expected its landmarks beside it, in one of \.ljson"):
        find_files(tmp_path)


def test_another_number_of_landmarks_is_rejected(tmp_path):
    write_scan(tmp_path / "anna.ply")
    (tmp_path / "anna.json").write_text("[[1, 2, 3]]")
    with pytest.raises(FaceError, match=r"anna\.json: expected 68 landmarks but got 1"):
        find_files(tmp_path)[0]


def test_a_damaged_scan_is_rejected(tmp_path):
    write_scan(tmp_path / "anna.ply")
    (tmp_path / "anna.ply").write_bytes(b"ply\n")
    with pytest.raises(FaceError, match=r"anna\.ply: expected a mesh or a cloud"):
        find_files(tmp_path)[0]


def test_a_folder_without_scans_and_other_units_are_rejected(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(FaceError, match=r"expected meshes or clouds, such as .* but there is none"):
        find_files(tmp_path)
    with pytest.raises(FaceError, match="unit='inch': expected one of mm, cm, m"):
        find_files(tmp_path, "inch")
