"""SARIF: what the standard and GitHub's code scanning ask of a file before they take it.

The constraints are those of the standard (3.14 to 3.30) and of GitHub's page "SARIF support for code scanning".
"""

import json
import re
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest

import equivariance as eq
from equivariance.cause_catalogue import CATALOGUE, CAUSES, remedy
from equivariance.findings import Finding, Location
from equivariance.groups.elements import rotation
from equivariance.report.regions import region_of, region_of_expression
from equivariance.report.report import Report
from equivariance.report.sarif import to_sarif
from tests.equivariance.helpers.specimens import Mix, Scale, Stack, normal
from tests.equivariance.helpers.verdicts import verdicts

LEVELS = {"none", "note", "warning", "error"}
SOURCE = """\
import torch


class Net(torch.nn.Module):
    def forward(self, x):
        text = "🧭 é"; y = x
        y = torch.cat(
            [x, y],
            dim=-1,
        )
        if y.sum() > 0:
            y = y + 1
        return y
"""


def finding(location=None, layer="net", symmetry="rotation", cause="component-mixing", **more):
    return Finding(layer, symmetry, cause, "x and y are mixed", location=location, **more)


def run_of(*findings, notes=(), subject="net"):
    log = json.loads(to_sarif([Report(subject, verdicts("rotation"), list(findings), list(notes))]))
    (run,) = log["runs"]
    return run


def check(log):
    """Everything that must hold of an upload."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    assert 1 <= len(log["runs"]) <= 20
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        assert driver["name"]
        assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
        assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
        for rule in driver["rules"]:
            check_rule(rule)
        assert len(run["results"]) <= 25_000
        for result in run["results"]:
            check_result(result, driver["rules"])
        places = [tuple(r["partialFingerprints"].values()) for r in run["results"]]
        assert len(set(places)) == len(places)


def check_rule(rule):
    assert re.fullmatch(r"[a-z][a-z-]*", rule["id"])
    assert re.fullmatch(r"[A-Z][A-Za-z]{0,254}", rule["name"])
    for name in ("shortDescription", "fullDescription"):
        assert 0 < len(rule[name]["text"]) <= 1024
    assert rule["help"]["text"]
    assert rule["help"]["markdown"]
    assert rule["defaultConfiguration"]["level"] in LEVELS
    assert len(rule["properties"]["tags"]) <= 10
    assert len(set(rule["properties"]["tags"])) == len(rule["properties"]["tags"])
    assert rule["properties"]["precision"] in ("very-high", "high", "medium", "low")
    assert rule["properties"]["problem.severity"] in ("error", "warning", "recommendation")


def check_result(result, rules):
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] in LEVELS
    assert result["message"]["text"].strip()
    # Braces and brackets would be read as placeholders and links, but only where arguments or links are given.
    assert "arguments" not in result["message"]
    assert re.fullmatch(r"[0-9a-f]+:\d+", result["partialFingerprints"]["primaryLocationLineHash"])
    assert 1 <= len(result["locations"]) <= 10
    for location in result["locations"]:
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        parts = urlsplit(uri)
        assert uri.isascii()
        assert parts.path
        assert " " not in uri
        assert parts.scheme == ("file" if parts.path.startswith("/") else "")
        region = location["physicalLocation"]["region"]
        edges = [region[name] for name in ("startLine", "startColumn", "endLine", "endColumn")]
        assert all(isinstance(edge, int) and edge >= 1 for edge in edges)
        assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])


def test_the_report_of_a_real_network_is_accepted():
    module, x = Stack(Scale(), Mix(), Mix(seed=2)), normal(6, 4, 3)
    report = eq.diagnose(module, x, "1x1o", "1x1o", group="o3", samples=2)
    assert len(report.findings) == 1
    log = json.loads(to_sarif([report, report]))
    check(log)
    first, _ = log["runs"][0]["results"]
    layers = {entry["fullyQualifiedName"] for entry in first["locations"][0]["logicalLocations"]}
    assert layers == set(first["properties"]["layers"]) == {"layers.1", "layers.2"}
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "tests/equivariance/helpers/specimens.py"
    assert place["contextRegion"]["snippet"]["text"] == "return x + self.size * x @ self.weight.to(x)"
    assert place["contextRegion"]["startColumn"] == 9
    assert place["region"]["snippet"]["text"] == "self.size * x @ self.weight.to(x)"
    assert place["region"]["startColumn"] == 20


def test_nothing_found_is_accepted():
    check(json.loads(to_sarif([])))
    check(json.loads(to_sarif([Report("net", verdicts("rotation"))])))


@pytest.mark.parametrize("cause", CATALOGUE, ids=CAUSES)
def test_every_cause_has_a_rule_with_help(cause):
    assert cause.meaning.endswith(".")
    assert cause.remedy.endswith(".") or cause.name == "unknown"
    check(json.loads(to_sarif([Report("net", verdicts("rotation"), [finding(cause=cause.name)])])))


def test_the_rules_say_what_the_terminal_says():
    """A finding without a more precise remedy gets the one of the rule."""
    log = json.loads(to_sarif([Report("net", verdicts("rotation"))]))
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert tuple(rule["id"] for rule in rules) == CAUSES
    for rule in rules:
        assert rule["help"]["text"].endswith(remedy(rule["id"]))
        assert ("What to do" in rule["help"]["markdown"]) == bool(remedy(rule["id"]))


def test_the_message_says_the_main_thing_first():
    (result,) = run_of(finding(fix="drop the bias", located="suspect", counterexample=rotation([0, 0, 1])))["results"]
    assert result["message"]["text"] == (
        "net: net breaks rotation (component-mixing). X and y are mixed. This statement is suspected. Drop the bias. "
        "Replay: group=equivariance.groups.rotation([0, 0, 1])."
    )
    (result,) = run_of(finding(symmetry="none", cause="not-finite", layer=""))["results"]
    assert result["message"]["text"] == "net: the whole network is not-finite. X and y are mixed."


def test_findings_are_errors_and_notes_are_notes():
    run = run_of(finding(), notes=[finding(cause="discrete-tie")])
    assert [r["level"] for r in run["results"]] == ["error", "note"]


def test_a_finding_without_source_has_a_place_too():
    run = run_of(finding(), subject="my network (v2)")
    check(json.loads(to_sarif([Report("my network (v2)", verdicts("rotation"), [finding()])])))
    (location,) = run["results"][0]["locations"]
    assert unquote(location["physicalLocation"]["artifactLocation"]["uri"]) == "my network (v2)"
    assert location["message"]["text"] == "No Python source."


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("models/net.py", "models/net.py"),
        ("my models/é%.py", "my%20models/%C3%A9%25.py"),
        ("/opt/lib/net.py", "file:///opt/lib/net.py"),
    ],
)
def test_paths_become_uris(file, uri):
    run = run_of(finding(Location(file, 3, "return x")))
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == uri


def print_of(*args, **more):
    """The fingerprint of a finding."""
    (result,) = run_of(finding(*args, **more))["results"]
    return result["partialFingerprints"]["primaryLocationLineHash"]


def test_fingerprints_follow_the_statement_and_not_its_line_or_what_it_breaks():
    here = Location("net.py", 3, "return x")
    known = print_of(here, located="suspect")
    assert known == print_of(Location("moved.py", 99, "return x", (3, 8)), located="confirmed")
    assert known == print_of(here, located="suspect", symmetry="batch", cause="batch-coupled")
    more = {"symmetries": ("rotation", "inversion"), "layers": ("net", "other"), "mechanism": "component-order"}
    assert known == print_of(here, located="suspect", **more)
    assert known != print_of(Location("net.py", 3, "return y"), located="suspect")
    assert known != print_of(here, located="suspect", layer="other")


def test_fingerprints_of_a_layer_follow_its_cause():
    assert print_of() == print_of(Location("net.py", 3, "def forward(self, x):"))
    assert print_of() == print_of(Location("net.py", 3, "def forward(self, x, y):"), symmetry="inversion")
    assert print_of() != print_of(cause="unknown")


def test_other_explanations_are_related_places():
    others = (Location("a.py", 2, "y = f(x)"), Location("b.py", 9, "z = g(y)"))
    run = run_of(finding(Location("net.py", 3, "return x"), located="suspect", alternatives=others))
    (result,) = run["results"]
    assert "Either this statement or a.py:2 or b.py:9 is at fault." in result["message"]["text"]
    places = [r["physicalLocation"]["artifactLocation"]["uri"] for r in result["relatedLocations"]]
    assert places == ["a.py", "b.py"]


def test_the_message_lists_layers_symmetries_and_mechanism():
    more = {"symmetries": ("rotation", "inversion"), "layers": ("net", "other"), "mechanism": "component-order"}
    (result,) = run_of(finding(chain="net.inner at net.py:3", **more))["results"]
    expected = "net: net, other break rotation and inversion (component-mixing, component-order)."
    assert result["message"]["text"].startswith(expected)
    assert result["properties"] == {
        "symmetries": ["rotation", "inversion"], "layers": ["net", "other"],
        "mechanism": "component-order", "chain": "net.inner at net.py:3",
    }  # fmt: skip


def test_fingerprints_follow_the_break_and_not_the_line():
    before = run_of(finding(Location("net.py", 3, "return x")), finding(layer="other"))["results"]
    after = run_of(finding(Location("net.py", 99, "return x")), finding(layer="other"))["results"]
    same = [r["partialFingerprints"] for r in before]
    assert same == [r["partialFingerprints"] for r in after]
    assert same[0] != same[1]
    twice = run_of(finding(), finding())["results"]
    assert twice[0]["partialFingerprints"] != twice[1]["partialFingerprints"]


@pytest.mark.parametrize(
    ("line", "edges", "text"),
    [
        (5, (5, 5, 5, 26), "def forward(self, x):"),
        # The first character lies outside the basic plane: two units.
        (6, (6, 9, 6, 29), 'text = "🧭 é"; y = x'),
        (7, (7, 9, 10, 10), "y = torch.cat(\n            [x, y],\n            dim=-1,\n        )"),
        (9, (9, 13, 10, 10), "dim=-1,\n        )"),
        (11, (11, 9, 11, 24), "if y.sum() > 0:"),
        (12, (12, 13, 12, 22), "y = y + 1"),
    ],
)
def test_a_region_is_the_statement(tmp_path, line, edges, text):
    path = tmp_path / "net.py"
    path.write_text(SOURCE, encoding="utf-8")
    region = region_of(Location(str(path), line, SOURCE.splitlines()[line - 1].strip()))
    assert (region.start_line, region.start_column, region.end_line, region.end_column) == edges
    assert region.text == text


def test_the_region_of_an_expression_is_a_part_of_its_statement(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(SOURCE, encoding="utf-8")
    location = Location(str(path), 6, SOURCE.splitlines()[5].strip(), (16, 20))
    region = region_of_expression(location)
    assert (region.start_line, region.start_column, region.end_line, region.end_column) == (6, 16, 6, 22)
    assert region.text == '"🧭 é"'
    assert region_of_expression(replace(location, columns=None)) is None
    assert region_of_expression(replace(location, source="changed")) is None


@pytest.mark.parametrize("content", [None, "", "x = 1\n", "\n\n    return x + 2\n", b"\xff\xfe\x00"])
def test_a_file_that_is_gone_or_has_changed_leaves_the_line(tmp_path, content):
    path = tmp_path / "net.py"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    region = region_of(Location(str(path), 3, "return x"))
    assert (region.start_line, region.start_column, region.end_line, region.end_column) == (3, 1, 3, 9)
    assert region.text == "return x"


def test_a_file_that_does_not_parse_leaves_the_line(tmp_path):
    path = tmp_path / "net.py"
    path.write_text("def (:\n    return x\n", encoding="utf-8")
    region = region_of(Location(str(path), 2, "return x"))
    assert (region.start_line, region.start_column, region.end_line, region.end_column) == (2, 5, 2, 13)
