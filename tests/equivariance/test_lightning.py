"""The callback for Lightning: what it logs, who sees it, what a finding does, and that nothing else changes."""

import pickle

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from equivariance import ArgumentError, ChoiceError, Contract, MissingDependencyError

lightning = pytest.importorskip("lightning", reason="trains: pip install lightning")

from lightning.pytorch import callbacks  # noqa: E402

from equivariance.lightning import EquivarianceBreach, EquivarianceMonitor, EquivarianceWarning  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*is deprecated:FutureWarning", "ignore:.*does not have many workers", "ignore:.*tensorboardX",
    r"ignore:.*isinstance\(treespec, LeafSpec\)", "ignore:.*have no `val_dataloader`",
)  # fmt: skip
CLOUD = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
INVARIANT = Contract({"positions": "cartesian_points"}, "1x0e")


class Energy(nn.Module):
    """One number per point: of distances, or (broken) of the point's place."""

    def __init__(self, broken=False):
        super().__init__()
        self.broken, self.readout = broken, nn.Sequential(nn.Linear(1, 4), nn.Dropout(0.5), nn.Linear(4, 1))

    def forward(self, positions):
        centre = 0 if self.broken else positions.mean(-2, keepdim=True)
        return self.readout((positions - centre).square().sum(-1, keepdim=True))


class Training(lightning.LightningModule):
    """The smallest training of an energy; random numbers come from the global generator."""

    def __init__(self, broken=False):
        super().__init__()
        torch.manual_seed(0)
        self.model, self.modes = Energy(broken), []

    def forward(self, positions):
        return self.model(positions)

    def training_step(self, batch, index):
        self.modes.append((self.training, self.model.readout[1].training, torch.is_grad_enabled()))
        return self.model(batch).square().mean()

    def validation_step(self, batch, index):
        self.log("val", self.model(batch).square().mean(), batch_size=1)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)


def fit(module, *more, epochs=1, validation=False, **options):
    loader = DataLoader([CLOUD, 2 * CLOUD], batch_size=1)
    trainer = lightning.Trainer(
        max_epochs=epochs, callbacks=list(more), logger=False, accelerator="cpu", enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=any(isinstance(c, callbacks.Checkpoint) for c in more),
        **options,
    )  # fmt: skip
    trainer.fit(module, loader, loader if validation else None)
    return trainer


def monitor(contracts=INVARIANT, **options):
    return EquivarianceMonitor(contracts, CLOUD, **{"group": "translation", "samples": 1, **options})


def test_the_errors_of_the_network_and_of_its_layers_are_logged():
    watch = monitor(module="model", stop=True)
    logged = fit(Training(), watch).callback_metrics
    assert {"equivariance", "equivariance/readout", "equivariance/readout.0"} <= set(logged)
    assert 0 < float(logged["equivariance"]) < 1e-4
    assert watch.report is not None
    assert watch.report.ok


@pytest.mark.parametrize("module", [None, "model", lambda training: training.model])
def test_the_network_is_the_module_itself_a_path_or_what_a_function_returns(module):
    logged = fit(Training(), monitor(module=module)).callback_metrics
    assert ("equivariance/model.readout" if module is None else "equivariance/readout") in logged


def test_contracts_of_layers_stand_beside_that_of_the_network():
    same = Contract({"input": "0e"}, "4x0e")
    watch = monitor({"": INVARIANT, "readout.0": same}, module="model", layers="readout.0")
    assert set(fit(Training(), watch).callback_metrics) == {"equivariance/readout.0"}


@pytest.mark.parametrize("validation", [False, True])
def test_checkpoints_and_early_stopping_monitor_it(tmp_path, validation):
    best = callbacks.ModelCheckpoint(tmp_path, monitor="equivariance")
    stopping = callbacks.EarlyStopping("equivariance", stopping_threshold=1e-3)
    trainer = fit(Training(), stopping, best, monitor(), epochs=3, validation=validation)
    assert trainer.current_epoch == 1
    assert trainer.should_stop
    assert float(best.best_model_score) == float(trainer.callback_metrics["equivariance"])


@pytest.mark.parametrize("validation", [False, True])
def test_it_examines_once_in_every_second_epoch(monkeypatch, validation):
    from equivariance import lightning as home

    epochs = []
    diagnose = home.diagnose

    def counted(*args, **options):
        epochs.append(trainer_of.trainer.current_epoch)
        return diagnose(*args, **options)

    monkeypatch.setattr(home, "diagnose", counted)
    trainer_of = Training()
    fit(trainer_of, monitor(every=2), epochs=5, validation=validation, val_check_interval=1 if validation else None)
    assert epochs == [1, 3]


def test_validation_outside_of_a_training_examines_nothing():
    watch = monitor()
    trainer = lightning.Trainer(callbacks=[watch], logger=False, accelerator="cpu", enable_progress_bar=False)
    trainer.validate(Training(), DataLoader([CLOUD]), verbose=False)
    assert watch.report is None


def test_a_finding_is_a_warning():
    with pytest.warns(EquivarianceWarning, match=r"(?s)equivariance is broken in epoch 0:.*absolute-position"):
        logged = fit(Training(broken=True), monitor(module="model")).callback_metrics
    assert float(logged["equivariance"]) > 0.1


def test_a_finding_ends_the_training_if_asked():
    watch = monitor(module="model", stop=True)
    with pytest.raises(EquivarianceBreach, match=r"(?s)an equivariant one in epoch 0: .*absolute-position") as caught:
        fit(Training(broken=True), watch, epochs=2)
    assert caught.value.report is watch.report
    assert [finding.cause for finding in caught.value.report.findings] == ["absolute-position"]


def test_an_output_that_is_not_finite_logs_nan():
    module = Training()
    torch.nn.init.constant_(module.model.readout[0].bias, float("nan"))
    with pytest.warns(EquivarianceWarning, match="not-finite|NaN"):
        logged = fit(module, monitor()).callback_metrics
    assert logged["equivariance"].isnan()


@pytest.mark.parametrize("validation", [False, True])
def test_nothing_else_changes(validation):
    found = []
    for watched in ([], [monitor()]):
        module = Training()
        fit(module, *watched, epochs=2, validation=validation)
        found.append((module.state_dict(), torch.get_rng_state(), module.modes, list(module._forward_hooks)))
    for name, weight in found[0][0].items():
        assert torch.equal(weight, found[1][0][name])
    assert torch.equal(found[0][1], found[1][1])
    assert found[0][2:] == found[1][2:]
    assert set(found[1][2]) == {(True, True, True)}


class TwoProcesses:
    """The strategy of a training of two processes, seen from one of them."""

    def __init__(self, sent):
        self.sent = sent

    def broadcast(self, report):
        assert report is None
        return pickle.loads(pickle.dumps(self.sent))


def test_other_processes_log_what_the_first_one_measured(monkeypatch):
    first, second = monitor(module="model"), monitor(module="model", stop=True)
    with pytest.warns(EquivarianceWarning):
        fit(Training(broken=True), first)
    trainer = lightning.Trainer(logger=False, accelerator="cpu", enable_progress_bar=False)
    monkeypatch.setattr(type(trainer), "is_global_zero", False)
    monkeypatch.setattr(type(trainer), "strategy", TwoProcesses(first.report))
    logged, module = {}, Training()
    monkeypatch.setattr(module, "log_dict", lambda values, **_: logged.update(values))
    with pytest.raises(EquivarianceBreach, match="absolute-position"):
        second.on_train_epoch_end(trainer, module)
    assert logged["equivariance"] > 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every=0: expected a whole number of epochs"),
        ({"every": 1.5}, "every=1.5"),
        ({"samples": 0}, "samples=0"),
        ({"module": 3}, "module=3: expected the path of a submodule"),
        ({"contracts": "1x0e"}, r"contracts='1x0e': expected a Contract\(inputs, output\)"),
        ({"contracts": {"": "1x0e"}}, r"contracts\[''\]='1x0e'"),
    ],
)
def test_what_cannot_be_used_is_refused_before_the_training(options, message):
    with pytest.raises(ArgumentError, match=message):
        monitor(**options)


def test_an_unknown_group_is_refused_before_the_training():
    with pytest.raises(ChoiceError, match="group='so4'"):
        monitor(group="so4")


def test_a_path_that_is_no_submodule_is_named():
    with pytest.raises(ArgumentError, match="module='modle': expected the path of a submodule of Training"):
        fit(Training(), monitor(module="modle"))


def test_without_lightning_the_error_names_what_to_install(monkeypatch):
    import importlib
    import sys

    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.delitem(sys.modules, "equivariance.lightning")
    with pytest.raises(MissingDependencyError, match=r"lightning: pip install \"equivariance\[train\]\""):
        importlib.import_module("equivariance.lightning")
