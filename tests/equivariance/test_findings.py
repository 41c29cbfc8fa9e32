"""Reports as data: what they promise whatever prints them."""

import json
from dataclasses import FrozenInstanceError

import pytest

import equivariance as eq
from equivariance.cause_catalogue import CAUSES
from equivariance.errors import ArgumentError
from equivariance.findings import Finding, Location
from equivariance.groups import SYMMETRIES
from equivariance.report.report import Report
from tests.equivariance.helpers.specimens import Mix, Scale, Stack, normal
from tests.equivariance.helpers.verdicts import verdicts


@pytest.fixture(scope="module")
def report():
    return eq.diagnose(
        Stack(Scale(), Mix(), Scale()), normal(6, 4, 3), "1x1o", "1x1o", group=["se3", "batch"], samples=4
    )


@pytest.mark.slow
def test_a_report_is_ok_when_nothing_is_found(report):
    assert Report("x", verdicts("rotation")).ok
    assert not report.ok


def test_findings_cannot_be_changed(report):
    with pytest.raises(FrozenInstanceError):
        report.findings[0].cause = "unknown"


def test_findings_speak_the_documented_words(report):
    for finding in [*report.findings, *report.notes]:
        assert finding.cause in CAUSES
        assert finding.symmetry in (*SYMMETRIES, "none", "scale")
        assert finding.evidence
        assert finding.error > finding.noise_floor


def test_there_is_one_row_per_call_and_symmetry(report):
    keys = [(row.layer, row.call, row.symmetry) for row in report.layers]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {
        (layer, 0, symmetry) for layer in ("", "layers.0", "layers.1", "layers.2") for symmetry in ("rotation", "batch")
    }
    assert report.untested == (("translation", "no input changes under translation"),)


def test_numbers_of_rows_are_numbers(report):
    for row in report.layers:
        assert all(value >= 0 for value in (row.accumulated, row.introduced, row.contributed, row.noise_floor))


def test_the_text_names_layer_place_cause_and_replay(report):
    text = str(report)
    (finding,) = report.findings
    for words in (
        finding.layer,
        finding.cause,
        str(finding.location),
        f"group=equivariance.groups.{finding.counterexample!r}",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 118
    assert "\x1b" not in text


def test_json_and_html_hold_the_same_report(report, tmp_path):
    body = json.loads(report.to_json())
    assert body["reports"][0]["findings"][0]["layer"] == report.findings[0].layer
    report.to_html(tmp_path / "report.html")
    assert report.findings[0].cause in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_page_goes_into_a_folder_that_exists(report, tmp_path):
    with pytest.raises(ArgumentError, match=r"output=.*in an existing directory \(No such file"):
        report.to_html(tmp_path / "no" / "report.html")


def test_infinities_are_words_in_json():
    finding = Finding("a", "rotation", "not-finite", "text", error=float("inf"), noise_floor=float("nan"))
    body = json.loads(Report("x", verdicts("rotation"), [finding]).to_json(), parse_constant=pytest.fail)
    assert body["reports"][0]["findings"][0]["error"] == "inf"
    assert body["reports"][0]["findings"][0]["noise_floor"] == "nan"


def test_a_finding_lists_its_layer_and_its_symmetry():
    finding = Finding("a", "rotation", "unknown", "text")
    assert (finding.layers, finding.symmetries) == (("a",), ("rotation",))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"layers": ("b", "a")}, "layer is 'a', expected the first of"),
        ({"symmetries": ("batch",)}, "symmetry is 'rotation', expected the first of"),
        ({"alternatives": (Location("a.py", 1, "x"),), "located": "confirmed"}, "located is"),
    ],
)
def test_a_finding_does_not_contradict_itself(more, words):
    with pytest.raises(ValueError, match=words):
        Finding("a", "rotation", "unknown", "text", **more)


def test_failures_list_layers_and_symmetries():
    finding = Finding("a", "rotation", "unknown", "t", layers=("a", "b"), symmetries=("rotation", "inversion"))
    assert Report("x", verdicts("rotation"), [finding]).failures() == ("rotation, inversion: unknown in a, b",)


def test_a_place_is_a_link():
    assert str(Location("a/b.py", 7, "def forward(self):")) == "a/b.py:7"


def test_without_the_output_among_the_layers_what_is_not_claimed_is_still_said():
    text = str(Report("net", verdicts("rotation", unclaimed={"inversion": 1.5})))
    assert "  inversion      1.5e+00" in text
    assert "not claimed" in text


def test_the_text_shows_the_remedy_and_takes_brackets_for_what_they_are():
    finding = Finding(
        "a", "rotation", "component-mixing", "reads x[i] of [b]y", location=Location("f.py", 3, "z = x[channels]"),
        fix="Mix channels: a weight [channels out, channels in].",
    )  # fmt: skip
    text = str(Report("s", verdicts("rotation"), findings=[finding]))
    for words in ("reads x[i] of [b]y", "z = x[channels]", "   fix", "a weight [channels out, channels in]."):
        assert words in text
    assert "   fix" not in str(Report("s", (), findings=[Finding("a", "none", "unknown", "why")]))
