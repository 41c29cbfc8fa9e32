"""Names and sentences with markup, control characters, surrogates and commands, in every format."""

import io
import json
from html.parser import HTMLParser

import jsonschema
import pytest
from rich.console import Console

from equivariance._printable import one_line, printable
from equivariance.cli.screen import ExaminedSubject, plain, render_all, show
from equivariance.errors import ArgumentError
from equivariance.findings import Finding, LayerRow, Location, SymmetryVerdict
from equivariance.pytest_plugin.results import pack, properties, summary, unpack
from equivariance.report.html.page import to_html
from equivariance.report.json import schema, to_json
from equivariance.report.report import Report
from equivariance.report.sarif import to_sarif
from equivariance.report.text import findings_text, to_text

NAMES = {
    "markup": "[edge]",
    "closing markup": "[/edge]",
    "style": "[bold red]x",
    "link": "[link=http://evil]click[/link]",
    "escape sequence": "a\x1b[31mRED\x1b]0;title\x07",
    "lines": "two\nlines",
    "command": "x\n::error file=x::pwn",
    "direction": "a\u202eb\u2066c\u200f",
    "separator": "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg",
    "null": "a\x00\x08b",
    "surrogate": "a\ud83db\udcff",
    "html": "</script><img src=x onerror=alert(1)>\"' onmouseover=alert(1) ]]> --> &lt;",
    "emoji and letters": "\N{GRINNING FACE} émoji 中文",
}
FORBIDDEN = {chr(n) for n in range(32)} - {"\n", "\t"} | set("\x7f\x85\u2028\u2029\u202e\u2066\u200f\ud83d\udcff")


def report_of(name):
    """A report that has the name in every field of text."""
    location = Location(name, 3, name)
    finding = Finding(
        layer=name, symmetry="rotation", cause="component-mixing", evidence=name, part=name, location=location,
        state=name, located="suspect", fix=name, chain=name, alternatives=(location,), error=float("nan"),
        noise_floor=float("inf"), mechanism="component-order",
    )  # fmt: skip
    rows = [
        LayerRow(layer, 0, name, "rotation", 1.0, 2.0, 1.0, 0.0, 1.0, 1.0, 0.0, "structural", name)
        for layer in (name, f"{name}.{name}")
    ]
    verdict = SymmetryVerdict("rotation", "broken", remarks=(name,), doubts=(name,), basis="assumed")
    untested = SymmetryVerdict("inversion", "not tested", reason=name)
    return Report(name, (verdict, untested), [finding], [finding], rows, [name], {name: name})


def texts(name):
    report = report_of(name)
    stream = io.StringIO()

    class Subject:
        stages, description = {}, name

    Subject.name = name
    examined = ExaminedSubject(Subject, report, (), ())
    show(render_all([examined], registered=True), stream)
    results = unpack("test.py::test", pack([report], whole=False))
    return {
        "text": to_text(report),
        "findings": findings_text(report),
        "json": to_json([report]),
        "html": to_html([report]),
        "sarif": to_sarif([report]),
        "screen": stream.getvalue(),
        "file": plain(render_all([examined], registered=True)),
        "summary": "\n".join(summary(results)),
        "properties": "\n".join(f"{k} {v}" for k, v in properties([report])),
        "error": str(ArgumentError("layer", name, f"one of {name}")),
    }


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_no_format_has_characters_that_act(name):
    for form, text in texts(name).items():
        assert not FORBIDDEN & set(text), form
        text.encode("utf-8")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_no_line_is_a_command(name):
    for form, text in texts(name).items():
        if form not in ("json", "html", "sarif"):
            assert not [line for line in text.splitlines() if line.lstrip().startswith("::")], form


@pytest.mark.parametrize("name", [NAMES[n] for n in ("markup", "closing markup", "style", "link", "emoji and letters")])
def test_a_name_is_shown_as_it_is(name):
    found = texts(name)
    for form in ("text", "findings", "screen", "file", "summary", "properties"):
        assert name in " ".join(found[form].split()), form
    assert [line for line in found["text"].splitlines() if line.strip().startswith(name) and "2.0e+00" in line]


def test_a_wrapped_line_is_no_command():
    words = f"{'x' * 100} ::error file=x::pwn and {'y' * 50}"
    lines = to_text(report_of(words)).splitlines()
    assert not [line for line in lines if line.lstrip().startswith("::")]
    assert any(line.lstrip().startswith(r"\x3a:error file=x::pwn") for line in lines)


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, tuple(name for name, _ in attrs)))


def elements(text):
    parser = Elements()
    parser.feed(text)
    return parser.found


def test_a_name_makes_no_element():
    # Only names of one length: the page leaves out nothing, and cuts long lines.
    assert elements(to_html([report_of(NAMES["html"])])) == elements(to_html([report_of("x" * len(NAMES["html"]))]))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_json_and_sarif_stay_valid(name):
    jsonschema.validate(json.loads(to_json([report_of(name)])), schema())
    (run,) = json.loads(to_sarif([report_of(name)]))["runs"]
    assert len(run["results"]) == 2


def test_names_that_differ_stay_different():
    assert len({printable(name) for name in NAMES.values()}) == len(NAMES)
    assert printable("a\x1bb") == r"a\x1bb"
    assert printable("a\nb", kept="\n") == "a\nb"


@pytest.mark.parametrize("name", ["layer", "blocks.0.linear", "a b", "ünïcode", "tab\there", ""])
def test_ordinary_text_stays(name):
    assert printable(name) == name


def test_an_error_is_one_printable_line():
    assert one_line(ValueError("a\n  b\x1b[0m\u2028c")) == r"a b\x1b[0m c"
    assert one_line(ValueError()) == "ValueError"


def test_a_terminal_gets_no_markup_either(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    assert Console(file=stream).is_terminal
    show(["[/edge] [bold]x"], stream)
    assert stream.getvalue() == "[/edge] [bold]x\n"
