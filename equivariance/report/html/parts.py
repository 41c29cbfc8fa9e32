"""Builds HTML that is always escaped, and formats the names, marks and numbers of all parts of the page.

The other modules of this package call it. It knows no layout of the page.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

from equivariance._printable import printable
from equivariance.findings import LayerRow, Outcome

VOID = ("br", "col", "meta")
SHAPES = ("circle", "line", "path", "polyline", "rect")
"""Elements of SVG that close themselves if they are empty."""

MARKS = {"clean": "✓", "rounding": "≈", "grid": "▦", "ill-conditioned": "△", "precision": "◆", "structural": "✕"}
"""Mark beside each verdict colour, for readers who do not see the colour."""

NOTHING = "—"
"""Shown in place of a missing number."""

BROKEN = ("precision", "structural")


class Html(str):
    """Text that is HTML already. `tag` and `join` escape every other string."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | float | bool) -> Html:
    """Returns an element.

    Args:
        name: Name of the element.
        children: Its content; plain text is escaped.
        attributes: `class_` becomes class, `aria_label` becomes aria-label. True writes only the name, False nothing.
    """
    words = [name, *(_attribute(k, v) for k, v in attributes.items() if v is not False)]
    opening = f"<{' '.join(words)}>"
    if name in SHAPES and not children:
        return Html(f"{opening[:-1]}/>")
    return Html(opening if name in VOID else f"{opening}{join(children)}</{name}>")


def join(pieces: Iterable[str], between: str = "") -> Html:
    """Joins pieces; plain text is escaped."""
    return Html(_escape(between).join(map(_escape, pieces)))


def number(value: float) -> str:
    """Formats a number with two significant digits; exact zeros, infinities and NaN have names."""
    if value == 0:
        return "0"
    return f"{value:.1e}" if math.isfinite(value) else {"nan": "NaN", "inf": "∞", "-inf": "-∞"}[str(value)]


def size(value: float) -> Html:
    """Formats a number within a sentence."""
    return tag("b", number(value), class_="size")


def for_screen_readers(text: str) -> Html:
    """Returns text that only screen readers present."""
    return tag("span", text, class_="spoken")


def layer_name(layer: str) -> str:
    """Returns the dotted path of a layer, or words for the root."""
    return layer or "(the whole)"


def call_name(row: LayerRow) -> str:
    """Returns the name of a layer, with the number of its call if that is not the first."""
    return layer_name(row.layer) + (f" (call {row.call + 1})" if row.call else "")


def precisions(report: Outcome) -> tuple[str, str]:
    """Returns the names of the reference precision and of the tested precision."""
    main, working = (report.settings.get(f"{word} precision", f"{word} precision") for word in ("main", "working"))
    return main, working


def badge(kind: str, word: str) -> Html:
    """Returns mark and word in the colours of a verdict; the kind "none" has neutral colours."""
    mark = tag("span", MARKS.get(kind, "○"), aria_hidden="true")
    return tag("span", mark, f" {word}", class_=f"badge {kind}")


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], text_columns: Sequence[int]) -> Html:
    """Returns a table that scrolls sideways. The first column names the row; the columns in `text_columns` are text."""
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
    """Returns a region that scrolls sideways, also by keyboard."""
    return tag("div", *children, class_="scroll", role="region", aria_label=label, tabindex=0)


def _escape(text: str) -> str:
    return text if isinstance(text, Html) else html.escape(printable(text, kept="\n\t"))


def _attribute(name: str, value: str | float | bool) -> str:
    plain = name.removesuffix("_").replace("_", "-")
    return plain if value is True else f'{plain}="{html.escape(printable(str(value)))}"'
