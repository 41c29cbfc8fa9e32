import pytest
import torch

from equivariance_zoo.training.trainer import state_to_resume
from tests.equivariance_zoo.training.old_states import write_old_state


def resume(folder, resume=True):
    return state_to_resume(folder, "state.ckpt", resume, "start anew")


def test_a_training_begins_in_a_folder_without_one_and_goes_on_in_one_that_has_one(tmp_path):
    assert resume(tmp_path, resume=False) is None
    with pytest.raises(ValueError, match=r"resume: expected state\.ckpt of an earlier training in the output folder"):
        resume(tmp_path)
    torch.save({"epoch": 1, "weights": torch.zeros(2)}, tmp_path / "state.ckpt")
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
    assert f"got {state} of an earlier one, which had {module}.{name}: start anew" in str(caught.value)


def test_a_state_of_classes_that_are_there_is_resumed(tmp_path):
    from se3unet.config import SE3UnetConfig

    torch.save({"config": SE3UnetConfig()}, tmp_path / "state.ckpt")
    assert resume(tmp_path)


def test_a_damaged_state_is_refused(tmp_path):
    state = tmp_path / "state.ckpt"
    torch.save({"epoch": 1}, state)
    whole = state.read_bytes()
    for content in (b"", b"hello", whole[: len(whole) // 2]):
        state.write_bytes(content)
        with pytest.raises(ValueError, match=r"resume: expected a state that a training wrote, got .*state\.ckpt"):
            resume(tmp_path)
