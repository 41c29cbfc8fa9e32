"""The two networks as subjects: the harness finds what is known of each, and nothing else."""

import pytest
import torch

from equivariance import MissingDependencyError
from equivariance.api import diagnose_subject
from equivariance.cli.main import main
from equivariance.settings import Settings
from equivariance.subject import as_registered, load_checkpoint, load_subject
from se3unet import subjects

GROUPS = ["se3", "permutation", "batch"]
HALF = slice(None, None, 2)


@pytest.fixture
def small_faces(monkeypatch):
    """The same two faces with 128 points each."""
    positions = subjects._positions()[:, HALF]
    monkeypatch.setattr(subjects, "_positions", lambda: positions)


def examined(subject, group=tuple(GROUPS), samples=2, **settings):
    claims = ("translation", "rotation", "permutation", "batch")
    return diagnose_subject(subject, list(group), Settings(samples=samples, claims=claims, **settings))


@pytest.mark.slow
def test_ours_has_no_finding(small_faces):
    report = examined(subjects.se3unet())
    assert report.ok, report
    assert max(row.accumulated for row in report.layers if row.layer == "") < 1e-11


@pytest.mark.slow
def test_the_published_one_has_its_known_findings_and_no_others():
    pytest.importorskip("dgl", reason="the published network runs on DGL graphs")
    subject = subjects.published()
    report = examined(subject, samples=8)
    assert as_registered(subject, report) == ([], []), report
    lines = {f.layer: f.location.file.rpartition("/")[2] for f in report.findings}
    assert lines == {
        "rewrite": "unet.py", "coordinates": "unet.py", "head": "unet.py",
        "pool.start": "pool.py", "pool.edges": "pool.py", "upsample.weights": "upsample.py",
    }  # fmt: skip


@pytest.mark.slow
def test_a_defect_that_was_repaired_is_missed(small_faces):
    pytest.importorskip("dgl", reason="the published network runs on DGL graphs")
    subject = subjects.published()

    def centred(module, args, output):
        clouds = args[0].reshape(2, -1, 3)
        return {1: (clouds - clouds.mean(1, keepdim=True)).reshape(-1, 1, 3)}

    subject.module.coordinates.register_forward_hook(centred)
    report = examined(subject, ["translation"])
    extra, missed = as_registered(subject, report)
    assert not extra
    assert [k.layer for k in missed if k.symmetry == "translation"] == ["coordinates"]


def test_the_published_weights_are_loaded(shared_data):
    pytest.importorskip("dgl", reason="the published network runs on DGL graphs")
    subject = load_subject("published")
    before = subject.module.head.output.weight.clone()
    load_checkpoint(subject, shared_data / "published" / "weights.npz")
    assert not torch.equal(before, subject.module.head.output.weight)


def test_a_network_is_the_same_in_every_process():
    first, second = subjects.se3unet(), subjects.se3unet()
    assert all(torch.equal(a, b) for a, b in zip(first.module.parameters(), second.module.parameters(), strict=True))
    assert torch.equal(first.args[0], second.args[0])


def test_making_a_subject_leaves_the_generator_alone():
    state = torch.get_rng_state()
    subjects.se3unet()
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name", ["se3unet", "published"])
def test_contracts_stages_and_known_findings_name_layers_that_exist(name):
    if name == "published":
        pytest.importorskip("dgl", reason="the published network runs on DGL graphs")
    subject = load_subject(name)
    layers = {layer for layer, _ in subject.module.named_modules()}
    named = [
        *subject.contracts,
        *(k.layer for k in subject.registered),
        *(p for ps in subject.stages.values() for p in ps),
    ]
    assert set(named) <= layers
    assert subject.args[0].batch_size == 2 if name == "published" else subject.args[0].shape == (2, 256, 3)


def test_without_dgl_the_published_one_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(subjects, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"equivariance\[dgl\]"):
        subjects.published()
    assert main(["--subject", "published"]) == 2
    assert "equivariance[dgl]" in capsys.readouterr().err
