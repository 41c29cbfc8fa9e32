import numpy as np
import pytest

from equivariance_zoo.faces import FaceError, load_ict
from tests.equivariance_zoo.faces.meshes import packed_model


def save(path, arrays):
    np.savez(path, **arrays)
    return path


@pytest.fixture
def model_file(tmp_path):
    return save(tmp_path / "model.npz", packed_model())


def test_quads_become_triangles_of_the_same_surface(model_file):
    expected = {(0, 1, 2), (0, 2, 3), (4, 5, 6), (4, 6, 7), (8, 9, 10)}
    assert {tuple(row) for row in load_ict(model_file).triangles.tolist()} == expected


def test_no_weights_give_the_mean(model_file):
    np.testing.assert_array_equal(load_ict(model_file).neutral([]).vertices, packed_model()["mean"].astype(np.float64))


def test_neutral_adds_the_weighted_modes(model_file):
    arrays = packed_model()
    expected = arrays["mean"].astype(np.float64)
    for weight, mode, scale in zip([0.5, -2.0], arrays["id_q"], arrays["id_scale"], strict=False):
        expected = expected + weight * float(scale) * mode
    mesh = load_ict(model_file).neutral([0.5, -2.0])
    np.testing.assert_allclose(mesh.vertices, expected, rtol=0, atol=1e-14)
    assert mesh.vertices.dtype == np.float64


@pytest.mark.parametrize("weights", [np.zeros(4), np.zeros((1, 3)), [0.0, np.nan], [np.inf]])
def test_unusable_weights_are_rejected(model_file, weights):
    with pytest.raises(FaceError, match="identity_weights: expected a finite vector of at most 3"):
        load_ict(model_file).neutral(weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id_q": None}, "expected the arrays mean, id_q, .* id_q is missing"),
        ({"mean": np.zeros((12, 2))}, r"expected mean of shape \[12, 3\] but got \[12, 2\]"),
        ({"mean": np.full((12, 3), np.nan)}, "vertices: expected finite coordinates"),
        ({"mean": np.float64(1)}, r"expected mean of shape \[0, 3\] but got \[\]"),
        ({"id_q": np.zeros((2, 12, 3), dtype=np.int16)}, r"expected id_q of shape \[3, 12, 3\] but got \[2, 12, 3\]"),
        ({"id_scale": np.array([1, np.inf, 1])}, "expected finite numbers in id_scale"),
        ({"quads": np.zeros((3, 3), dtype=np.uint16)}, r"expected quads of shape \[2, 4\] but got \[3, 3\]"),
        ({"quads": np.zeros((3, 4))}, "float64"),
        ({"quads": np.array([[0, 1, 12, 3]])}, "triangles: expected vertex numbers from 0 to 11 but got 0 to 12"),
        ({"lm68": np.arange(60) % 12}, r"expected lm68 of shape \[68\] but got \[60\]"),
        ({"lm68": np.array(["a"] * 68)}, "<U1"),
    ],
)
def test_invalid_model_is_rejected_and_the_file_named(tmp_path, change, message):
    path = save(tmp_path / "model.npz", packed_model(**change))
    with pytest.raises(FaceError, match=message) as error:
        load_ict(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04 and no more"])
def test_file_of_another_kind_is_rejected(tmp_path, content):
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(FaceError, match=r"model\.npz: expected an \.npz archive"):
        load_ict(path)


def test_damaged_archive_is_rejected(model_file):
    content = bytearray(model_file.read_bytes())
    content[300] ^= 0xFF
    model_file.write_bytes(bytes(content))
    with pytest.raises(FaceError, match=r"model\.npz: expected an \.npz archive"):
        load_ict(model_file)


def test_single_array_is_rejected(tmp_path):
    path = tmp_path / "mean.npy"
    np.save(path, np.zeros((12, 3)))
    with pytest.raises(FaceError, match=r"mean\.npy: expected an \.npz archive"):
        load_ict(path)


def test_missing_file_is_the_systems_own_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.npz"):
        load_ict(tmp_path / "absent.npz")


def test_the_real_model(shared_data):
    model = load_ict(shared_data / "ict_face_model" / "ict_face_model.npz")
    head = model.neutral(np.random.default_rng(0).standard_normal(50))
    assert head.vertices.shape == (11_248, 3)
    assert len(head.triangles) == 2 * 11_144
    right_jaw, chin, left_jaw, nose_tip = head.landmark_positions[[0, 8, 16, 30]]
    assert right_jaw[0] < chin[0] < left_jaw[0]
    assert chin[1] < nose_tip[1]
    assert nose_tip[2] == head.landmark_positions[:, 2].max()
