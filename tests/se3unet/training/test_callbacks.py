"""The harness in a training: what it logs, that it leaves the network as it is, and what a breach does."""

import csv
from dataclasses import replace

import pytest
import torch

from equivariance.findings import Finding
from equivariance.report.report import Report
from se3unet.training.fit import Options, train
from se3unet.training.networks import build
from tests.equivariance.helpers.verdicts import verdicts
from tests.se3unet.training.small import small_faces, small_settings

pytest.importorskip("lightning", reason="trains: pip install lightning")

pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated:FutureWarning")
SMALL = small_settings(epochs=1, cycle=1)
SETTINGS = replace(SMALL, unet=replace(SMALL.unet, levels=1, channels=2))


def break_translations(model):
    """The author's bug: absolute positions are fed as vectors."""
    model.embed.register_forward_hook(lambda _, given, fibers: {**fibers, 1: given[0].unsqueeze(-2)})


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """A training that is watched, of a network that is changed first."""
    from se3unet.training import fit

    def run(spoil, stop):
        def spoiled(settings):
            model = build(settings)
            spoil(model)
            return model

        monkeypatch.setattr(fit, "build", spoiled)
        train(small_faces(4), SETTINGS, tmp_path / "out", Options(quiet=True, watch=1, stop_on_breach=stop))
        with (tmp_path / "out/logs/csv/version_0/metrics.csv").open() as file:
            rows = list(csv.DictReader(file))
        names = [name for name in rows[0] if name.startswith("equivariance")]
        return {name: float(row[name]) for row in rows for name in names if row[name]}

    return run


@pytest.mark.slow
def test_the_error_of_every_layer_is_logged(trained):
    errors = trained(lambda model: None, stop=True)
    assert {"equivariance", "equivariance/embed", "equivariance/up.0.blocks.0.messages"} < set(errors)
    assert 0 < errors["equivariance"] < 1e-4


def test_a_breach_stops_the_training_if_asked(trained, monkeypatch):
    from equivariance import lightning

    # The finding is tested below; a report of a finding takes its time.
    finding = Finding("embed", "translation", "absolute-position", "it moves along", error=1.0)
    broken = Report("network", verdicts("translation"), [finding])
    monkeypatch.setattr(lightning, "diagnose", lambda *_, **__: broken)
    with pytest.raises(
        lightning.EquivarianceBreach, match=r"(?s)network: expected an equivariant one in epoch 0.*embed"
    ):
        trained(lambda model: None, stop=True)


@pytest.mark.slow
def test_a_breach_is_told_if_not(trained):
    from equivariance.lightning import EquivarianceWarning

    with pytest.warns(EquivarianceWarning, match=r"(?s)equivariance is broken in epoch 0.*embed"):
        errors = trained(break_translations, stop=False)
    assert errors["equivariance/embed"] > 0.1
    assert errors["equivariance/head"] < 1e-4


@pytest.mark.slow
def test_being_watched_changes_nothing(tmp_path):
    states = []
    for watch in (0, 1):
        figures = train(small_faces(4), SETTINGS, tmp_path / str(watch), Options(quiet=True, watch=watch))
        assert set(figures) == {"loss", "loss_epoch", "val_loss", "val_iou", "val_error_mm"}
        states.append(torch.load(tmp_path / str(watch) / "state.ckpt", weights_only=False)["current_model_state"])
    assert all(torch.equal(weight, states[1][name]) for name, weight in states[0].items())
