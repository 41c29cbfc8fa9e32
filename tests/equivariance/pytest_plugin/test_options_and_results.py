"""The options of the pytest plugin, its summary, its page and its properties, in test suites of users."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.equivariance.helpers.plugin_runs import BROKEN, HEAD, OPTIONS, SOUND, run, run_apart, text_of

pytest_plugins = ["pytester"]


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


# Files that remain


def test_the_summary_names_what_was_found(pytester):
    result = run(pytester, SOUND + BROKEN, "-q")
    result.stdout.fnmatch_lines(
        [
            "*= equivariance =*",
            "*.py::test_broken: Stack",
            "  rotation: component-mixing (component-matrix) in layers.1, *specimens.py:*",
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


# Options that are not given


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


UNREAD = """
@pytest.mark.equivariant({options})
def test_unread():
    return (lambda pos, w: w.square()), (X[:, 0], X[:, 0, 0])
"""


@pytest.mark.parametrize(
    ("marker", "options", "passes"),
    [("", (), True), ("", ("--equivariance-strict",), False), ('group="so3"', (), False)],
)
def test_what_was_not_tested_fails_if_it_was_named_or_in_a_strict_run(pytester, marker, options, passes):
    result = run(pytester, UNREAD.format(options=marker), *options)
    result.assert_outcomes(passed=int(passes), failed=int(not passes))
    assert "not tested: rotation: the output does not depend on pos" in text_of(result)
