"""Networks and factories that raise unusual errors, names that act, and source in a folder whose name is not UTF-8."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest
import torch

import equivariance as eq
from equivariance.cli.main import main
from tests.architecture.sources import ROOT
from tests.equivariance.helpers.plugin_runs import OPTIONS
from tests.robustness import misbehaving

pytest_plugins = ["pytester"]
QUICK = ("--quiet", "--samples", "1", "--group", "so3")


def run(capsys, subject, *options):
    code = main(["--subject", f"{misbehaving.__name__}:{subject}", *QUICK, *options])
    return code, *capsys.readouterr()


@pytest.mark.parametrize("kind", misbehaving.ERRORS)
@pytest.mark.parametrize("where", ["in", "by"])
def test_an_error_of_a_network_or_a_factory_is_one_line(capsys, kind, where):
    code, out, err = run(capsys, f"{where}_{kind}")
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("equivariance.diagnose: error: subject='")
    assert type(misbehaving.ERRORS[kind]).__name__ in err
    assert err[:-1].isprintable()


@pytest.mark.parametrize("subject", ["endless", "without_name", "number", "absent"])
def test_a_wrong_subject_is_one_line(capsys, subject):
    code, _, err = run(capsys, subject)
    assert (code, err.count("\n")) == (2, 1), err


def test_ctrl_c_in_a_factory_ends_the_run(capsys):
    assert run(capsys, "interrupts")[0] == 130


@pytest.mark.parametrize("form", ["text", "json", "html", "sarif"])
def test_a_strange_name_has_findings_in_every_format(capsys, form):
    code, out, err = run(capsys, "strange", "--format", form)
    assert (code, err) == (1, "")
    assert not {"\x1b", "\udcff"} & set(out)
    out.encode()
    if form in ("json", "sarif"):
        json.loads(out)


def command(*options, **more):
    words = [sys.executable, "-m", "equivariance.diagnose", "--subject", f"{misbehaving.__name__}:strange", *QUICK]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run([*words, *options], check=False, cwd=ROOT, env=environment, text=True, **more)


@pytest.mark.slow
def test_the_output_may_be_the_standard_output(tmp_path):
    with (tmp_path / "report").open("wb") as file:
        assert command("--output", "/dev/stdout", stdout=file).returncode == 1
    piped = command("--output", "/dev/stdout", stdout=subprocess.PIPE)
    assert piped.stdout == (tmp_path / "report").read_text()
    assert "component-mixing" in piped.stdout
    assert os.path.islink("/dev/stdout")


TESTS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, key):
        super().__init__()
        self.parts, self.key = nn.ModuleDict({key: nn.Linear(3, 3)}), key

    def forward(self, x):
        return self.parts[self.key](x)

def test_control(eq_check):
    key = 'a\\x1b[31m\\x00\\x08"<b>]]>&\\n::error file=x::pwn'
    eq_check(Net(key), torch.ones(4, 3), "1x1o", "1x1o", group="so3", samples=1)

def test_markup(eq_check):
    eq_check(Net('[/edge]'), torch.ones(4, 3), "1x1o", "1x1o", group="so3", samples=1)

def test_surrogate(eq_check):
    eq_check(Net('a\\udcff'), torch.ones(4, 3), "1x1o", "1x1o", group="so3", samples=1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_names_that_act_end_no_session(pytester, workers):
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess(*OPTIONS, *workers, "--junitxml=junit.xml", "--equivariance-report=eq.html")
    result.assert_outcomes(failed=3)
    lines = result.outlines
    summary = lines[next(n for n, line in enumerate(lines) if "= equivariance =" in line) :]
    assert not [line for line in summary if line.lstrip().startswith("::") or "\x1b" in line]
    assert any("[/edge]" in line for line in summary)
    assert any(r"a\udcff" in line for line in summary)
    for name in ("junit.xml", "eq.html"):
        assert "\x1b" not in (pytester.path / name).read_text(encoding="utf-8")


SOURCE = """
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        shifted = x + 1
        return shifted * x
"""


@pytest.mark.parametrize("folder", [b"\xff\xfe", b"a\x1b[31m", b"a\nb"])
def test_source_in_a_folder_of_any_name_is_located(tmp_path, folder):
    place = os.path.join(os.fsencode(tmp_path), folder)
    os.mkdir(place)
    path = os.fsdecode(os.path.join(place, b"strange_net.py"))
    with open(path, "w") as file:
        file.write(SOURCE)
    spec = importlib.util.spec_from_file_location("strange_net", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    report = eq.diagnose(module.Net(), torch.randn(6, 3), "1x1o", "1x1o", group="so3", samples=2)
    (finding, *_) = report.findings
    assert finding.location.file == path
    report.to_html(tmp_path / "page.html")
    for text in (str(report), report.to_json(), (tmp_path / "page.html").read_text()):
        text.encode()
        assert "\x1b" not in text


def test_a_sarif_log_names_such_a_file(tmp_path):
    from equivariance.findings import Finding, Location, Outcome, SymmetryVerdict
    from equivariance.report.sarif import to_sarif

    location = Location(os.fsdecode(b"/a/\xff.py"), 1, "x = 1")
    finding = Finding("f", "rotation", "unknown", "it breaks", location=location)
    log = json.loads(to_sarif([Outcome("net", (SymmetryVerdict("rotation", "broken"),), [finding])]))
    (result,) = log["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///a/%FF.py"
