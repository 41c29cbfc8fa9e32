"""Renders reports as one self-contained page that loads nothing from elsewhere.

`Report.to_html`, the command line and the pytest plugin call `to_html`. The other modules of this package render the
parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from equivariance._words import counted
from equivariance.findings import BROKEN, HOLDS, NOT_TESTED, Outcome, SymmetryVerdict
from equivariance.report.html.chart import charts
from equivariance.report.html.cloud import cloud_of, coordinates
from equivariance.report.html.findings import cards, notes
from equivariance.report.html.parts import NOTHING, Html, badge, join, number, precisions, table, tag
from equivariance.report.html.tree import numbers, tree

_WORDS = {
    "introduced": "the layer alone, fed with exactly transformed activations of the reference run: large at culprits.",
    "accumulated": "what a plain comparison of two runs sees at the layer's output: large after a break.",
    "contributed": "the error that the break causes, by itself, at the network's output.",
    "rounding floor": "the error that rounding explains at this place, as measured.",
    "curves": "the introduced error while one thing varies. What grows with |t| uses positions themselves; what has "
    "the same size in every precision is no rounding.",
    "nodes": "where the error is: at each node of the first sample, as colour on the input cloud.",
}


def to_html(reports: Sequence[Outcome]) -> str:
    """Returns the text of an HTML5 document with all reports."""
    title = "Equivariance: " + (", ".join(f"{r.subject} ({_outcome(r)})" for r in reports) or "nothing was examined")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", _data("page.css")),
    )
    sections = [_section(r, f"subject-{i}") for i, r in enumerate(reports, 1)]
    main = tag("main", *(sections or [tag("p", "Nothing was examined.")]), id="main")
    body = tag("body", _top(reports), main, tag("script", _data("page.js"), _data("cloud.js")))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _data(name: str) -> Html:
    """Returns the text of a file in the folder `data`, which goes into the page unchanged."""
    return Html("\n" + files("equivariance.report").joinpath("data", name).read_text(encoding="utf-8"))


def _outcome(report: Outcome) -> str:
    return "ok" if report.ok else counted(len(report.findings), "finding")


def _top(reports: Sequence[Outcome]) -> Html:
    links = [tag("li", tag("a", r.subject, href=f"#subject-{i}"), " ", _pill(r)) for i, r in enumerate(reports, 1)]
    terms = [join((tag("dt", word), tag("dd", meaning))) for word, meaning in _WORDS.items()]
    explained = "All errors are relative: ‖f(gx) - g f(x)‖ / ‖f(x)‖, the worst over all samples."
    reading = tag("details", tag("summary", "How to read the numbers"), tag("p", explained), tag("dl", *terms))
    navigation = tag("nav", tag("ul", *links), aria_label="Subjects") if len(reports) > 1 else ""
    return tag("header", tag("h1", "Equivariance report"), navigation, reading)


def _pill(report: Outcome) -> Html:
    return badge("clean" if report.ok else "structural", _outcome(report))


def _section(report: Outcome, anchor: str) -> Html:
    parts = [
        tag("h2", report.subject, " ", _pill(report), id=f"{anchor}-title"),
        tag("p", _claims(report)),
        _summary(report),
    ]
    if report.findings:
        cloud = cloud_of(report, f"{anchor}-cloud")
        parts += [tag("h3", "Findings"), coordinates(cloud) if cloud else Html()]
        parts += [cards(report.findings, anchor, cloud)]
    if report.notes:
        parts += [tag("h3", "Notes: no break, but worth knowing"), notes(report.notes)]
    if len({(r.layer, r.call) for r in report.layers}) > 1:
        parts += [tag("h3", "Layers"), tree(report, anchor), numbers(report)]
        parts += [tag("h3", "Error along the layers"), charts(report)]
    parts += [tag("h3", "Settings and assumptions"), _settings(report)]
    return tag("section", join(parts, "\n"), id=anchor, aria_labelledby=f"{anchor}-title")


def _claims(report: Outcome) -> str:
    unclaimed = [v.symmetry for v in report.verdicts if not v.claimed]
    tested = [s for s in report.symmetries if s not in unclaimed]
    text = f"{'No finding' if report.ok else 'Tested'} under {', '.join(tested) or 'nothing'}."
    text += f" Not claimed: {', '.join(unclaimed)}." if unclaimed else ""
    missing = [s for s, _ in report.untested]
    return text + (f" Not tested: {', '.join(missing)}." if missing else "")


def _summary(report: Outcome) -> Html:
    """Renders a table of the verdicts, with the errors at the output and what each verdict rests on."""
    main, working = precisions(report)
    head = ("output under", "verdict", f"error, {main}", f"error, {working}", f"rounding floor, {working}", "rests on")
    rows = [(v.symmetry, _badge(v), *_sizes(v), _basis(v)) for v in report.verdicts]
    return table("The network's output under each symmetry", head, rows, (0, 1, 5))


def _sizes(verdict: SymmetryVerdict) -> tuple[str, str, str]:
    if verdict.verdict == NOT_TESTED:
        return NOTHING, NOTHING, NOTHING
    return number(verdict.error), number(verdict.tested_error), number(verdict.noise_floor)


def _badge(verdict: SymmetryVerdict) -> Html:
    if not verdict.claimed and verdict.verdict != NOT_TESTED:
        return badge("none", "not claimed")
    return badge({HOLDS: "clean", BROKEN: "structural", NOT_TESTED: "none"}[verdict.verdict], verdict.verdict)


def _basis(verdict: SymmetryVerdict) -> str:
    """Returns what a verdict rests on and its limits, or why there is none, in words."""
    words = [verdict.reason] if verdict.verdict == NOT_TESTED else [verdict.basis]
    if verdict.doubts:
        words = [f"assumed: {'; '.join(verdict.doubts)}"]
    return "; ".join([*words, *([f"explained by {verdict.excuse}"] if verdict.excuse else []), *verdict.remarks])


def _settings(report: Outcome) -> Html:
    items = [join((tag("dt", name), tag("dd", value))) for name, value in report.settings.items()]
    assumed = [tag("li", text) for text in report.assumptions]
    stated = tag("dl", *items, class_="settings") if items else ""
    if not assumed:
        return join((stated, tag("p", "Nothing was assumed: everything was declared.")))
    return join((stated, tag("h4", "Assumed, because nobody declared it"), tag("ul", *assumed)))
