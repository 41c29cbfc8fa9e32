"""The pytest plugin, in test suites of strangers."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import equivariance as eq
from equivariance.findings import Finding, Location
from equivariance.report.report import Report
from equivariance.report.text import findings_text
from tests.architecture.sources import ROOT
from tests.equivariance.helpers.specimens import Mix, normal
from tests.equivariance.helpers.verdicts import verdicts

pytest_plugins = ["pytester"]

INSTALLED = any(point.value == "equivariance.pytest_plugin" for point in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "equivariance.pytest_plugin")
# Dash, which Open3D brings, has a plugin that warns.
OPTIONS = (*PLUGIN, "-p", "no:cacheprovider", "-p", "no:dash", "-W", "error")

HEAD = """
import pytest
from equivariance import Report, strategies
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.equivariance.helpers.specimens import Mix, Scale, Stack, normal

X = normal(6, 3, 3)
LAWS = {"group": "so3", "irreps_in": "1x1o", "irreps_out": "1x1o"}
laws = pytest.mark.equivariant(**LAWS)
"""
SOUND = "@laws\ndef test_sound():\n    return Stack(Scale(3), Scale(3)), X\n"
BROKEN = "@laws\ndef test_broken():\n    return Stack(Scale(3), Mix()), X\n"


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


def run(pytester, body, *options):
    pytester.makepyfile(HEAD + body)
    return pytester.runpytest_inprocess(*OPTIONS, "--equivariance-samples=2", *options)


def run_apart(pytester, body, *options):
    """In processes of their own, as pytest-xdist's workers are."""
    pytester.makepyfile(HEAD + body)
    return pytester.runpytest_subprocess(*OPTIONS, "--equivariance-samples=2", *options)


def text_of(result):
    return "\n".join(result.outlines)


# The marker


def test_a_marked_factory_passes_or_fails_by_its_network(pytester):
    result = run(pytester, SOUND + BROKEN)
    result.assert_outcomes(passed=1, failed=1)


def test_a_failure_names_layer_line_cause_and_the_element_to_replay(pytester):
    result = run(pytester, BROKEN)
    result.stdout.fnmatch_lines(
        [
            "*_ test_broken _*",
            "Stack: 1 finding; tested: rotation",
            "1. rotation: component-mixing in layers.1",
            "   at      *specimens.py:*  return x + self.size * x @ self.weight.to(x)",
            "   why     *",
            "   error   *",
            "   replay  group=equivariance.groups.rotation([[]*",
        ]
    )
    assert "Traceback" not in text_of(result)
    assert "traceback entries are hidden" not in text_of(result)
    assert "pytest_plugin.py" not in text_of(result)


def test_the_short_summary_has_one_line_per_failure_also_on_ci(pytester, monkeypatch):
    monkeypatch.setenv("CI", "true")
    lines = run(pytester, BROKEN).outlines
    summary = lines[next(i for i, line in enumerate(lines) if "short test summary" in line) + 1 :]
    assert summary[0].startswith("FAILED ")
    assert summary[0].endswith("Stack: 1 finding; tested: rotation")
    assert summary[1].startswith("=")


def test_the_replayed_element_fails_again(pytester):
    first = text_of(run(pytester, BROKEN))
    element = first[first.index("group=equivariance.groups.") :].splitlines()[0]
    again = BROKEN.replace("@laws", f"import equivariance\n@pytest.mark.equivariant({element})\n@laws")
    result = run(pytester, again)
    result.assert_outcomes(failed=1)
    assert element in text_of(result)


def test_a_remedy_is_told():
    found = Finding("mix", "rotation", "component-mixing", "components are shifted", fix="Drop the bias.")
    assert "   fix    Drop the bias.\n" in findings_text(Report("net", verdicts("rotation"), [found]))


def test_a_suspect_is_told_from_a_confirmed_statement():
    place = Location("net.py", 3, "return x + 1")
    for located, words in (("suspect", "  (suspected)"), ("confirmed", ""), ("layer", "")):
        found = Finding("mix", "rotation", "component-mixing", "shifted", location=place, located=located)
        assert f"   at     net.py:3  return x + 1{words}\n" in findings_text(
            Report("net", verdicts("rotation"), [found])
        )


def test_args_may_stand_in_the_marker_and_fixtures_and_parameters_work(pytester):
    body = """
@pytest.fixture
def seed():
    return 3

@pytest.mark.equivariant(args=(X,), **LAWS)
class TestLayers:
    @pytest.mark.parametrize("layer", [Scale, Mix])
    def test_layer(self, layer, seed):
        return layer(seed=seed) if layer is Mix else layer(3, seed)

    @pytest.mark.equivariant(irreps_out="1x1e", group=["so3", "o3"])
    def test_of_another_parity(self):
        return Scale(3)
"""
    result = run(pytester, body)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*Scale: 1 finding; tested: rotation, inversion", "1. inversion: wrong-irrep in *"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("@laws\ndef test():\n    Scale()", "the test returned None: expected (module, args), or a module where *"),
        ("@laws\ndef test():\n    return Scale()", "the test returned Scale: expected (module, args), or *"),
        ("@laws\ndef test():\n    return Scale, X", "the test returned (the class Scale, not an instance, Tensor): *"),
        ("@laws\ndef test():\n    return Scale(), X, X", "the test returned (Scale, Tensor, Tensor): expected *"),
        ("@laws\nasync def test():\n    return Scale(), X", "the test is an async function: expected a plain one"),
        (
            "@pytest.mark.equivariant(args=X, **LAWS)\ndef test():\n    return Scale(), X",
            "the test returned (Scale, Tensor): expected a module, as the marker gives args",
        ),
        (
            "@pytest.mark.equivariant('so3')\ndef test():\n    return Scale(), X",
            "the marker got str: expected keywords, for example group='se3'",
        ),
        (
            "@pytest.mark.equivariant(grop='so3', **LAWS)\ndef test():\n    return Scale(), X",
            "the marker's arguments: got an unexpected keyword argument 'grop'; expected keywords of *, args",
        ),
        (
            "@pytest.mark.equivariant(**LAWS | {'group': 'so4'})\ndef test():\n    return Scale(3), X",
            "group='so4': expected one of batch, *",
        ),
        (
            "@laws\n@given(strategies.rotations())\ndef test(g):\n    return Scale(3), X",
            "a test under @given returns nothing: expected a call of the fixture eq_check in it",
        ),
        (
            "import unittest\n@laws\nclass Test(unittest.TestCase):\n    def test(self):\n        pass",
            "pytest did not call the test: expected a function, or a method of a class that is no TestCase",
        ),
    ],
)
def test_a_marked_test_that_is_no_factory_fails_in_one_line(pytester, body, words):
    result = run(pytester, body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"equivariant: {words}"])
    assert "File " not in text_of(result)
    assert "traceback entries are hidden" not in text_of(result)


def test_what_the_factory_raises_and_skips_is_its_own(pytester):
    result = run(pytester, "@laws\ndef test_a():\n    1 / 0\n\n@laws\ndef test_b():\n    pytest.skip('no')\n")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines([">       1 / 0*"])
    assert "pytest_plugin.py" not in text_of(result)


def test_the_marker_is_known_to_strict_markers(pytester):
    run(pytester, SOUND, "--strict-markers").assert_outcomes(passed=1)
    pytester.runpytest_inprocess(*OPTIONS, "--markers").stdout.fnmatch_lines(["@pytest.mark.equivariant(group, *"])


# The fixture


def test_the_fixture_returns_the_report(pytester):
    body = """
def test_twice(eq_check):
    report = eq_check(Stack(Scale(3)), X, **LAWS)
    assert isinstance(report, Report) and report.ok and report.settings["samples"] == "2"
    assert eq_check(Scale(3), (X,), "1x1o", "1x1o", group="so3", samples=3).settings["samples"] == "3"
"""
    result = run(pytester, body)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*= equivariance =*", "2 examinations in 1 test, no finding"])


def test_the_fixture_fails_at_the_line_of_the_call(pytester):
    result = run(pytester, "def test_it(eq_check):\n    eq_check(Stack(Scale(3), Mix()), X, **LAWS)\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       eq_check(Stack(Scale(3), Mix()), X, **LAWS)",
            "E       equivariance.errors.EquivarianceAssertionError: Stack: 1 finding; tested: rotation",
            "E       1. rotation: component-mixing in layers.1",
            "E          replay  group=equivariance.groups.rotation(*",
        ]
    )
    assert "pytest_plugin.py" not in text_of(result)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("X, grp='so3'", "eq_check takes what equivariance.diagnose takes: got an unexpected keyword argument 'grp'"),
        ("X, '1x1o', '1x1o', group='so4'", "group='so4': expected one of batch, *"),
    ],
)
def test_wrong_arguments_of_the_fixture_are_told_without_frames_of_the_harness(pytester, call, words):
    result = run(pytester, f"def test_it(eq_check):\n    eq_check(Scale(3), {call})\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f">       eq_check(Scale(3), {call})", f"E       *Error: {words}"])
    assert len(result.outlines) < 30


def test_a_failure_says_what_was_assumed(pytester):
    result = run(
        pytester, "import torch\ndef test_it(eq_check):\n    eq_check(torch.nn.Linear(3, 3), X, '1x1o', group='so3')\n"
    )
    result.stdout.fnmatch_lines(["E       1. rotation*", "E       assumed: output *"])


@pytest.mark.slow
def test_the_fixture_serves_properties_and_keeps_the_shrunk_example(pytester):
    body = """
PHASES = set(Phase) - {Phase.explain}

@settings(max_examples=5, deadline=None, derandomize=True, database=None, phases=PHASES)
@given(st.integers(2, 9))
def test_law(eq_check, channels):
    eq_check(Stack(*channels * [Mix()]), X, **LAWS)
"""
    result = run(pytester, body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*channels=2,*", "1 examination in 1 test, *"])


def test_the_fixture_serves_other_fixtures(pytester):
    body = """
@pytest.fixture(scope="module")
def network(eq_check):
    eq_check(Stack(Scale(3), Mix()), X, **LAWS)

def test_it(network):
    pass
"""
    result = run(pytester, body)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*::test_it: Stack", "  rotation: component-mixing in layers.1, *specimens.py:*"])


# Options


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "samples", "examples"),
    [
        ([], "8", 100),
        (["--equivariance-profile=dev"], "4", 25),
        (["--equivariance-profile=ci"], "8", 50),
        (["--equivariance-profile=nightly"], "64", 1000),
        (["--equivariance-profile=nightly", "--equivariance-samples=3"], "3", 1000),
        (["--equivariance-profile=nightly", "--hypothesis-profile=default", "--equivariance-samples=3"], "3", 100),
    ],
)
def test_a_profile_sets_samples_and_examples(pytester, monkeypatch, options, samples, examples):
    monkeypatch.delenv("CI", raising=False)
    body = f"""
def test_it(eq_check):
    assert eq_check(Scale(3), X, **LAWS).settings["samples"] == {samples!r}
    assert settings().max_examples == {examples}
    assert (Phase.explain in settings().phases) == ({examples} == 100)
"""
    pytester.makepyfile(HEAD + body)
    result = pytester.runpytest_subprocess(*OPTIONS, *options)
    result.assert_outcomes(passed=1)
    header = [line for line in result.outlines if line.startswith("equivariance: ")]
    assert len(header) == bool(options)
    assert all(f"{samples} elements per symmetry" in line for line in header)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--equivariance-samples=0", "argument --equivariance-samples: '0': expected a whole number of at least 1"),
        ("--equivariance-samples=many", "argument --equivariance-samples: 'many': expected a whole number *"),
        ("--equivariance-profile=fast", "invalid choice: 'fast' (choose from *dev*, *ci*, *nightly*)"),
        ("--equivariance-report=x.txt", "--equivariance-report=x.txt: expected a name that ends in .html"),
        ("--equivariance-report=/proc/no/x.html", "--equivariance-report=/proc/no/x.html: expected a folder that *"),
    ],
)
def test_wrong_options_are_usage_errors(pytester, option, words):
    result = pytester.runpytest_inprocess(*OPTIONS, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{words}"])
    assert "Traceback" not in result.stderr.str()


# What is left behind


def test_the_summary_names_what_was_found(pytester):
    result = run(pytester, SOUND + BROKEN, "-q")
    result.stdout.fnmatch_lines(
        [
            "*= equivariance =*",
            "*.py::test_broken: Stack",
            "  rotation: component-mixing in layers.1, *specimens.py:*",
            "2 examinations in 2 tests, 1 finding in 1 test",
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_one_page_holds_the_reports_of_all_workers(pytester, workers):
    names = [f"test_{i}" for i in range(4)]
    body = "".join(
        f"@laws\ndef {name}():\n    return Stack(Scale(3), Mix({i} / 4)), X\n" for i, name in enumerate(names)
    )
    result = run_apart(pytester, body, "--equivariance-report=pages/eq.html", *workers)
    result.assert_outcomes(passed=1, failed=3)
    assert [p.name for p in Path("pages").iterdir()] == ["eq.html"]
    page = Path("pages/eq.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    places = [page.index(f"::{name} (Stack)") for name in names]
    assert places == sorted(places)
    assert sum(line.strip("= ") == "equivariance" for line in result.outlines) == 1
    result.stdout.fnmatch_lines(["4 examinations in 4 tests, 3 findings in 3 tests", "report: */pages/eq.html"])


def test_junit_gets_properties(pytester):
    run(pytester, BROKEN, "--junitxml=junit.xml", "-o", "junit_family=xunit2")
    found = {p.get("name"): p.get("value") for p in ET.parse("junit.xml").getroot().iter("property")}
    assert found["equivariance.1.layer"] == "layers.1"
    assert found["equivariance.1.symmetry"] == "rotation"
    assert found["equivariance.1.cause"] == "component-mixing"
    assert "specimens.py:" in found["equivariance.1.location"]
    assert found["equivariance.1.counterexample"].startswith("rotation(")


def test_no_page_where_nothing_was_examined(pytester):
    result = run(pytester, "def test_it():\n    pass\n", "--equivariance-report=eq.html")
    result.stdout.fnmatch_lines(["nothing was examined: *eq.html was not written"])
    assert not Path("eq.html").exists()


def test_a_page_that_cannot_be_written_in_the_end_fails_the_run(pytester):
    body = SOUND + "\ndef test_last():\n    import os\n    os.mkdir('eq.html')\n"
    result = run(pytester, body, "--equivariance-report=eq.html")
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(["output=*eq.html': expected a file name, not a directory"])


@pytest.mark.slow
def test_an_interrupted_run_leaves_the_page_of_what_was_examined(pytester):
    body = SOUND + "\ndef test_last():\n    raise KeyboardInterrupt\n"
    result = run_apart(pytester, body, "--equivariance-report=eq.html")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "test_sound (Stack)" in Path("eq.html").read_text(encoding="utf-8")


# What is not asked for


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["--markers"], ["test_plain.py"]])
def test_pytorch_is_not_imported_by_those_who_do_not_use_it(pytester, arguments):
    pytester.makepyfile(test_plain="def test_it():\n    pass\n")
    arguments = [*OPTIONS, *arguments]
    code = f"import sys, pytest; pytest.main({arguments!r})\n"
    code += "assert 'equivariance.pytest_plugin' in sys.modules\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "scipy", "numpy", "rich"} & set(result.stdout.split())
    assert "= equivariance =" not in result.stdout
