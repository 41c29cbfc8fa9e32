"""Whose code a file is: a statement at fault is looked for in the reader's own files, and never in the harness."""

import functools
from pathlib import Path

import pytest
import torch
from torch import nn

import equivariance
from equivariance._engine.instrumentation import source_lines
from equivariance._engine.instrumentation.source_lines import _kind
from tests.architecture.sources import ROOT, sources

MODES = ROOT / "equivariance/_engine/instrumentation/precision.py"
"""Operations of the layer pass through its two dispatch modes, as they pass through torch."""


def kinds(*packages):
    return {path: _kind(str(path)) for path in sources(*packages)}


def test_all_files_of_the_package_are_the_harness_but_for_the_modes():
    found = kinds("equivariance")
    assert found.pop(MODES) == "torch"
    assert len(found) > 100
    assert {path for path, kind in found.items() if kind != "harness"} == set()


def test_files_of_the_networks_and_of_tests_are_own():
    found = kinds("se3unet", "equivariance_zoo", "tests/equivariance/helpers")
    assert len(found) > 80
    assert {path for path, kind in found.items() if kind != "own"} == set()


@pytest.mark.parametrize(
    ("module", "kind"),
    [("torch.nn.functional", "torch"), ("functools", "torch"), ("e3nn.o3", "library"), ("numpy", "library")],
)
def test_torch_and_libraries_are_told_from_both(module, kind):
    assert _kind(__import__(module, fromlist=["x"]).__file__) == kind


class Energy(nn.Module):
    def forward(self, positions):
        return positions[:, 2:].sin()


CASES = {
    "a module of torch": (nn.Linear(3, 3), "1x1o", False),
    "a function of torch": (torch.relu, "1x1o", False),
    "a partial application": (functools.partial(torch.mul, other=torch.tensor([1.0, 2.0, 3.0])), "1x1o", False),
    "an own module": (Energy(), "1x0e", False),
    "forces": (Energy(), "1x0e", True),
}


@pytest.mark.parametrize("name", CASES)
def test_no_finding_names_a_file_of_the_harness(name):
    function, output, gradients = CASES[name]
    torch.manual_seed(0)
    points = torch.randn(6, 3)
    report = equivariance.diagnose(function, (points,), "1x1o", output, group="so3", samples=2, gradients=gradients)
    assert report.findings
    home = Path(equivariance.__file__).parent
    places = [finding.location.file for finding in report.findings if finding.location]
    assert not [place for place in places if (ROOT / place).resolve().is_relative_to(home)]
    if isinstance(function, Energy):
        assert places


def test_a_library_that_runs_from_a_checkout_is_own_code(tmp_path, monkeypatch):
    """Whoever works on a library wants its statement, and not the line of the test that calls it."""
    package = tmp_path / "torch_scatter"
    package.mkdir()
    (package / "__init__.py").write_text("def add(x):\n    return x\n")
    monkeypatch.syspath_prepend(tmp_path)
    for cached in (source_lines._kind, source_lines._code_folders):
        cached.cache_clear()
    try:
        assert _kind(str(package / "__init__.py")) == "own"
        assert _kind(__import__("e3nn.o3", fromlist=["x"]).__file__) == "library"
    finally:
        for cached in (source_lines._kind, source_lines._code_folders):
            cached.cache_clear()
