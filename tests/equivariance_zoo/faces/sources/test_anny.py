import sys
import types
from importlib.metadata import PackageNotFoundError
from itertools import product

import numpy as np
import pytest
import torch

from equivariance_zoo.faces import FaceError, prepare
from equivariance_zoo.faces.models import anny as heads
from equivariance_zoo.faces.models.anny import CORNERS, RACES, landmark_numbers, load_anny
from equivariance_zoo.faces.sources.anny import AnnyFaces

CHANGES = ["l-ear-flap-incr", "r-ear-flap-incr", "nose-hump-incr", "l-foot-trans-out"]
ACTIONS = ["jawOpen", "mouthSmileLeft", "mouthSmileRight"]


class Anny:
    """As much of anny's model as is asked for: a grid of the landmarks, whose shapes add up as anny's do."""

    phenotype_labels = (*CORNERS, "height", *RACES)
    local_change_labels = CHANGES
    facial_action_labels = ACTIONS

    def __init__(self, **options):
        assert options["topology"] == "head"
        print("Warp initialized")
        rng = np.random.default_rng(0)
        self.base_mesh_vertex_indices = torch.tensor([*sorted(landmark_numbers()), 20_000])
        self.template = rng.normal(size=(69, 3))
        self.shapes = {name: rng.normal(size=(69, 3)) for name in (*CORNERS, *RACES, *CHANGES, *ACTIONS)}
        self.faces = torch.tensor([[n, n + 1, n + 2] for n in range(67)])

    def to(self, dtype):
        return self

    def __call__(self, phenotype_kwargs, local_changes_kwargs=None, facial_actions=None):
        values = dict(phenotype_kwargs)
        races = sum(values[race] for race in RACES)
        values |= {race: values[race] / races for race in RACES}
        # Bent at a half, as between three anchors.
        values["muscle"] = max(values["muscle"] - 0.5, 0)
        weights = values | (facial_actions or {}) | {n: abs(w) + w / 2 for n, w in (local_changes_kwargs or {}).items()}
        moved = sum(weight * self.shapes[name] for name, weight in weights.items() if name in self.shapes)
        # A product of two phenotypes is linear in each.
        moved = moved + values["gender"] * values["weight"] * values["age"]
        return {"rest_vertices": torch.tensor(self.template + moved, dtype=torch.float32)[None]}


@pytest.fixture
def installed(monkeypatch):
    """Install a small anny, which counts how often it is loaded."""
    loads = []
    package, paths, segmentation = (types.ModuleType(f"anny{name}") for name in ("", ".paths", ".face_segmentation"))
    package.Anny = lambda **options: loads.append(folder[-1]) or Anny(**options)
    folder = ["before"]
    paths.get_anny_cache_path = lambda: folder[-1]
    paths.set_anny_cache_path = folder.append
    # The last triangle, of the vertex without a landmark, is no skin.
    segmentation.get_face_segmentation_mask = lambda model, labels: torch.arange(67) < 66
    for module in (package, paths, segmentation):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(heads, "version", lambda name: "0.0")
    return types.SimpleNamespace(loads=loads, folder=folder)


def test_heads_are_made_once_and_kept(installed, tmp_path, capsys):
    first, second = load_anny(tmp_path), load_anny(tmp_path)
    assert capsys.readouterr().out == ""
    assert len(installed.loads) == 1
    assert str(installed.loads[0]).startswith(str(tmp_path))
    assert installed.folder[-1] == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["anny-0.0.npz"]
    np.testing.assert_array_equal(first.corners, second.corners)
    assert first.corners.shape == (108, 68, 3)
    assert first.change_names == tuple(CHANGES[:3])
    assert first.expression_names == tuple(ACTIONS)
    assert sorted(first.landmarks) == list(range(68))


def test_the_users_cache_folder_is_the_default(installed, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    load_anny()
    assert (tmp_path / "equivariance" / "anny-0.0.npz").is_file()


def test_people_are_what_anny_makes_of_their_weights(installed, tmp_path):
    model = load_anny(tmp_path)
    source = AnnyFaces(model, people=4)
    for person in range(4):
        rng = np.random.default_rng([0, person])
        low, high = zip((0, 1), CORNERS["age"], (0.2, 0.8), (0.2, 0.8), strict=True)
        values = {name: rng.uniform(*span) for name, span in zip(CORNERS, zip(low, high, strict=True), strict=True)}
        races = dict(zip(RACES, rng.dirichlet(np.ones(3)), strict=True))
        changes = dict(zip(model.change_names, source._changes(rng), strict=True))
        (vertices,) = Anny(topology="head")({**values, "height": 0.5, **races}, changes)["rest_vertices"].numpy()[
            :, :68
        ]
        turned = np.stack([vertices[:, 0], vertices[:, 2], -vertices[:, 1]], axis=1)
        np.testing.assert_allclose(source[person].points, turned * 1000, atol=0.01)


def test_people_differ_and_are_the_same_again(installed, tmp_path):
    model = load_anny(tmp_path)
    source = AnnyFaces(model, people=2, expressions=1)
    assert [source[number].subject for number in range(len(source))] == ["anny-0000"] * 2 + ["anny-0001"] * 2
    assert source[0].expression == "neutral"
    assert source[1].expression != "neutral"
    np.testing.assert_array_equal(source[2].points, AnnyFaces(model, people=9, expressions=1)[2].points)
    assert not np.allclose(source[0].points, source[2].points)
    np.testing.assert_array_equal(source[1].landmarks, source[1].points[model.landmarks])
    with pytest.raises(IndexError):
        source[4]


@pytest.mark.parametrize("arguments", [{"people": 0}, {"people": 1, "expressions": -1}, {"people": 1, "seed": -1}])
def test_invalid_numbers_are_rejected(installed, tmp_path, arguments):
    with pytest.raises(FaceError, match="expected at least"):
        AnnyFaces(load_anny(tmp_path), **arguments)


def test_a_damaged_cache_is_rejected_and_says_what_to_do(installed, tmp_path):
    (tmp_path / "anny-0.0.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(FaceError, match=r"anny-0\.0\.npz: .*delete it to have it made anew"):
        load_anny(tmp_path)


def test_a_failure_leaves_no_cache(installed, tmp_path, monkeypatch):
    monkeypatch.setattr(Anny, "__call__", lambda *_: 1 / 0)
    with pytest.raises((ZeroDivisionError, TypeError)):
        load_anny(tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_anny_the_message_says_what_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(heads, "version", missing)
    monkeypatch.setitem(sys.modules, "anny", None)
    with pytest.raises(ImportError, match=r'pip install "equivariance\[anny\]"'):
        load_anny(tmp_path)


def test_the_table_names_each_landmark_once():
    numbers = landmark_numbers()
    assert len(numbers) == len(set(numbers)) == 68


@pytest.fixture(scope="module")
def real():
    return load_anny()


@pytest.mark.anny
def test_landmarks_of_anny_lie_where_they_should(real):
    corners = real.corners[:, real.landmarks] * 1000
    for face in corners:
        right, left = face[:17], face[16::-1]
        assert (np.diff(face[2:15, 0]) > 0).all(), "the jaw runs from the subject's right to the left"
        np.testing.assert_allclose(right * [-1, 1, 1], left, atol=0.5)
        assert face[36, 0] < face[39, 0] < 0 < face[42, 0] < face[45, 0]
        assert (face[17:27, 1] > face[36:48, 1].max()).all(), "brows above eyes"
        assert face[30, 2] == face[:, 2].max(), "the tip of the nose is the foremost landmark"
        assert face[51, 1] > face[62, 1] > face[66, 1] > face[57, 1] > face[8, 1]
        assert 70 < np.linalg.norm(face[36] - face[45]) < 110
    assert len(corners) == len(list(product(*CORNERS.values(), RACES)))


@pytest.mark.anny
def test_faces_of_anny_are_prepared(real):
    faces = prepare(AnnyFaces(real, people=2, expressions=1), points=64, surface_points=1024)
    assert faces.positions.shape == (4, 64, 3)
    assert 100 < faces.unit_mm.min() <= faces.unit_mm.max() < 170
