import warnings

import pytest
import torch

from equivariance_zoo.training.trainer import fit, state_to_resume
from tests.equivariance_zoo.training.toy import Net, Settings, Training, build

lightning = pytest.importorskip("lightning", reason="trains: pip install lightning")


class Module(lightning.LightningModule):
    def __init__(self, settings):
        super().__init__()
        self.model, self.rate = build(settings), settings.training.rate

    def training_step(self, batch, index):
        loss = self.model(batch).square().mean()
        self.log("loss", loss, on_step=False, on_epoch=True, batch_size=len(batch))
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.rate)


def trained(settings, folder, resume=False):
    folder.mkdir(exist_ok=True)
    state = state_to_resume(folder, "state.ckpt", resume, "start anew")
    module, points = Module(settings), torch.arange(12.0).reshape(6, 2) / 12
    batches = torch.utils.data.DataLoader(points, batch_size=2)
    figures = fit(module, batches, folder, "state.ckpt", state, settings, quiet=True, logger=False)
    return module.model.weight.detach(), figures


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole, figures = trained(Settings(training=Training(epochs=4)), tmp_path / "whole")
        assert set(figures) == {"loss"}
        trained(Settings(training=Training(epochs=2)), tmp_path / "parts")
        parts, _ = trained(Settings(training=Training(epochs=4)), tmp_path / "parts", resume=True)
    assert torch.equal(whole, parts)


def test_a_training_is_not_resumed_with_other_settings(tmp_path):
    trained(Settings(), tmp_path / "out")
    other = Settings(net=Net(width=9), training=Training(rate=0.5))
    with pytest.raises(ValueError, match="resume: expected the settings of the earlier run") as caught:
        trained(other, tmp_path / "out", resume=True)
    assert "net.width 4 and now 9, training.rate 0.01 and now 0.5" in str(caught.value)


def test_the_level_of_the_log_is_restored(tmp_path):
    import logging

    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    trained(Settings(training=Training(epochs=1)), tmp_path / "out")
    assert logger.level == before
