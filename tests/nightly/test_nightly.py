"""The nightly run: what it judges, what it writes, and what it makes of libraries that do not install or fail."""

import json
import subprocess
from pathlib import Path

import pytest
import torch

import equivariance as eq
from nightly_tests import __main__ as command
from nightly_tests.environments import ENVIRONMENTS, Environment, installed
from nightly_tests.table import judged, page
from nightly_tests.worker import told
from tests.equivariance.helpers.specimens import normal

BIASED = Environment("lib 1.0", "lib", ("lib==1.0",), broken={"Layer": ("rotation",)}, statement="+ bias", why="a bias")


def finding(symmetry="rotation", source="return x + bias"):
    return {"layer": "inner", "symmetry": symmetry, "cause": "component-mixing", "error": 0.5, "evidence": "",
            "located": "confirmed", "source": source, "line": 7}  # fmt: skip


def case(name="Layer", findings=(), **more):
    return {"case": name, "layers": 2, "error_at_output": 3e-16, "findings": list(findings), "notes": [], **more}


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (case(findings=[finding()]), "as expected"),
        (case(findings=[]), "unexpected"),
        (case(findings=[finding("inversion")]), "unexpected"),
        (case(findings=[finding(), finding("inversion")]), "unexpected"),
        (case(findings=[finding(source="return x")]), "unexpected"),
        (case("Sound"), "as expected"),
        (case("Sound", [finding()]), "unexpected"),
        ({"case": "Layer", "error": "ImportError: no"}, "unexpected"),
    ],
)
def test_a_case_is_as_expected_where_just_the_known_break_is_found_at_its_statement(found, verdict):
    (line,) = judged(BIASED, {"version": "1.0", "cases": [found]})
    assert line.startswith(f"{verdict}: {found['case']}: ")


def test_what_cannot_be_installed_or_fails_its_tests_is_unexpected():
    assert judged(BIASED, {"version": "", "cases": [], "obstacle": "not installed: no"}) == [
        "unexpected: not installed: no"
    ]
    lines = judged(BIASED, {"version": "1.0", "cases": [], "tests": (1, "1 failed")})
    assert [line.split(":")[0] for line in lines] == ["unexpected"]


def test_the_page_tells_the_line_and_what_was_not_run():
    text = page([
        (BIASED, {"version": "1.0", "cases": [case(findings=[finding()]), case("Sound", notes=["precision in a"])]}),
        (Environment("other", "other", ("other",)), {"version": "", "cases": [], "obstacle": "not installed: no"}),
    ])  # fmt: skip
    assert "| Layer | 2 | rotation 5.0e-01 | component-mixing: inner, line 7 (confirmed): `return x + bias` |" in text
    assert "| Sound | 2 | clean (3e-16) |  | as expected |" in text
    assert "Notes: precision in a." in text
    assert "not installed: no" in text


def test_the_worker_tells_findings_and_exceptions():
    def fails():
        raise RuntimeError("two\nlines")

    broken = told("Relu", lambda: eq.diagnose(torch.nn.ReLU(), normal(5, 3), "1x1o", "1x1o", group="so3", samples=2))
    assert [f["symmetry"] for f in broken["findings"]] == ["rotation"]
    assert broken["error_at_output"] > 0.01
    assert json.loads(json.dumps(broken)) is not None
    assert told("Fails", fails) == {"case": "Fails", "error": "RuntimeError: two lines"}


def test_pip_that_fails_says_why(tmp_path, monkeypatch):
    run = subprocess.run

    def without_network(arguments, **options):
        if "pip" in arguments:
            return subprocess.CompletedProcess(arguments, 1, "", "ERROR: no matching distribution")
        return run(arguments, **options)

    monkeypatch.setattr(subprocess, "run", without_network)
    with pytest.raises(RuntimeError, match="no matching distribution"):
        installed(BIASED, tmp_path)
    assert command.diagnosed(BIASED, tmp_path)["obstacle"].startswith("not installed: ERROR: no matching")


def test_every_environment_has_its_cases_and_known_breaks_their_statement():
    folder = Path(command.__file__).parent
    for environment in ENVIRONMENTS:
        assert (folder / "cases" / f"{environment.cases}.py").is_file(), environment.name
        assert not environment.tests or (folder.parent / environment.tests).is_file(), environment.name
        old = any("==" in requirement for requirement in environment.requirements)
        assert not old or (environment.broken and environment.statement), environment.name
