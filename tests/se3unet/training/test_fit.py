"""Whole trainings, small: what they write, kills, several processes, broken numbers."""

import csv
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from se3unet.__main__ import main
from se3unet.training.checkpoint import load_checkpoint
from se3unet.training.finite import NotFiniteError
from se3unet.training.fit import BEST, STATE, Options, train
from se3unet.training.networks import build
from tests.architecture.sources import ROOT
from tests.equivariance_zoo.training.old_states import write_old_state
from tests.se3unet.training.small import changed, small_faces, small_settings, small_toml

pytest.importorskip("lightning", reason="trains: pip install lightning")

QUIET = Options(quiet=True)
pytestmark = [
    # Warnings of today's PyTorch and TensorBoard about Lightning, and of Lightning about processes.
    pytest.mark.filterwarnings("ignore:.*is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning"),
]


def losses(output):
    """The loss of every step, by step; those of a later run replace those of an earlier one."""
    found = {}
    for path in sorted(output.glob("logs/csv/version_*/metrics.csv")):
        with path.open() as file:
            rows = [row for row in csv.DictReader(file) if row["loss_step"]]
        found |= {int(row["step"]): float(row["loss_step"]) for row in rows}
    return found


def in_a_process(arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, *arguments], check=False, capture_output=True, text=True, cwd=ROOT, env=environment
    )


@pytest.fixture
def files(tmp_path):
    """The faces and the settings as files: 8 faces to learn from, 2 epochs of 4 steps."""
    small_faces().save(tmp_path / "train.npz")
    (tmp_path / "small.toml").write_text(small_toml(small_settings()))
    return tmp_path


def arguments(files, output, *more):
    return ["train", str(files / "small.toml"), "--data", str(files), "--output", str(files / output), "--quiet", *more]


def test_a_training_writes_weights_state_and_logs(files, capsys):
    assert main(arguments(files, "out")) == 0
    printed = capsys.readouterr().out
    assert "val_error_mm: " in printed
    assert f"written: {files / 'out' / BEST}" in printed
    names = {path.name for path in (files / "out").rglob("*")}
    assert {BEST, STATE, "metrics.csv"} < names
    assert any(name.startswith("events.out.tfevents") for name in names)
    assert not any(name.endswith(".partial") for name in names)
    trained = load_checkpoint(files / "out" / BEST)
    assert trained.settings == small_settings()
    assert not trained.model.training
    assert trained.metrics["val_error_mm"] > 0
    assert sorted(losses(files / "out")) == list(range(8))


def test_the_kept_weights_are_the_averaged_ones_of_the_best_validation(files):
    settings = small_settings(epochs=1, cycle=1)
    train(small_faces(), settings, files / "averaged", QUIET)
    train(small_faces(), changed(settings, average=0.0), files / "plain", QUIET)
    state = torch.load(files / "averaged" / STATE, weights_only=False)
    kept = load_checkpoint(files / "averaged" / BEST).model.state_dict()
    plain = load_checkpoint(files / "plain" / BEST).model.state_dict()
    for name, weight in kept.items():
        assert torch.equal(weight, state["state_dict"][f"model.{name}"])
        assert torch.equal(plain[name], state["current_model_state"][f"model.{name}"])
    assert any(not torch.equal(plain[name], weight) for name, weight in kept.items())


@pytest.mark.slow
def test_a_training_that_was_killed_goes_on_as_if_nothing_had_been(files):
    assert main(arguments(files, "whole")) == 0
    killed = in_a_process([str(ROOT / "tests/se3unet/training/killed.py"), "6", *arguments(files, "killed")])
    assert killed.returncode == -signal.SIGKILL
    assert (files / "killed" / STATE).is_file()
    assert main(arguments(files, "killed", "--resume")) == 0
    assert losses(files / "killed") == losses(files / "whole")
    one, other = (load_checkpoint(files / name / BEST) for name in ("whole", "killed"))
    assert one.metrics == other.metrics
    for name, weight in one.model.state_dict().items():
        assert torch.equal(weight, other.model.state_dict()[name])


def test_ctrl_c_leaves_what_can_be_resumed(files, capsys, monkeypatch):
    from se3unet.training.module import Heatmaps

    whole = Heatmaps.training_step

    def stopped(self, batch, index):
        if self.global_step == 6:
            raise KeyboardInterrupt
        return whole(self, batch, index)

    with monkeypatch.context() as patched:
        patched.setattr(Heatmaps, "training_step", stopped)
        handler = signal.getsignal(signal.SIGINT)
        assert main(arguments(files, "out")) == 130
        assert signal.getsignal(signal.SIGINT) is handler
    assert capsys.readouterr().err.endswith("se3unet: stopped; train --resume goes on behind the last whole epoch\n")
    assert main(arguments(files, "out", "--resume")) == 0
    assert sorted(losses(files / "out")) == list(range(8))


@pytest.mark.slow
def test_two_processes_learn_as_one_with_the_doubled_batch(files):
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    shared = in_a_process([*torchrun, "-m", "se3unet", *arguments(files, "two", "--devices", "2")])
    assert shared.returncode == 0, shared.stderr
    assert shared.stdout.count("written: ") == 1
    (files / "small.toml").write_text(small_toml(small_settings(batch=4)))
    assert main(arguments(files, "one")) == 0
    one, two = losses(files / "one"), losses(files / "two")
    assert sorted(one) == sorted(two) == list(range(4))
    for step, loss in one.items():
        assert two[step] == pytest.approx(loss, rel=1e-5)


@pytest.mark.slow
def test_a_training_starts_from_the_weights_of_another(files):
    first = small_settings(epochs=1, cycle=1)
    train(small_faces(), first, files / "first", QUIET)
    # So small a step that nothing is learned.
    train(small_faces(), changed(first, rate=1e-12), files / "second", QUIET, weights=files / "first" / BEST)
    one, other = (load_checkpoint(files / name / BEST).model.state_dict() for name in ("first", "second"))
    for name, weight in one.items():
        torch.testing.assert_close(other[name], weight, rtol=0, atol=1e-9)
    wider = replace(first, unet=replace(first.unet, head_width=9))
    with pytest.raises(ValueError, match="weights: expected those of the network of the settings"):
        train(small_faces(), wider, files / "third", QUIET, weights=files / "first" / BEST)
    assert not (files / "third").exists()


@pytest.mark.slow
def test_gradients_of_accumulated_batches_make_one_step(files):
    settings = small_settings(epochs=1, cycle=1)
    train(small_faces(), changed(settings, batch=4), files / "large", QUIET)
    train(small_faces(), changed(settings, accumulate=2), files / "small", QUIET)
    one, other = (load_checkpoint(files / name / BEST) for name in ("large", "small"))
    assert one.metrics["steps"] == other.metrics["steps"] == 2
    for name, weight in one.model.state_dict().items():
        torch.testing.assert_close(other.model.state_dict()[name], weight, rtol=1e-4, atol=1e-5)


class TestNumbersThatAreNone:
    def broken(self, monkeypatch, spoil):
        """A training of a network that is spoiled when it is built."""
        from se3unet.training import fit

        def spoiled(settings):
            model = build(settings)
            spoil(model)
            return model

        monkeypatch.setattr(fit, "build", spoiled)

    def test_the_layer_is_named(self, monkeypatch, tmp_path):
        def spoil(model):
            model.up[1].blocks[0].project.register_forward_hook(
                lambda _, __, fibers: {degree: f / 0.0 for degree, f in fibers.items()}
            )

        self.broken(monkeypatch, spoil)
        words = r"heatmaps: expected finite numbers.* epoch 0, step 0: layer up.1.blocks.0.project \(SelfInteraction\)"
        with pytest.raises(NotFiniteError, match=words):
            train(small_faces(), small_settings(), tmp_path / "out", QUIET)

    def test_a_weight_is_named(self, monkeypatch, tmp_path):
        def spoil(model):
            with torch.no_grad():
                model.head.mlp[1].bias[0] = torch.nan

        self.broken(monkeypatch, spoil)
        with pytest.raises(NotFiniteError, match=r"the weights head\.mlp\.1\.bias are NaN or infinite"):
            train(small_faces(), small_settings(), tmp_path / "out", QUIET)

    def test_a_gradient_is_named_before_it_spoils_a_weight(self, monkeypatch, tmp_path):
        def spoil(model):
            model.head.mlp[1].weight.register_hook(lambda gradient: gradient * torch.nan)

        self.broken(monkeypatch, spoil)
        with pytest.raises(NotFiniteError, match=r"gradient: .*the gradients of head.mlp.1.weight \(1 of"):
            train(small_faces(), small_settings(), tmp_path / "out", QUIET)


class TestMisuse:
    @pytest.mark.parametrize(
        ("more", "words"),
        [
            (["--resume"], "resume: expected state.ckpt of an earlier training"),
            (["--devices", "0"], "--devices: expected 1 or more, got 0"),
            (["--network", "resnet"], "network: expected one of se3unet, published, got 'resnet'"),
            (["--devices", "9"], "batch: expected at most the 8 faces of the training, got 2 on each of 9 devices"),
            (["--epochs", "0"], "epochs: expected a whole number, 1 or more, got 0"),
        ],
    )
    def test_one_line_says_what_is_wrong(self, files, capsys, more, words):
        assert main(arguments(files, "out", *more)) == 2
        printed = capsys.readouterr().err
        assert printed.startswith("se3unet: error: ")
        assert words in printed
        assert printed.count("\n") == 1

    def test_data_that_are_not_there(self, files, capsys):
        assert main(["train", str(files / "small.toml"), "--data", "absent.npz", "--output", str(files / "out")]) == 2
        assert "absent.npz" in capsys.readouterr().err
        assert not (files / "out").exists()

    def test_a_training_is_not_written_over(self, files, capsys):
        (files / "out").mkdir()
        (files / "out" / STATE).write_bytes(b"precious")
        assert main(arguments(files, "out")) == 2
        assert "output: expected a folder without state.ckpt of a training, or --resume" in capsys.readouterr().err
        assert (files / "out" / STATE).read_bytes() == b"precious"

    def test_a_state_of_an_earlier_version_is_refused(self, files, capsys):
        (files / "out").mkdir()
        write_old_state(files / "out" / STATE, "faces.faceset", "FaceSet")
        assert main(arguments(files, "out", "--resume")) == 2
        printed = capsys.readouterr().err
        assert f"got {files / 'out' / STATE}, which has faces.faceset.FaceSet" in printed
        assert f"start from its weights, --weights {files / 'out' / BEST}" in printed

    def test_a_place_where_no_folder_can_be(self, files, capsys):
        assert main(arguments(files, "small.toml/out")) == 2
        refused = f"output: expected a folder, or a place for one, got {files / 'small.toml' / 'out'}"
        assert refused in capsys.readouterr().err

    def test_faces_of_too_few_points(self, files, capsys):
        settings = small_settings()
        (files / "small.toml").write_text(small_toml(replace(settings, unet=replace(settings.unet, neighbours=40))))
        assert main(arguments(files, "out")) == 2
        assert "expected more than neighbours=40 points" in capsys.readouterr().err


@pytest.mark.slow
def test_the_published_architecture_is_trained_by_the_same_command(files):
    pytest.importorskip("dgl", reason="needs DGL: pip install 'equivariance[dgl]'")
    small_faces(3).save(files / "train.npz")
    assert main(arguments(files, "out", "--network", "published", "--epochs", "1")) == 0
    trained = load_checkpoint(files / "out" / BEST)
    assert trained.settings.network == "published"
    assert trained.model(small_faces(2).positions).shape == (2, 64, 68)
