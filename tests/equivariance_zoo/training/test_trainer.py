import os
from pathlib import Path

import pytest
import torch

from equivariance_zoo.training.state_files import WholeFiles
from equivariance_zoo.training.trainer import resuming, state_to_resume
from se3unet.config import SE3UnetConfig
from tests.equivariance_zoo.training.old_states import write_old_state

STATE = {
    "epoch": 1, "global_step": 8, "pytorch-lightning_version": "2.6.6", "state_dict": {"weight": torch.zeros(2)},
    "loops": {}, "callbacks": {}, "optimizer_states": [], "lr_schedulers": [],
}  # fmt: skip


def resume(folder, resume=True):
    return state_to_resume(folder, "state.ckpt", resume, "start anew")


def test_a_training_begins_in_a_folder_without_one_and_goes_on_in_one_that_has_one(tmp_path):
    assert resume(tmp_path, resume=False) is None
    with pytest.raises(ValueError, match=r"resume: expected state\.ckpt of an earlier training in the output folder"):
        resume(tmp_path)
    torch.save(STATE, tmp_path / "state.ckpt")
    assert resume(tmp_path) == tmp_path / "state.ckpt"
    with pytest.raises(ValueError, match=r"output: expected a folder without state\.ckpt of a training, or --resume"):
        resume(tmp_path, resume=False)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("faces.faceset", "FaceSet"),
        ("steerable3d.settings", "Run"),
        ("se3unet.training.settings", "SettingsOfOld"),
    ],
)
def test_a_state_of_classes_that_have_moved_is_refused(tmp_path, module, name):
    state = tmp_path / "state.ckpt"
    write_old_state(state, module, name)
    with pytest.raises(ValueError, match="resume: expected a state of this version") as caught:
        resume(tmp_path)
    assert f"got {state}, which has {module}.{name}: start anew" in str(caught.value)


def test_a_state_with_objects_is_refused_even_if_their_class_is_there(tmp_path):
    torch.save({**STATE, "config": SE3UnetConfig()}, tmp_path / "state.ckpt")
    with pytest.raises(ValueError, match=r"tensors and plain values only, got .* which has se3unet\.config\.SE3Unet"):
        resume(tmp_path)


class Evil:
    """Its pickle calls a function, as pickles of an attacker do."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.mark.parametrize("place", ["whole", "epoch", "optimizer_states", "inner"])
def test_code_in_a_state_is_not_run(tmp_path, place):
    evil = Evil(tmp_path / "ran")
    inner = {**STATE, "callbacks": {"KeepBest": {"least": evil}}}
    state = evil if place == "whole" else inner if place == "inner" else {**STATE, place: evil}
    torch.save(state, tmp_path / "state.ckpt")
    with pytest.raises(ValueError, match=r"^resume: expected a state of this version.*has posix\.mkdir: start anew"):
        resume(tmp_path)
    with pytest.raises(ValueError, match=r"^resume: .*state\.ckpt"):
        WholeFiles().load_checkpoint(tmp_path / "state.ckpt", weights_only=False)
    assert not (tmp_path / "ran").exists()


def test_a_damaged_state_is_refused(tmp_path):
    state = tmp_path / "state.ckpt"
    torch.save(STATE, state)
    whole = state.read_bytes()
    contents = (
        b"",
        b"hello",
        b"x" * 50,
        b"PK\3\4" + b"0" * 60,
        b"\x80\x02",
        *(whole[: len(whole) * n // 5] for n in range(5)),
    )
    for content in contents:
        state.write_bytes(content)
        with pytest.raises(ValueError, match=r"^resume: expected a state .* got .*state\.ckpt") as caught:
            resume(tmp_path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [{}, torch.ones(3), [1], "text", None, {**STATE, "loops": 3}, {"epoch": 1}])
def test_a_foreign_state_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "state.ckpt")
    with pytest.raises(ValueError, match=r"^resume: expected a state that a training .* wrote, got .*ckpt"):
        resume(tmp_path)


class Trainer:
    """Stands in for Lightning's: it calls the callbacks when the first step begins."""

    def __init__(self):
        self.callbacks = []

    def begin(self):
        for callback in self.callbacks:
            callback.on_train_start(self, None)


def fit(state, begins, error):
    trainer = Trainer()
    with resuming(trainer, state):
        if begins:
            trainer.begin()
        raise error


def test_an_error_before_the_first_step_is_one_of_the_state():
    with pytest.raises(ValueError, match=r"^resume: .* got state\.ckpt \(KeyError: 'fit_loop'\)"):
        fit(Path("state.ckpt"), False, KeyError("fit_loop"))
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(Path("state.ckpt"), True, RuntimeError("out of memory"))
    with pytest.raises(KeyError, match="fit_loop"):
        fit(None, False, KeyError("fit_loop"))
