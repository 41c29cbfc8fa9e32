"""The cost of a diagnosis, counted: copies of the module, examinations, forward passes of the whole."""

import copy

import pytest
import torch

import equivariance as eq
from equivariance._engine.diagnosis import examine
from equivariance._engine.instrumentation.testbed import Runner

EVERY = 200
"""Bound on all calls of the module: forward passes, and runs of its call by itself."""


class Counted(torch.nn.Linear):
    """Counts its calls."""

    calls = 0

    def forward(self, x):
        Counted.calls += 1
        return super().forward(x)


@pytest.fixture
def counts(monkeypatch):
    found = {"copies": 0, "examinations": 0, "passes": 0}

    def count(name, function, counts=lambda *args: True):
        def counted(*args, **kwargs):
            found[name] += counts(*args)
            return function(*args, **kwargs)

        return counted

    is_module = lambda *args: isinstance(args[0], torch.nn.Module)  # noqa: E731
    monkeypatch.setattr(copy, "deepcopy", count("copies", copy.deepcopy, is_module))
    monkeypatch.setattr(examine, "run_sanity_checks", count("examinations", examine.run_sanity_checks))
    monkeypatch.setattr(Runner, "run", count("passes", Runner.run))
    monkeypatch.setattr(Counted, "calls", 0)
    torch.manual_seed(0)
    return found


def test_five_lines_without_a_declaration(counts):
    """Those of the README."""
    report = eq.diagnose(Counted(3, 8), torch.randn(20, 3), group="se3")
    assert {f.cause for f in report.findings} == {"undeclared-input", "absolute-position"}
    assert any("under rotation it is component-mixing" in f.evidence for f in report.findings)
    assert counts["copies"] <= 6
    assert counts["examinations"] == 1
    assert counts["passes"] <= 60
    assert Counted.calls <= EVERY


def test_a_call_that_is_declared(counts):
    report = eq.diagnose(Counted(3, 8), torch.randn(20, 3), "cartesian_points", None, group="se3")
    (finding,) = report.findings
    assert (finding.cause, finding.symmetries) == ("absolute-position", ("translation", "rotation"))
    assert counts["copies"] <= 5
    assert counts["examinations"] == 1
    assert counts["passes"] <= 44
    assert Counted.calls <= EVERY


def test_gradients_are_taken_of_the_same_copies(counts):
    class Energy(Counted):
        def forward(self, x):
            return super().forward(x - x.mean(0)).square().sum()

    eq.diagnose(Energy(3, 8), torch.randn(20, 3), "cartesian_points", None, group="translation", gradients=True)
    assert counts["copies"] <= 5
    assert counts["examinations"] == 2  # the gradients are another function: their own values may be NaN
