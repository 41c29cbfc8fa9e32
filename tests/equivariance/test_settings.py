"""The defaults: said once, the same in every door, and known before PyTorch is."""

import inspect
import re
import subprocess
import sys

import pytest

import equivariance
from equivariance.cli.main import _parser
from equivariance.settings import MEMORY, SAMPLES, Settings
from tests.architecture.sources import ROOT

DOORS = [equivariance.check, equivariance.diagnose, equivariance.assert_equivariant]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_the_functions_have_the_defaults_of_the_settings(door):
    parameters = inspect.signature(door).parameters
    assert parameters["samples"].default == SAMPLES == Settings().samples
    if "memory" in parameters:
        assert parameters["memory"].default == MEMORY == Settings().memory


def test_the_callback_has_the_defaults_of_the_settings():
    pytest.importorskip("lightning", reason="trains: pip install lightning")
    from equivariance.lightning import EquivarianceMonitor

    assert inspect.signature(EquivarianceMonitor).parameters["samples"].default == SAMPLES


def test_the_command_line_has_them_too_and_says_them():
    parser = _parser()
    options = parser.parse_args([])
    assert (options.samples, float(options.memory)) == (str(SAMPLES), MEMORY)
    words = " ".join(parser.format_help().split())
    assert f"elements per symmetry; default: {SAMPLES}" in words
    assert re.search(rf"go to temporary files \(TMPDIR\); default: {MEMORY:g}\b", words)


def test_the_limit_of_memory_is_said_in_one_place():
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "equivariance").rglob("*.py")]
    elsewhere = re.compile(rf"\b{MEMORY:g}(\.0)? (GiB|gibibytes)")
    assert not [path.name for path in pages if elsewhere.search(path.read_text())]


@pytest.mark.slow
def test_the_settings_do_not_bring_pytorch():
    code = "import sys, equivariance.settings; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
