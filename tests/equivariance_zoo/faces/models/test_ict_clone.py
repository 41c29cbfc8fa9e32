import json

import numpy as np
import pytest

from equivariance_zoo.faces import FaceError, load_ict
from equivariance_zoo.faces.models import ict_clone
from equivariance_zoo.faces.models.ict_clone import pack_ict
from equivariance_zoo.faces.readers.obj import read_vertices

EXPRESSIONS = ["jawOpen", "mouthSmile_L"]
VERTICES = 6


def mesh(vertices):
    rows = [f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in vertices]
    return "# ICT FaceKit\n" + "".join(rows) + "vt 0 0\nf 1/1 2/1 3/1 4/1\nf 2/1 3/1 5/1\nf 5/1 6/1 7/1 8/1\n"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with 8 vertices, 6 of them of the face, and 3 modes."""
    monkeypatch.setattr(ict_clone, "VERTICES", VERTICES)
    monkeypatch.setattr(ict_clone, "LANDMARKS", tuple(np.arange(68) % VERTICES))
    folder = tmp_path / "ICT-FaceKit" / "FaceXModel"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    template = rng.normal(size=(8, 3)).round(6)
    (folder / "generic_neutral_mesh.obj").write_text(mesh(template))
    for name in ["identity000", "identity001", "identity002", *EXPRESSIONS]:
        (folder / f"{name}.obj").write_text(mesh(template + rng.normal(size=(8, 3)).round(6)))
    (folder / "vertex_indices.json").write_text(json.dumps({"expressions": EXPRESSIONS}))
    return folder


def test_a_clone_is_packed_to_a_step_of_its_modes(clone):
    packed = pack_ict(clone, modes=3)
    template, first = (read_vertices(clone / name) for name in ("generic_neutral_mesh.obj", "identity000.obj"))
    np.testing.assert_allclose(packed["mean"], template[:VERTICES], atol=1e-6)
    mode = packed["id_q"][0] * packed["id_scale"][0].astype(float)
    np.testing.assert_allclose(mode, (first - template)[:VERTICES], atol=packed["id_scale"][0] * 0.6)
    assert packed["quads"].tolist() == [[0, 1, 2, 3], [1, 2, 4, 65535]]
    assert packed["ex_names"].tolist() == EXPRESSIONS


def test_the_packed_file_is_a_model(clone, tmp_path):
    np.savez(tmp_path / "model.npz", **pack_ict(clone, modes=3))
    packed = load_ict(tmp_path / "model.npz")
    assert packed.expression_names == tuple(EXPRESSIONS)
    assert packed.triangles.tolist() == [[0, 1, 2], [1, 2, 4], [0, 2, 3]]


def test_a_folder_is_read_as_a_model(clone, monkeypatch):
    monkeypatch.setattr("equivariance_zoo.faces.models.ict.pack_ict", lambda folder: pack_ict(folder, modes=3))
    for folder in (clone, clone.parent):
        model = load_ict(folder)
        assert model.identity_modes.shape == (3, VERTICES, 3)
        assert model.expression_modes.shape == (2, VERTICES, 3)


def test_a_mode_that_moves_nothing_on_the_face_is_zero(clone):
    (clone / "jawOpen.obj").write_text((clone / "generic_neutral_mesh.obj").read_text())
    packed = pack_ict(clone, modes=1)
    assert not packed["ex_q"][0].any()
    assert packed["ex_scale"][0] > 0


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("identity001.obj", "v 0 0 0\n", r"identity001\.obj: expected the template's 8 vertices but got 1"),
        ("identity001.obj", mesh(np.full((8, 3), np.nan)), r"identity001\.obj: expected finite coordinates"),
        ("generic_neutral_mesh.obj", "v 0 0 0\n", r"generic_neutral_mesh\.obj: expected at least 6 vertices but got 1"),
        ("vertex_indices.json", "{", r'vertex_indices\.json: expected a list of names under "expressions" but JSON'),
        ("vertex_indices.json", "{}", r"vertex_indices\.json: .* but KeyError"),
        ("vertex_indices.json", '{"expressions": [1]}', r"vertex_indices\.json: .* but got \[1\]"),
    ],
)
def test_a_damaged_clone_is_rejected(clone, file, text, message):
    (clone / file).write_text(text)
    with pytest.raises(FaceError, match=message):
        pack_ict(clone, modes=3)


@pytest.mark.parametrize("modes", [0, 4])
def test_there_are_no_other_modes(clone, modes):
    with pytest.raises(FaceError, match=rf"modes={modes}: expected from 1 to the 3 of .*identity"):
        pack_ict(clone, modes=modes)


def test_a_missing_file_is_the_systems_own_error(clone):
    (clone / "jawOpen.obj").unlink()
    with pytest.raises(FileNotFoundError, match=r"jawOpen\.obj"):
        pack_ict(clone, modes=3)


def test_the_landmarks_are_those_of_the_packed_model(shared_data):
    packed = np.load(shared_data / "ict_face_model" / "ict_face_model.npz")
    assert packed["lm68"].tolist() == list(ict_clone.LANDMARKS)
    assert packed["mean"].shape == (ict_clone.VERTICES, 3)
