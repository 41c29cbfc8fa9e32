"""Pieces of HTML that cannot be built unescaped, and the words, marks and numbers that all parts of the page share."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

from equivariance.findings import Finding, LayerRow, Outcome

VOID = ("br", "col", "meta")
SHAPES = ("circle", "line", "path", "polyline", "rect")
"""Elements of SVG that close themselves where nothing is in them."""

MARKS = {"clean": "✓", "rounding": "≈", "grid": "▦", "ill-conditioned": "△", "precision": "◆", "structural": "✕"}
"""What stands beside a colour, so that nobody has to see the colour."""

NOTHING = "—"
"""Where there is no number."""

BROKEN = ("precision", "structural")


class Html(str):
    """Text that is HTML already; every other string is escaped when it becomes part of one."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | float | bool) -> Html:
    """An element; `class_` is class, `aria_label` aria-label, True has no value, False leaves out."""
    words = [name, *(_attribute(k, v) for k, v in attributes.items() if v is not False)]
    opening = f"<{' '.join(words)}>"
    if name in SHAPES and not children:
        return Html(f"{opening[:-1]}/>")
    return Html(opening if name in VOID else f"{opening}{join(children)}</{name}>")


def join(pieces: Iterable[str], between: str = "") -> Html:
    """Pieces one after the other, escaped where they are plain text."""
    return Html(_escaped(between).join(map(_escaped, pieces)))


def number(value: float) -> str:
    """Two significant digits; exact zeros, infinities and NaN by name."""
    if value == 0:
        return "0"
    return f"{value:.1e}" if math.isfinite(value) else {"nan": "NaN", "inf": "∞", "-inf": "-∞"}[str(value)]


def size(value: float) -> Html:
    """A number in a sentence."""
    return tag("b", number(value), class_="size")


def spoken(text: str) -> Html:
    """Text for screen readers only."""
    return tag("span", text, class_="spoken")


def layer_name(layer: str) -> str:
    """The dotted path, or words for the root."""
    return layer or "(the whole)"


def call_name(row: LayerRow) -> str:
    """The layer, and which of its calls where it is not the first."""
    return layer_name(row.layer) + (f" (call {row.call + 1})" if row.call else "")


def symmetry_name(finding: Finding) -> str:
    """The symmetry that a finding breaks."""
    return finding.symmetry if finding.symmetry != "none" else "no transformation needed"


def precisions(report: Outcome) -> tuple[str, str]:
    """Names of the main and of the working precision."""
    main, working = (report.settings.get(f"{word} precision", f"{word} precision") for word in ("main", "working"))
    return main, working


def badge(kind: str, word: str) -> Html:
    """Mark and word in the colours of a verdict; "none" is no verdict."""
    mark = tag("span", MARKS.get(kind, "○"), aria_hidden="true")
    return tag("span", mark, f" {word}", class_=f"badge {kind}")


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], text_columns: Sequence[int]) -> Html:
    """A table in a box of its own that scrolls; the first column names the row, `text_columns` are not numbers."""
    classes = ["text" if i in text_columns else "" for i in range(len(head))]
    headings = [tag("th", h, scope="col", class_=c or False) for h, c in zip(head, classes, strict=True)]
    lines = [tag("tr", *headings)]
    for row in rows:
        first, *rest = row
        cells = [tag("td", cell, class_=c or False) for cell, c in zip(rest, classes[1:], strict=True)]
        lines.append(tag("tr", tag("th", first, scope="row"), *cells))
    body = tag("table", tag("caption", caption), tag("thead", lines[0]), tag("tbody", join(lines[1:], "\n")))
    return scroll_box(caption, body)


def scroll_box(label: str, *children: str) -> Html:
    """A region that scrolls sideways by itself, with the keyboard too."""
    return tag("div", *children, class_="scroll", role="region", aria_label=label, tabindex=0)


def _escaped(text: str) -> str:
    return text if isinstance(text, Html) else html.escape(text)


def _attribute(name: str, value: str | float | bool) -> str:
    plain = name.removesuffix("_").replace("_", "-")
    return plain if value is True else f'{plain}="{html.escape(str(value))}"'
