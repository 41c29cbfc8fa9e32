"""Renders findings as cards, and notes as a list.

`page` calls it. The pictures of a card come from `cloud`, `curves` and `source`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from equivariance._words import counted
from equivariance.findings import Finding
from equivariance.groups.elements import Transform
from equivariance.report.html.cloud import Cloud, nodes
from equivariance.report.html.curves import curves
from equivariance.report.html.parts import MARKS, Html, join, layer_name, number, scroll_box, size, tag
from equivariance.report.html.scale import LogAxis, exponents
from equivariance.report.html.source import where
from equivariance.report.words import cause_words, layer_words, symmetry_words

_METER_LEFT, _METER_WIDTH = 76, 340
_SMALLEST_SHOWN = 1e-16


def cards(findings: Sequence[Finding], prefix: str, cloud: Cloud | None) -> Html:
    """Renders one article per finding; `prefix` makes the ids unique on the page."""
    return join((_card(i, f, f"{prefix}-finding-{i}", cloud) for i, f in enumerate(findings, 1)), "\n")


def notes(found: Sequence[Finding]) -> Html:
    """Renders the notes, grouped by cause."""
    causes: dict[str, list[Finding]] = {}
    for note in found:
        causes.setdefault(note.cause, []).append(note)
    return join((_note_group(cause, members) for cause, members in causes.items()), "\n")


def _card(index: int, finding: Finding, anchor: str, cloud: Cloud | None) -> Html:
    heading = tag(
        "h4", tag("span", MARKS["structural"], class_="mark", aria_hidden="true"), f" {index}. ",
        f"{symmetry_words(finding)}: ", tag("span", cause_words(finding), class_="cause"), " in ",
        _layers(finding), id=f"{anchor}-title",
    )  # fmt: skip
    facts = [
        ("Why", finding.evidence),
        ("Where", where(finding)),
        ("Remedy", tag("span", finding.fix, class_="fix") if finding.fix else ""),
        ("Error", join((_sizes(finding), _meter(finding))) if finding.error else ""),
        ("Curves", curves(finding)),
        ("Nodes", nodes(finding, cloud)),
        ("Seen with", finding.state),
        ("Replay", _replay(finding.counterexample, f"{anchor}-replay") if finding.counterexample else ""),
    ]
    items = [join((tag("dt", name), tag("dd", value))) for name, value in facts if value]
    return tag("article", heading, tag("dl", *items), class_="card", id=anchor, aria_labelledby=f"{anchor}-title")


def _layers(finding: Finding) -> Html:
    """Renders the paths of the layers; of many layers only the first ones, with all of them in a tooltip."""
    return tag("code", layer_words(finding), title=", ".join(map(layer_name, finding.layers)))


def _sizes(finding: Finding) -> Html:
    words = [size(finding.error), f" at {finding.part or 'the output'}"]
    if finding.noise_floor:
        words += ["; rounding explains ", size(finding.noise_floor)]
    if finding.symmetry != "none":
        words += ["; alone it moves the network's output by ", size(finding.contributed)]
    return tag("p", *words)


def _meter(finding: Finding) -> Html:
    """Draws the sizes of a finding as bars on one logarithmic axis."""
    sizes = [("rounding", finding.noise_floor), ("introduced", finding.error), ("output", finding.contributed)]
    shown = [(name, value) for name, value in sizes if value or name == "introduced"]
    axis = LogAxis(*exponents([*(value for _, value in shown), _SMALLEST_SHOWN]), _METER_LEFT, _METER_WIDTH - 60, 0.0)
    low, bottom = axis.start, 18 * len(shown)
    pieces = []
    for i, (name, value) in enumerate(shown):
        middle, end = 18 * i + 13, round(axis.at(value), 1)
        pieces += [
            tag("text", name, x=low - 8, y=middle, text_anchor="end", class_="layer"),
            tag("rect", x=low, y=middle - 9, width=round(end - low, 1), height=11, class_=name),
            tag("text", number(value), x=end + 5, y=middle, class_="value"),
        ]
    pieces.append(tag("line", x1=low, y1=bottom + 1, x2=axis.end, y2=bottom + 1, class_="axis"))
    pieces += [
        tag("text", label, x=round(at, 1), y=bottom + 15, text_anchor="middle", class_="tick")
        for at, label in axis.powers(4)
    ]
    words = "on a logarithmic axis: " + "; ".join(f"{name} {number(value)}" for name, value in shown)
    box = f"0 0 {_METER_WIDTH} {bottom + 20}"
    return tag("svg", *pieces, viewBox=box, width=_METER_WIDTH, role="img", aria_label=words, class_="meter")


def _replay(element: Transform, anchor: str) -> Html:
    code = tag("pre", tag("code", _script(element), id=anchor))
    button = tag("button", "Copy", type="button", data_copy=anchor, hidden=True, aria_live="polite")
    return tag("div", scroll_box("replay", code), button, class_="replay")


def _script(element: Transform) -> str:
    """Returns Python code that rebuilds the element, with the imports that its `repr` needs."""
    text = repr(element)
    names = sorted({node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)})
    imports = f"from equivariance.groups import {', '.join(names)}"
    return f"{imports}\n\ngroup = {text}  # for equivariance.diagnose(..., group=group)"


def _note_group(cause: str, found: Sequence[Finding]) -> Html:
    summary = tag("summary", tag("b", cause), f": {counted(len(found), 'note')}")
    return tag("details", summary, tag("ul", *map(_note, found)), class_="notes", open=len(found) <= 4)


def _note(finding: Finding) -> Html:
    head = [_layers(finding), f" ({symmetry_words(finding)})"]
    if finding.error:
        head += [", error ", size(finding.error)]
    if finding.noise_floor:
        head += [", rounding ", size(finding.noise_floor)]
    place = [tag("code", str(finding.location), class_="path")] if finding.location else []
    fix = [tag("p", "Remedy: ", finding.fix)] if finding.fix else []
    return tag("li", tag("p", *head), tag("p", finding.evidence), *fix, *place)
