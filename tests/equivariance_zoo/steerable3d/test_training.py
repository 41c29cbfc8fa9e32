"""Settings, checkpoints, the command line, and a training of a few steps."""

import signal

import pytest
import torch

from equivariance_zoo.steerable3d.__main__ import main
from equivariance_zoo.steerable3d.checkpoint import build, load, save
from equivariance_zoo.steerable3d.datasets import dataset, order
from equivariance_zoo.steerable3d.settings import DataConfig, Run, TrainingConfig
from tests.equivariance_zoo.training.old_states import write_old_state

SMALL = """
[data]
kind = "tetris"
size = 10
copies = 1
rotations = 1
[network]
classes = 8
kernel_size = 3
stages = [{ irreps = "2x0e + 1x1e" }, { irreps = "4x0e", stride = 2 }]
[training]
epochs = 2
batch = 4
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_settings_go_to_plain_values_and_back(config):
    run = Run.read(config)
    assert Run.from_dict(run.to_dict()) == run
    assert run.training == TrainingConfig(2, 4)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[training]", "[train]", "expected the tables data, network"),
        ('kind = "tetris"', 'kind = "mnist"', "kind: expected one of tetris"),
        ('kind = "tetris"', 'kind = "cath"', "folder: expected a folder for cath"),
        ('kind = "tetris"', "", "expected the key kind too"),
        ("size = 10", "size = 0", "size: expected a whole number above 0"),
        ("epochs = 2", "epoch = 2", "training: expected keys among epochs"),
        ("epochs = 2", "rate = -1.0", "rate: expected a number above 0"),
        ("classes = 8", 'name = "alexnet"', "network: expected a name among tetris"),
        ("epochs = 2", "rate = inf", "rate: expected a number above 0"),
        ("epochs = 2", 'decay = "x"', "decay: expected a number from 0"),
        ("epochs = 2", "seed = 1.5", "seed: expected a whole number from 0"),
        ("stride = 2", "step = 2", "stages: expected tables with irreps"),
        ("[data]", "[data", "config: expected a file in TOML"),
    ],
)
def test_settings_are_checked(config, capsys, tmp_path, old, new, words):
    config.write_text(SMALL.replace(old, new))
    assert main(["train", str(config), "--output", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("equivariance_zoo.steerable3d: error: ")
    assert words in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "out").exists()


class TestOrder:
    def test_every_eight_tetris_shapes_are_all_of_them(self):
        config = DataConfig("tetris", size=8, copies=5)
        labels = dataset(config, "train").tensors[1][list(order(config, 40, seed=1))]
        assert all(sorted(eight.tolist()) == list(range(8)) for eight in labels.split(8))

    def test_it_is_another_one_in_every_epoch_and_the_same_again(self):
        config = DataConfig("cath", folder="somewhere")
        one, other = order(config, 20, seed=0), order(config, 20, seed=0)
        first = list(one)
        one.set_epoch(1)
        assert sorted(first) == sorted(one) == list(range(20))
        assert list(one) != first == list(other)
        other.set_epoch(1)
        assert list(one) == list(other)
        assert len(one) == 20


def test_a_named_network_is_the_papers(config):
    config.write_text(SMALL.partition("[network]")[0] + '[network]\nname = "tetris"\nclasses = 8\n')
    assert Run.read(config).network.kernel_size == 5


class TestCheckpoint:
    def test_what_is_written_is_read(self, config, tmp_path):
        run = Run.read(config)
        model = build(run)
        save(tmp_path / "deep" / "model.safetensors", model, run, {"accuracy": 0.5})
        loaded, found, metrics = load(tmp_path / "deep" / "model.safetensors")
        assert (found, metrics, loaded.training) == (run, {"accuracy": 0.5}, False)
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), loaded.parameters(), strict=True))
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model.safetensors"]

    def test_the_seed_makes_the_weights_and_leaves_the_generator_alone(self, config):
        run = Run.read(config)
        before = torch.get_rng_state()
        one, other = build(run), build(run)
        assert torch.equal(torch.get_rng_state(), before)
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))

    def test_other_files_are_refused(self, capsys, tmp_path):
        from safetensors.torch import save_file

        (tmp_path / "text.safetensors").write_text("hello")
        save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
        for name in ("text", "foreign", "absent"):
            assert main(["evaluate", str(tmp_path / f"{name}.safetensors")]) == 2
            assert "checkpoint: expected" in capsys.readouterr().err


class TestTraining:
    def test_it_trains_evaluates_and_resumes(self, config, capsys, tmp_path):
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

    def test_what_is_there_is_neither_overwritten_nor_taken_for_another(self, config, capsys, tmp_path):
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

    def test_a_resumed_training_ends_where_an_uninterrupted_one_does(self, config, capsys, tmp_path, monkeypatch):
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
    def test_data_and_networks_that_do_not_fit_are_told(self, config, capsys, tmp_path, old, new, words):
        pytest.importorskip("lightning", reason="trains: pip install lightning")
        config.write_text(SMALL.replace(old, new))
        assert main(["train", str(config), "--output", str(tmp_path / "out")]) == 2
        assert words in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    def test_there_must_be_something_to_resume(self, config, capsys, tmp_path):
        pytest.importorskip("lightning", reason="trains: pip install lightning")
        assert main(["train", str(config), "--output", str(tmp_path / "out"), "--resume"]) == 2
        assert "resume: expected last.ckpt" in capsys.readouterr().err

    def test_a_state_of_an_earlier_version_is_refused(self, config, capsys, tmp_path):
        pytest.importorskip("lightning", reason="trains: pip install lightning")
        write_old_state(tmp_path / "last.ckpt", "steerable3d.settings", "Run")
        assert main(["train", str(config), "--output", str(tmp_path), "--resume"]) == 2
        printed = capsys.readouterr().err
        assert f"got {tmp_path / 'last.ckpt'} of an earlier one, which had steerable3d.settings.Run" in printed
        assert "train anew in another folder" in printed

    def test_the_ordinary_network_is_trained_alike(self, config, tmp_path):
        pytest.importorskip("lightning", reason="trains: pip install lightning")
        assert main(["train", str(config), "--output", str(tmp_path), "--quiet", "--dense", "--seed", "3"]) == 0
        model, run, _ = load(tmp_path / "model.safetensors")
        assert (type(model).__name__, run.training.seed) == ("DenseClassifier", 3)
