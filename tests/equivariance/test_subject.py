"""Subjects: found by name or by factory, and held to the findings that they are registered with."""

import pytest
import torch

from equivariance.api import diagnose_subject
from equivariance.errors import ArgumentError, ChoiceError
from equivariance.findings import Finding
from equivariance.report.report import Report
from equivariance.settings import Settings
from equivariance.subject import (
    BUILT_IN,
    RegisteredFinding,
    Subject,
    as_registered,
    load_checkpoint,
    load_subject,
    registered,
)
from tests.equivariance.helpers import subjects
from tests.equivariance.helpers.subjects import MODULE
from tests.equivariance.helpers.verdicts import verdicts


def test_the_built_in_networks_are_registered():
    assert set(BUILT_IN) <= set(registered())


def test_an_entry_point_of_any_package_is_a_subject(monkeypatch):
    class Point:
        name = "theirs"

        @staticmethod
        def load():
            return subjects.sound

    monkeypatch.setattr("equivariance.subject.entry_points", lambda group: [Point] if "subjects" in group else [])
    assert load_subject("theirs").name == "sound"
    with pytest.raises(ChoiceError, match="subject='ours': expected one of module:factory, theirs"):
        load_subject("ours")


def test_a_factory_is_found_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "my_models.py").write_text(
        "import torch\nfrom equivariance.subject import Subject\n"
        "def build():\n    return Subject('mine', torch.nn.Identity(), (torch.ones(2, 3),), '1x1o', '1x1o')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_subject("my_models:build").name == "mine"


def test_a_broken_module_is_one_error(tmp_path, monkeypatch):
    (tmp_path / "broken_models.py").write_text("def build(:\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ArgumentError, match=r"subject='broken_models:build': expected module:factory .*SyntaxError"):
        load_subject("broken_models:build")


def report_with(*known):
    return Report("x", verdicts("rotation"), [Finding(k.layer, k.symmetry, k.cause, "") for k in known])


KNOWN = (RegisteredFinding("a", "rotation", "component-mixing"), RegisteredFinding("b", "batch", "batch-coupled"))


@pytest.mark.parametrize(
    ("found", "extra", "missed"),
    [
        (KNOWN, [], []),
        ((), [], list(KNOWN)),
        ((*KNOWN, RegisteredFinding("c", "none", "not-finite")), [RegisteredFinding("c", "none", "not-finite")], []),
        (
            (RegisteredFinding("a", "rotation", "wrong-irrep"),),
            [RegisteredFinding("a", "rotation", "wrong-irrep")],
            list(KNOWN),
        ),
    ],
)
def test_what_is_found_is_compared_with_what_is_known(found, extra, missed):
    subject = Subject("x", torch.nn.Identity(), (torch.ones(1, 3),), "1x1o", "1x1o", registered=KNOWN)
    assert as_registered(subject, report_with(*found)) == (extra, missed)


def test_a_finding_stands_for_each_of_its_layers_and_symmetries():
    """The causes of a merged finding's other symmetries are not compared: the finding names one."""
    registered = [
        RegisteredFinding(layer, symmetry, cause)
        for layer in ("a", "b") for symmetry, cause in (("batch", "batch-coupled"), ("permutation", "order-dependent"))
    ]  # fmt: skip
    subject = Subject("x", torch.nn.Identity(), (torch.ones(1, 3),), "1x1o", "1x1o", registered=tuple(registered))
    more = {"layers": ("a", "b"), "symmetries": ("batch", "permutation")}
    found = Finding("a", "batch", "batch-coupled", "", **more)
    assert as_registered(subject, Report("x", (), [found])) == ([], [])
    other = Finding("a", "batch", "unknown", "", **more)
    assert as_registered(subject, Report("x", (), [other])) == (
        [RegisteredFinding("a", "batch", "unknown")], [registered[0]],
    )  # fmt: skip
    fewer = Finding("a", "batch", "batch-coupled", "", symmetries=("batch", "permutation"))
    assert as_registered(subject, Report("x", (), [fewer])) == ([], registered[2:])
    wider = Finding("a", "batch", "batch-coupled", "", layers=("a", "b", "c"), symmetries=more["symmetries"])
    extra, missed = as_registered(subject, Report("x", (), [wider]))
    assert ({e.layer for e in extra}, missed) == ({"c"}, [])


def test_only_symmetries_and_causes_that_exist_can_be_known():
    with pytest.raises(ChoiceError, match="symmetry='spin': expected one of batch, inversion, lattice, mirror, none"):
        RegisteredFinding("a", "spin", "unknown")
    with pytest.raises(ChoiceError, match="cause='bad luck': expected one of absolute-position, batch-coupled"):
        RegisteredFinding("a", "rotation", "bad luck")


def test_a_subject_is_examined_with_its_contracts():
    report = diagnose_subject(subjects.broken(), "so3", Settings(samples=2))
    assert report.subject == "broken"
    (finding,) = report.findings
    assert set(finding.layers) == {"layers.1", "layers.3"}


def test_the_module_of_a_subject_is_left_as_it_is():
    subject = subjects.broken()
    before = {k: v.clone() for k, v in subject.module.state_dict().items()}
    diagnose_subject(subject, ["e3", "batch"], Settings(samples=2))
    assert all(torch.equal(v, before[k]) for k, v in subject.module.state_dict().items())
    assert subject.module.training


def test_safetensors_are_read(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="needs safetensors: pip install -e '.[train]'")
    subject = subjects.biased()
    state = {k: torch.full_like(v, 0.5) for k, v in subject.module.state_dict().items()}
    safetensors.save_file(state, tmp_path / "weights.safetensors")
    load_checkpoint(subject, tmp_path / "weights.safetensors")
    assert all(bool((v == 0.5).all()) for v in subject.module.state_dict().values())


def test_a_subject_may_read_its_own_files(tmp_path):
    (tmp_path / "weights.txt").write_text("7")

    def load(module, path):
        module.layers[1].bias.fill_(float(path.read_text()))

    biased = subjects.biased()
    subject = Subject("own", biased.module, biased.args, "1x1o", "1x1o", load=load)
    load_checkpoint(subject, tmp_path / "weights.txt")
    assert subject.module.layers[1].bias.tolist() == [7, 7, 7]


def test_pickled_code_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("run!",)

    torch.save({"layers.0.weight": Evil()}, tmp_path / "weights.pt")
    with pytest.raises(ArgumentError, match="checkpoint="):
        load_checkpoint(subjects.biased(), tmp_path / "weights.pt")


def test_the_factories_here_are_the_ones_by_name():
    assert load_subject(f"{MODULE}:sound").name == "sound"
