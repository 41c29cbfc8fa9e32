import numpy as np
import pytest

from equivariance_zoo.faces import FaceError
from equivariance_zoo.faces.sources.tu import find_tu
from tests.equivariance_zoo.faces.samples import face_mesh


def write_model(path, face):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"v {x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in face.points]
    path.write_text("".join(rows) + "".join(f"f {a + 1}/1 {b + 1}/2 {c + 1}/3\n" for a, b, c in face.triangles))


@pytest.fixture
def models(tmp_path):
    for subject, files in (("10", ["1_neutral", "2_smile"]), ("2", ["1_neutral", "10_dimpler", "3_mouth_stretch"])):
        for name in files:
            write_model(tmp_path / subject / "models_reg" / f"{name}.obj", face_mesh())
    (tmp_path / "2" / "models_reg" / "notes.obj").write_text("")
    np.savez(tmp_path / "landmark_indices.npz", v10=np.arange(68), v16=np.arange(68) + 300)
    return tmp_path


def find(models, **arguments):
    return find_tu(models, models / "landmark_indices.npz", **arguments)


def test_models_come_by_subject_and_expression(models):
    source = find(models)
    faces = [source[number] for number in range(len(source))]
    assert [(face.subject, face.expression) for face in faces] == [
        *[("2", name) for name in ("neutral", "mouth_stretch", "dimpler")],
        *[("10", name) for name in ("neutral", "smile")],
    ]
    np.testing.assert_allclose(faces[0].points, face_mesh().points, atol=1e-4)
    np.testing.assert_array_equal(faces[0].triangles, face_mesh().triangles)
    np.testing.assert_array_equal(faces[0].landmarks, faces[0].points[:68])
    with pytest.raises(IndexError):
        source[5]


def test_neutral_faces_alone(models):
    source = find(models, neutral=True)
    assert [source[number].subject for number in range(len(source))] == ["2", "10"]


def test_the_table_of_the_other_version(models):
    face = find(models, key="v16")[0]
    np.testing.assert_array_equal(face.landmarks, face.points[300:368])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"v16": np.arange(68)},
            r"landmark_indices\.npz: .*expected the arrays v10 but v10 is missing",
        ),
        ({"v10": np.arange(67)}, r"landmark_indices\.npz: v10: expected shape \[68\] but got \[67\]"),
        ({"v10": np.arange(68.0)}, r"landmark_indices\.npz: .*v10"),
    ],
)
def test_another_table_is_rejected(models, table, message):
    np.savez(models / "landmark_indices.npz", **table)
    with pytest.raises(FaceError, match=message):
        find(models)


def test_a_table_of_another_version_is_rejected(models):
    np.savez(models / "landmark_indices.npz", v10=np.arange(68) + 400)
    with pytest.raises(FaceError, match=r"1_neutral\.obj: landmarks: .* from 0 to 399 .* version\?"):
        find(models)[0]


def test_a_truncated_model_is_rejected_by_its_name(models):
    path = models / "2" / "models_reg" / "1_neutral.obj"
    path.write_text(path.read_text()[:3000])
    with pytest.raises(FaceError, match=r"1_neutral\.obj: "):
        find(models)[0]


def test_a_folder_without_models_is_rejected(models, tmp_path_factory):
    with pytest.raises(FaceError, match=r"expected models named {subject}/models_reg/\*\.obj but there is none"):
        find_tu(tmp_path_factory.mktemp("empty"), models / "landmark_indices.npz")
    with pytest.raises(FaceError, match="key='v12': expected one of v10, v16"):
        find(models, key="v12")
