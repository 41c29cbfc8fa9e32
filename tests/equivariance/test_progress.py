"""Calls to the observer of an examination. An examination ends if its observer raises."""

import io
import sys

import pytest

from equivariance import Report
from equivariance._engine.diagnosis.request import Request
from equivariance.api import check, diagnose
from equivariance.contracts.layers import layer_contracts
from equivariance.groups.named import named_symmetries
from equivariance.settings import Settings
from tests.equivariance.helpers.specimens import Mix, Scale, Stack, normal

VECTORS = (normal(6, 4, 3),)
GROUP = ["o3", "permutation"]


class Diary:
    """Writes down what it is told."""

    def __init__(self, patience=1000):
        self.begun_with, self.steps, self.reports, self.patience = (), [], [], patience
        self.off = {}

    def begun(self, symmetries):
        self.begun_with = symmetries

    def sampled(self, symmetry, done, total, off):
        self.steps.append((symmetry, done, total))
        self.off[symmetry] = off
        if len(self.steps) == self.patience:
            raise KeyboardInterrupt

    def tested(self, report):
        self.reports.append(report)


def observed(module, diary, **more):
    settings = Settings(samples=3, observer=diary, named=named_symmetries(GROUP), **more)
    contracts = layer_contracts(module, {})
    return Request(module, VECTORS, "1x1o", "1x1o", None, GROUP, contracts, settings).resolve().examine()


def test_every_sample_of_every_symmetry_is_told():
    diary = Diary()
    observed(Stack(Scale(), Mix()), diary)
    assert diary.begun_with == ("rotation", "inversion", "permutation")
    assert diary.steps == [(s, i, 3) for s in diary.begun_with for i in (1, 2, 3)]


def test_how_far_the_output_is_off_is_told():
    diary = Diary()
    report = observed(Stack(Scale(), Mix()), diary)
    (root,) = [row for row in report.layers if (row.layer, row.symmetry) == ("", "rotation")]
    assert diary.off == {"rotation": root.accumulated, "inversion": 0, "permutation": 0}


def test_what_is_known_so_far_is_told_after_each_symmetry():
    diary = Diary()
    final = observed(Stack(Scale(), Mix()), diary)
    tested = ("rotation", "inversion", "permutation")
    assert [r.symmetries for r in diary.reports] == [tested[:n] for n in range(4)]
    assert [len(r.findings) for r in diary.reports] == [0, 1, 1, 1]
    assert diary.reports[-1].findings == final.findings
    assert diary.reports[2].layers == [row for row in final.layers if row.symmetry != "permutation"]


def test_an_observer_may_end_the_examination():
    diary = Diary(patience=7)
    with pytest.raises(KeyboardInterrupt):
        observed(Stack(Scale(), Mix()), diary)
    assert diary.reports[-1].symmetries == ("rotation", "inversion")


def test_observing_changes_nothing():
    module = Stack(Scale(), Mix())
    report = diagnose(module, VECTORS, "1x1o", "1x1o", group=GROUP, samples=3)
    assert Report.of(observed(module, Diary())) == report


def test_unclaimed_symmetries_are_told_too():
    diary = Diary()
    observed(Stack(Mix()), diary, claims=("inversion",))
    assert [s for s, _, _ in diary.steps] == ["inversion"] * 3
    assert [[v.symmetry for v in r.verdicts if not v.claimed] for r in diary.reports] == [
        [],
        ["rotation"],
        ["rotation"],
        ["rotation", "permutation"],
    ]


class Terminal(io.StringIO):
    """A standard error that says that it is a terminal, or not."""

    def __init__(self, is_one):
        super().__init__()
        self.is_one = is_one

    def isatty(self):
        return self.is_one


@pytest.mark.parametrize(("is_one", "options", "drawn"), [
    (True, {}, True), (True, {"progress": False}, False), (False, {}, False), (False, {"progress": True}, False),
])  # fmt: skip
@pytest.mark.parametrize("function", [diagnose, check])
def test_python_draws_a_bar_in_a_terminal(monkeypatch, function, is_one, options, drawn):
    monkeypatch.setattr(sys, "stderr", Terminal(is_one))
    monkeypatch.setenv("TERM", "xterm")
    report = function(Stack(Scale()), VECTORS, "1x1o", "1x1o", group="so3", samples=2, **options)
    assert report.ok
    assert bool(sys.stderr.getvalue()) == drawn
    assert not drawn or "rotation" in sys.stderr.getvalue()
