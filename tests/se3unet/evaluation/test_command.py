import json

import pytest
import torch

from se3unet.__main__ import main
from se3unet.evaluation.command import _names
from se3unet.training.checkpoint import save_checkpoint
from se3unet.training.networks import build
from tests.se3unet.training.small import small_faces, small_settings

pytest.importorskip("safetensors", reason="checkpoints: pip install safetensors")
pytest.importorskip("matplotlib", reason="charts: pip install matplotlib")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Prepared faces and the checkpoint of a network with random weights."""
    folder = tmp_path_factory.mktemp("evaluate")
    small_faces(2).save(folder / "test.npz")
    settings = small_settings()
    save_checkpoint(folder / "model.safetensors", build(settings), settings, {"val_iou": 0.25})
    return folder


def evaluate(folder, *others):
    options = ["--data", str(folder / "test.npz"), "--output", str(folder / "out")]
    return main(["evaluate", str(folder / "model.safetensors"), *options, *others])


@pytest.fixture(scope="module")
def written(inputs):
    assert evaluate(inputs, "--conditions", "none", "ST_rt") == 0
    return inputs / "out"


@pytest.mark.slow
def test_the_page_says_how_it_was_made_and_shows_every_chart(written):
    page = (written / "landmarks.md").read_text()
    assert "python -m se3unet evaluate " in page
    assert "--conditions none ST_rt" in page
    assert "report (FaceScape, theirs)" in page
    assert "| 0.5198 | 0.0039 |" in page
    pictures = [line.partition("](")[2].rstrip(")") for line in page.splitlines() if line.startswith("![")]
    assert len(pictures) == 5
    assert all((written / picture).read_bytes().startswith(b"\x89PNG") for picture in pictures)
    assert sorted(path.name for path in (written / "landmarks").iterdir() if path.suffix != ".png") == [
        *("ced.csv", "errors.csv", "iou.csv", "landmarks.json")
    ]


def test_the_page_says_how_each_network_was_trained_last(written):
    row = next(line for line in (written / "landmarks.md").read_text().splitlines() if "model.safetensors`" in line)
    assert "epochs, batches of" in row


@pytest.mark.parametrize(
    ("kinds", "files", "names"),
    [
        (["se3unet", "published"], ["a", "b"], ["se3unet", "published"]),
        (["se3unet", "se3unet"], ["first", "second"], ["first", "second"]),
        (["se3unet", "published", "se3unet"], ["ours", "published", "c"], ["ours", "published", "c"]),
        (["se3unet", "se3unet"], ["model", "model"], ["se3unet-1", "se3unet-2"]),
        (["se3unet", "published", "se3unet"], ["published", "b", "c"], ["se3unet-1", "published", "se3unet-2"]),
    ],
)
def test_networks_of_one_kind_are_told_by_their_files(kinds, files, names):
    assert _names(kinds, files) == names


def test_the_numbers_are_the_same_in_every_pose(written):
    (network,) = json.loads((written / "landmarks" / "landmarks.json").read_text())["networks"]
    assert network["metrics"] == {"val_iou": 0.25}
    at_rest, moved = network["conditions"].values()
    assert moved["iou"] == pytest.approx(at_rest["iou"], abs=2e-3)
    assert moved["refined_mm"] == pytest.approx(at_rest["refined_mm"], abs=0.2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--data", "absent.npz"], "absent.npz"),
        (["--output", "/dev/null/out"], "output: expected a folder, or a place for one, got /dev/null/out (/dev/null"),
        (["--faces", "0"], "--faces: expected from 1 to the 2 of"),
        (["--seed", "-1", "--conditions", "ST_r"], "seed=-1: expected at least 0"),
    ],
)
def test_what_cannot_be_used_is_one_line(inputs, tmp_path, capsys, change, words):
    assert evaluate(inputs, "--output", str(tmp_path / "none"), *change) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("se3unet: error: ")
    assert printed.count("\n") == 1
    assert words in printed
    assert not (tmp_path / "none").exists()


def test_a_checkpoint_that_is_none_is_one_line(inputs, tmp_path, capsys):
    (tmp_path / "text.safetensors").write_text("hello")
    command = ["evaluate", str(tmp_path / "text.safetensors"), "--data", str(inputs / "test.npz"), "--output", "out"]
    assert main(command) == 2
    assert "checkpoint: expected one of se3unet" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_one_line(inputs, capsys):
    assert evaluate(inputs, "--device", "cuda") == 2
    assert "device: expected cpu (PyTorch sees no CUDA GPU), got cuda" in capsys.readouterr().err


def test_a_full_disk_leaves_no_half_of_a_file(inputs, tmp_path, capsys, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    monkeypatch.setattr("equivariance_zoo.landmarks.evaluation.page._charts", lambda evaluation: {})
    output = tmp_path / "full"
    assert evaluate(inputs, "--output", str(output), "--conditions", "none", "--faces", "1") == 2
    assert "No space left on device" in capsys.readouterr().err
    assert [path for path in output.rglob("*") if path.is_file()] == []
