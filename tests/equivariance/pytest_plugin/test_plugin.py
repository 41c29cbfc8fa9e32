"""The marker and the fixture of the pytest plugin, in test suites of users."""

import pytest

from equivariance.findings import Finding, Location
from equivariance.report.report import Report
from equivariance.report.text import findings_text
from tests.equivariance.helpers.plugin_runs import BROKEN, OPTIONS, SOUND, run, text_of
from tests.equivariance.helpers.verdicts import verdicts

pytest_plugins = ["pytester"]


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
            "1. rotation: component-mixing (component-matrix) in layers.1",
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
    result.stdout.fnmatch_lines(
        ["*Scale: 1 finding; tested: rotation, inversion", "1. inversion: wrong-irrep (parity) in *"]
    )


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
            "E       1. rotation: component-mixing (component-matrix) in layers.1",
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
    result.stdout.fnmatch_lines(
        ["*::test_it: Stack", "  rotation: component-mixing (component-matrix) in layers.1, *specimens.py:*"]
    )


# Options
