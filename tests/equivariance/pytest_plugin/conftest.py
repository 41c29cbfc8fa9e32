"""Fixtures of the tests of the pytest plugin."""

import pytest

import equivariance as eq
from tests.architecture.sources import ROOT
from tests.equivariance.helpers.specimens import Mix, normal


@pytest.fixture(scope="module", autouse=True)
def everything_imported(tmp_path_factory):
    """Pytester forgets the modules that a run within this process brings; PyTorch cannot be imported twice."""
    report = eq.diagnose(Mix(), normal(6, 3, 3), "1x1o", "1x1o", group=["o3", "batch"], samples=1)
    report.to_html(tmp_path_factory.mktemp("pages") / "page.html")


@pytest.fixture(autouse=True)
def strangers(monkeypatch):
    """Their test suites see this checkout, and none of the settings of the run that they are in."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
