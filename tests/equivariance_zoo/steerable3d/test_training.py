import signal

import pytest
import torch

from equivariance_zoo.steerable3d.__main__ import main
from equivariance_zoo.steerable3d.checkpoint import load
from tests.equivariance_zoo.steerable3d.small import SMALL
from tests.equivariance_zoo.training.old_states import write_old_state


def test_it_trains_evaluates_and_resumes(config, capsys, tmp_path):
    pytest.importorskip("lightning", reason="trains: pip install lightning")
    output = str(tmp_path / "out")
    assert main(["train", str(config), "--output", output, "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "test accuracy: " in printed
    assert main(["evaluate", f"{output}/model.safetensors"]) == 0
    assert capsys.readouterr().out.strip() in printed
    config.write_text(SMALL.replace("epochs = 2", "epochs = 3"))
    assert main(["train", str(config), "--output", output, "--quiet", "--resume"]) == 0
    assert load(tmp_path / "out" / "model.safetensors")[1].training.epochs == 3
    capsys.readouterr()
    assert main(["train", str(config), "--output", output, "--quiet", "--resume"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("val accuracy: ")
    assert not told.err


def test_what_is_there_is_neither_overwritten_nor_taken_for_another(config, capsys, tmp_path):
    pytest.importorskip("lightning", reason="trains: pip install lightning")
    command = ["train", str(config), "--output", str(tmp_path / "out"), "--quiet"]
    assert main(command) == 0
    capsys.readouterr()
    assert main(command) == 2
    assert "output: expected a folder without last.ckpt" in capsys.readouterr().err
    for place in (config, config / "below"):
        assert main(["train", str(config), "--output", str(place)]) == 2
        assert f"output: expected a folder, or a place for one, got {place}" in capsys.readouterr().err
    config.write_text(SMALL.replace("2x0e + 1x1e", "4x0e + 1x1e"))
    assert main([*command, "--resume"]) == 2
    assert "resume: expected the settings of the earlier run" in capsys.readouterr().err


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(config, capsys, tmp_path, monkeypatch):
    pytest.importorskip("lightning", reason="trains: pip install lightning")
    config.write_text(SMALL.replace("epochs = 2", "epochs = 3").replace("copies = 1", "copies = 2"))
    cross_entropy, calls = torch.nn.functional.cross_entropy, []

    def fails_in_the_third_epoch(*arguments):
        calls.append(1)
        if len(calls) > 9:
            raise KeyboardInterrupt
        return cross_entropy(*arguments)

    command = ["train", str(config), "--quiet", "--output"]
    assert main([*command, str(tmp_path / "whole")]) == 0
    with monkeypatch.context() as patched:
        patched.setattr(torch.nn.functional, "cross_entropy", fails_in_the_third_epoch)
        handler = signal.getsignal(signal.SIGINT)
        assert main([*command, str(tmp_path / "parts")]) == 130
        assert signal.getsignal(signal.SIGINT) is handler
    assert "train --resume goes on" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "parts"), "--resume"]) == 0
    whole, parts = (load(tmp_path / name / "model.safetensors")[0].state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(whole[key], parts[key]) for key in whole)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("classes = 8", "classes = 7", "classes: expected 8 or more for these data, got 7"),
        ("classes = 8", 'classes = 8\nirreps_in = "2x0e"', "irreps_in: expected 1 channels for these data, got 2"),
    ],
)
def test_data_and_networks_that_do_not_fit_are_told(config, capsys, tmp_path, old, new, words):
    pytest.importorskip("lightning", reason="trains: pip install lightning")
    config.write_text(SMALL.replace(old, new))
    assert main(["train", str(config), "--output", str(tmp_path / "out")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_there_must_be_something_to_resume(config, capsys, tmp_path):
    pytest.importorskip("lightning", reason="trains: pip install lightning")
    assert main(["train", str(config), "--output", str(tmp_path / "out"), "--resume"]) == 2
    assert "resume: expected last.ckpt" in capsys.readouterr().err


def test_a_state_of_an_earlier_version_is_refused(config, capsys, tmp_path):
    pytest.importorskip("lightning", reason="trains: pip install lightning")
    write_old_state(tmp_path / "last.ckpt", "steerable3d.settings", "Run")
    assert main(["train", str(config), "--output", str(tmp_path), "--resume"]) == 2
    printed = capsys.readouterr().err
    assert f"got {tmp_path / 'last.ckpt'}, which has steerable3d.settings.Run" in printed
    assert "train anew in another folder" in printed


def test_the_ordinary_network_is_trained_alike(config, tmp_path):
    pytest.importorskip("lightning", reason="trains: pip install lightning")
    assert main(["train", str(config), "--output", str(tmp_path), "--quiet", "--dense", "--seed", "3"]) == 0
    model, run, _ = load(tmp_path / "model.safetensors")
    assert (type(model).__name__, run.training.seed) == ("DenseClassifier", 3)
