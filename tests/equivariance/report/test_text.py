"""The text of a report: the findings, and the table of the layers."""

import pytest

from equivariance.findings import Finding, Location
from equivariance.report.report import Report
from equivariance.report.text import to_text
from equivariance.report.words import expression_at
from tests.equivariance.helpers.html_page import row
from tests.equivariance.helpers.verdicts import verdicts


def layers_of(*rows):
    """The column of the layers, as it is printed."""
    lines = to_text(Report("a network", verdicts("rotation"), layers=list(rows))).splitlines()
    start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["layer", "class"]) + 2
    return [line.partition("Linear")[0].rstrip()[2:] for line in lines[start:] if "Linear" in line]


def test_layers_stand_below_the_one_that_contains_them_wherever_they_were_called():
    ran = ("", "graph", "pool.0.sample", "down.0", "down.0.mix", "pool.0", "pool.0.sum", "down.1")
    assert layers_of(*map(row, ran)) == [
        "(the whole)", "graph", "pool.0", "  sample", "  sum", "down.0", "  mix", "down.1",
    ]  # fmt: skip


def test_calls_of_a_layer_stand_together_in_their_order():
    calls = [row("mix"), row("mix.norm"), row("mix", call=1), row("mix.norm", call=1), row("head")]
    assert layers_of(*calls) == ["mix", "mix (call 2)", "  norm", "  norm (call 2)", "head"]


def text_of(**more):
    """The lines of one finding, without the table of symmetries."""
    fields = {"layer": "convs.0", "symmetry": "rotation", "cause": "component-mixing", "evidence": "x and y are mixed"}
    lines = to_text(Report("net", (), [Finding(**{**fields, **more})])).splitlines()
    return [line.strip() for line in lines if line.strip()][1:]


def test_a_finding_begins_with_symmetries_cause_mechanism_and_layers():
    assert text_of()[0] == "1. rotation: component-mixing in convs.0"
    first = text_of(
        symmetries=("rotation", "inversion"), mechanism="component-order", layers=("convs.0", "convs.1")
    )  # fmt: skip
    assert first[0] == "1. rotation, inversion: component-mixing (component-order) in convs.0, convs.1"
    many = text_of(layers=tuple(f"convs.{i}" for i in range(9)))
    assert many[0].endswith("in convs.0, convs.1, convs.2, convs.3, convs.4 and 4 more")
    assert text_of(layer="", symmetry="none")[0] == "1. no transformation needed: component-mixing in (the whole)"


def test_the_place_names_the_expression_the_chain_and_other_explanations(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("def f(x):\n    return a(x) + b(x)\n", encoding="utf-8")
    found = text_of(
        location=Location("net.py", 2, "return a(x) + b(x)", (19, 22)),
        located="suspect",
        chain="convs.0.mix at net.py:9",
        alternatives=(Location("a.py", 3, "y = f(x)"), Location("b.py", 4, "z = f(y)")),
    )
    assert found[1:6] == [
        "at     net.py:2  return a(x) + b(x)  (suspected)",
        "in b(x)",
        "through convs.0.mix at net.py:9",
        "either this or a.py:3  y = f(x)",
        "either this or b.py:4  z = f(y)",
    ]


@pytest.mark.parametrize("content", [None, "x = 1\n", "\n    return b(x)\n"])
def test_an_expression_is_shown_only_if_the_file_is_as_it_was(tmp_path, content):
    path = tmp_path / "net.py"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    location = Location(str(path), 2, "return a(x) + b(x)", (19, 22))
    assert expression_at(location) == ""


@pytest.mark.parametrize(
    ("line", "columns", "shown"),
    [
        ("a(b(x))", (1, 7), ""),
        ("a(b(x))", (3, 6), "b(x)"),
        ("return a(b(x))", (8, 14), ""),
        ("y = a(b(x))  # because", (5, 11), ""),
        ("self.y, z[0]: int = a(b(x))", (21, 27), ""),
        ("y @= a(b(x))", (6, 12), ""),
        ("y = a(x) + b(x)", (5, 8), "a(x)"),
        ("y = a(x) + b(x)", (12, 15), "b(x)"),
        ("f(y=a(b(x)))", (5, 11), "a(b(x))"),
        ("return x == a(b(x))", (13, 19), "a(b(x))"),
    ],
)
def test_what_is_assigned_or_returned_as_a_whole_is_not_shown_twice(tmp_path, line, columns, shown):
    path = tmp_path / "net.py"
    path.write_text(f"    {line}\n", encoding="utf-8")
    assert expression_at(Location(str(path), 1, line, (columns[0] + 4, columns[1] + 4))) == shown


def test_a_note_lists_its_layers():
    note = Finding("a", "rotation", "discrete-tie", "a tie", layers=("a", "b"), symmetries=("rotation", "batch"))
    assert "- discrete-tie in a, b (rotation, batch)" in to_text(Report("net", (), notes=[note]))
