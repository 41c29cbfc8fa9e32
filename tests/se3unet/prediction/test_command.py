import json
import re

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from equivariance_zoo.faces.readers.landmark_files import read_landmarks
from se3unet.__main__ import main
from se3unet.prediction import command
from se3unet.prediction import scan as scan_module
from se3unet.prediction.predictor import Predictor
from tests.se3unet.prediction.scans import LANDMARKS_MM, POINTS_MM, Perfect, write_cloud

pytest.importorskip("safetensors", reason="checkpoints: pip install safetensors")
pytest.importorskip("matplotlib", reason="pictures: pip install matplotlib")
trimesh = pytest.importorskip("trimesh", reason="reads meshes: pip install trimesh")

TURN = Rotation.random(rng=3)
ENDINGS = {".json", ".ljson", ".pts", ".png", ".html"}


@pytest.fixture
def trained(monkeypatch):
    """As if the network knew the face, turned as it is here."""
    perfect = Perfect(TURN)
    monkeypatch.setattr(Predictor, "_heatmaps", lambda self, clouds: perfect(clouds))


def predict(checkpoint, folder, *options):
    return main(["predict", "--checkpoint", str(checkpoint), "--output", str(folder / "out"), *map(str, options)])


def files(folder):
    return sorted(path.name for path in (folder / "out").rglob("*")) if (folder / "out").exists() else []


@pytest.mark.usefixtures("trained")
class TestFaces:
    def test_a_cloud_in_centimetres(self, checkpoint, tmp_path, capsys):
        shift = np.array([5.0, 900.0, -3.0])
        scan = write_cloud(tmp_path / "anna.xyz", TURN.apply(POINTS_MM / 10) + shift)
        assert predict(checkpoint, tmp_path, scan) == 0
        printed = capsys.readouterr().out
        assert "anna.xyz: 68 landmarks, confidence 0." in printed
        assert "unit cm (guessed from the size; else --unit mm, m, in, face)" in printed
        assert set(files(tmp_path)) == {f"anna{ending}" for ending in ENDINGS}
        truth = TURN.apply(LANDMARKS_MM / 10) + shift
        for ending in (".json", ".ljson", ".pts"):
            errors = np.linalg.norm(read_landmarks(tmp_path / "out" / f"anna{ending}") - truth, axis=1)
            assert errors.mean() < 0.3
        told = json.loads((tmp_path / "out" / "anna.json").read_text())
        assert (told["file"], told["unit"], told["unit_mm"], told["unit_guessed"]) == ("anna.xyz", "cm", 10.0, True)
        assert told["scan"] == "a cloud, 1,024 points"
        assert len(told["certainties"]) == len(told["parts"]) == 68
        assert (tmp_path / "out" / "anna.png").read_bytes().startswith(b"\x89PNG")

    def test_the_page_needs_nothing_else(self, checkpoint, tmp_path):
        scan = write_cloud(tmp_path / "a<b>.xyz", TURN.apply(POINTS_MM))
        assert predict(checkpoint, tmp_path, scan, "--unit", "mm") == 0
        page = (tmp_path / "out" / "a<b>.html").read_text()
        assert not re.search(r'(src|href)="(?!data:)', page)
        assert "url(" not in page
        assert "<h1>Landmarks of a&lt;b&gt;.xyz</h1>" in page
        assert page.count("<tr>") == 1 + 68

    @pytest.mark.slow
    def test_a_mesh(self, checkpoint, tmp_path):
        mesh = trimesh.Trimesh(TURN.apply(POINTS_MM), np.random.default_rng(0).integers(0, 1024, (50, 3)))
        mesh.export(tmp_path / "anna.ply")
        assert predict(checkpoint, tmp_path, tmp_path / "anna.ply") in (0, 1)

    def test_other_scans_are_predicted_all_the_same(self, checkpoint, tmp_path, capsys):
        scan = write_cloud(tmp_path / "anna.xyz", TURN.apply(POINTS_MM))
        (tmp_path / "empty.xyz").touch()
        assert predict(checkpoint, tmp_path, tmp_path / "empty.xyz", scan) == 2
        assert "empty.xyz: expected a mesh or a cloud" in capsys.readouterr().err
        assert set(files(tmp_path)) == {f"anna{ending}" for ending in ENDINGS}

    def test_a_very_large_cloud_is_thinned_with_a_message(self, checkpoint, tmp_path, capsys, monkeypatch):
        for module in (command, scan_module):
            monkeypatch.setattr(module, "MOST_POINTS", 1200)
        points = np.concatenate([POINTS_MM, POINTS_MM + 0.01])
        scan = write_cloud(tmp_path / "large.xyz", TURN.apply(points))
        predict(checkpoint, tmp_path, scan)
        assert "large.xyz: 2,048 points, of which 1,200 are used, chosen at random" in capsys.readouterr().out

    def test_a_folder_that_cannot_be_is_refused_before_the_work(self, checkpoint, tmp_path, capsys):
        scan = write_cloud(tmp_path / "anna.xyz", TURN.apply(POINTS_MM))
        assert predict(checkpoint, scan, scan) == 2
        printed = capsys.readouterr().err
        assert printed.startswith(f"se3unet: error: output: expected a folder, or a place for one, got {scan / 'out'}")
        assert printed.count("\n") == 1

    def test_a_full_disk_leaves_what_was_there(self, checkpoint, tmp_path, capsys, monkeypatch):
        scan = write_cloud(tmp_path / "anna.xyz", TURN.apply(POINTS_MM))
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "anna.json").write_text("earlier")
        calls = []

        def full(handle):
            calls.append(handle)
            if len(calls) == 3:
                raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        assert predict(checkpoint, tmp_path, scan) == 2
        assert "No space left on device" in capsys.readouterr().err
        assert files(tmp_path) == ["anna.json"]
        assert (tmp_path / "out" / "anna.json").read_text() == "earlier"

    def test_without_a_display_the_picture_is_named(self, checkpoint, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr(command, "has_display", lambda: False)
        scan = write_cloud(tmp_path / "anna.xyz", TURN.apply(POINTS_MM))
        assert predict(checkpoint, tmp_path, scan, "--show") == 0
        assert f"no display; see {tmp_path / 'out' / 'anna.png'}" in capsys.readouterr().out

    def test_with_a_display_the_window_is_opened(self, checkpoint, tmp_path, monkeypatch):
        opened = []
        monkeypatch.setattr(command, "has_display", lambda: True)
        monkeypatch.setattr(command, "show", lambda prediction, title: opened.append(title))
        scan = write_cloud(tmp_path / "anna.xyz", TURN.apply(POINTS_MM))
        assert predict(checkpoint, tmp_path, scan, "--show") == 0
        assert opened == [str(scan)]

    @pytest.mark.numeric
    def test_the_wrong_unit_finds_no_face(self, checkpoint, tmp_path, capsys, monkeypatch):
        # The real network sees how large a face is; what stands in for it here does not.
        monkeypatch.setattr(Predictor, "_heatmaps", lambda self, clouds: torch.full((*clouds.shape[:2], 68), 0.1))
        scan = write_cloud(tmp_path / "anna.xyz", TURN.apply(POINTS_MM))
        assert predict(checkpoint, tmp_path, scan, "--unit", "m") == 1
        printed = capsys.readouterr().err
        assert "anna.xyz: no face: confidence 0." in printed
        assert "expected 0.50 or more; unit m" in printed
        assert files(tmp_path) == []


CUBE = np.random.default_rng(0).uniform(-80, 80, (1500, 3))


class TestBadInput:
    @pytest.mark.slow
    def test_what_is_no_face_is_refused(self, checkpoint, tmp_path, capsys):
        assert predict(checkpoint, tmp_path, write_cloud(tmp_path / "cube.xyz", CUBE)) == 1
        printed = capsys.readouterr().err
        assert "cube.xyz: no face: confidence 0." in printed
        assert "(guessed from the size; else --unit " in printed
        assert files(tmp_path) == []

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("absent.ply", None, "No such file"),
            ("empty.ply", b"", "expected a mesh or a cloud"),
            (
                "cut.ply",
                b"ply\nformat binary_little_endian 1.0\nelement vertex 5000\nproperty float x\n",
                "expected a mesh",
            ),
            ("words.xyz", b"one two three\nfour five six\n", "expected a mesh or a cloud"),
            ("nan.xyz", b"0 0 nan\n" * 2000, "expected finite coordinates"),
            ("far.xyz", b"0 0 1e300\n1 2 3\n" * 1000, "expected coordinates up to 1e+09, got 1e+300"),
            ("few.xyz", b"0 0 1\n1 2 3\n", "expected a cloud of at least 1,024 points, got 2"),
            ("same.xyz", b"0 0 1\n1 2 3\n" * 1000, "expected 1,024 different points or more, got 2"),
            ("place.xyz", b"0 0 1\n" * 2000, "expected a scan with an extent, got 2,000 points at one place"),
            ("flat.obj", b"v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "have none"),
            ("notes.txt", b"hello", "expected a mesh or a cloud"),
        ],
    )
    def test_it_is_one_line_and_nothing_is_written(self, checkpoint, tmp_path, capsys, name, content, words):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        assert predict(checkpoint, tmp_path, tmp_path / name) == 2
        printed = capsys.readouterr().err
        assert printed.startswith("se3unet: error: ")
        assert printed.count("\n") == 1
        assert name in printed
        assert words in printed
        assert files(tmp_path) == []

    def test_results_of_one_name(self, checkpoint, tmp_path, capsys):
        assert predict(checkpoint, tmp_path, tmp_path / "a.ply", tmp_path / "a.obj") == 2
        assert (
            "expected different file names, as the results are named after them, got several a"
            in capsys.readouterr().err
        )

    @pytest.mark.parametrize("content", [None, b"hello", b"\x08\0\0\0\0\0\0\0{}      "])
    def test_a_checkpoint_that_is_none(self, tmp_path, capsys, content):
        path = tmp_path / "other.safetensors"
        if content is not None:
            path.write_bytes(content)
        assert predict(path, tmp_path, tmp_path / "a.ply") == 2
        printed = capsys.readouterr().err
        assert "checkpoint: expected" in printed
        assert printed.count("\n") == 1

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_a_gpu_that_is_not_there(self, checkpoint, tmp_path, capsys):
        assert predict(checkpoint, tmp_path, tmp_path / "a.ply", "--device", "cuda") == 2
        assert "device: expected cpu (PyTorch sees no CUDA GPU), got cuda" in capsys.readouterr().err


def test_a_missing_package_for_one_format_stops_no_other_scan(checkpoint, tmp_path, capsys, monkeypatch):
    def read(path):
        if path.suffix == ".dae":
            raise ImportError("missing `pip install pycollada`")
        return scan_module.read_scan(path)

    monkeypatch.setattr(command, "read_scan", read)
    (tmp_path / "a.dae").write_text("<COLLADA/>")
    scan = write_cloud(tmp_path / "b.xyz", POINTS_MM)
    assert predict(checkpoint, tmp_path, tmp_path / "a.dae", scan) == 2
    printed = capsys.readouterr()
    assert "error: missing `pip install pycollada`\n" in printed.err
    assert "b.xyz: no face" in printed.err or "b.xyz: 68 landmarks" in printed.out
