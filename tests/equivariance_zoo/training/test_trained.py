import pytest
import torch

from tests.equivariance_zoo.training.toy import CHECKPOINTS, POINTS, Net, Settings, Training, build

pytest.importorskip("safetensors", reason="checkpoints: pip install safetensors")


def test_a_network_comes_back_with_settings_and_figures(tmp_path):
    settings = Settings(net=Net(width=3), training=Training(seed=5))
    model = build(settings)
    CHECKPOINTS.save(tmp_path / "deep" / "model.safetensors", model, settings, {"loss": 0.5})
    found = CHECKPOINTS.load(tmp_path / "deep" / "model.safetensors")
    assert (found.settings, found.metrics, found.model.training) == (settings, {"loss": 0.5}, False)
    assert torch.equal(found.model(POINTS), model(POINTS))


def test_files_of_another_format_or_network_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    CHECKPOINTS.save(path, torch.nn.Linear(2, 9), Settings(), {})
    with pytest.raises(ValueError, match="checkpoint: expected one of toy, got"):
        CHECKPOINTS.load(path)
    CHECKPOINTS.save(path, build(Settings()), Settings(), {})
    from dataclasses import replace

    with pytest.raises(ValueError, match="its format is 'toy-1' and not 'toy-2'"):
        replace(CHECKPOINTS, tag="toy-2").load(path)


def test_weights_come_from_the_seed_and_leave_the_generator_alone():
    before = torch.get_rng_state()
    one, other, third = (build(Settings(training=Training(seed=seed))) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.weight, other.weight)
    assert not torch.equal(one.weight, third.weight)
