"""Renders the location of a finding with the lines around it, if the file can be read.

`findings` calls `where`. It reads the file and does not import it.
"""

from __future__ import annotations

import ast
import textwrap
import tokenize
from collections.abc import Iterator
from pathlib import Path

from equivariance.findings import Finding, Location
from equivariance.report.html.parts import Html, join, tag
from equivariance.report.words import expression_at, expression_span

_AROUND = {"layer": (0, 9), "suspect": (4, 4), "confirmed": (4, 4)}
"""Lines shown before and after the marked line. The code of a layer follows its marked first line."""

_LONGEST = 240
_LARGEST_FILE = 4_000_000

_WORDS = {
    "layer": ("○", "the layer's forward", "the statement inside it is not known"),
    "suspect": ("?", "suspect statement", "the first whose result does not transform as it should; not confirmed"),
    "confirmed": ("●", "confirmed statement", "the error vanished when its result was replaced by the exact one"),
}


def where(finding: Finding) -> Html:
    """Renders file and line, the source text, and how certain the location is."""
    if finding.location is None:
        return Html("no Python source")
    mark, words, meaning = _WORDS[finding.located]
    sure = tag("span", tag("span", mark, aria_hidden="true"), f" {words}", class_=f"badge {finding.located}")
    place = tag("code", str(finding.location), class_="path")
    head = tag("p", place, " ", sure, " ", tag("span", meaning, class_="soft"), class_="place")
    through = [tag("p", "Through ", tag("code", finding.chain), ".")] if finding.chain else []
    return join((head, _excerpt(finding.location, *_AROUND[finding.located]), *through, *_others(finding)))


def _others(finding: Finding) -> Iterator[Html]:
    """Yields a line for each other statement that explains the error as well."""
    for other in finding.alternatives:
        yield tag("p", "Either this or ", tag("code", str(other), class_="path"), ": ", tag("code", other.source))


def _excerpt(location: Location, before: int, after: int) -> Html:
    """Renders the lines around a location; only the stored line if the file is missing or has changed."""
    lines = _lines(location)
    if not _is_unchanged(location, lines):
        excerpt = _block(location, {location.line: location.source})
        words = "The file has changed since: this is the line as it was." if lines else "The file is not at hand."
        return join((excerpt, tag("p", words, class_="soft")))
    low, high = max(location.line - before, 1), min(location.line + after, len(lines))
    first, last = _function(lines, location.line) or (low, high)
    numbers = range(max(low, first), min(high, last) + 1)
    shown = textwrap.dedent("\n".join(lines[n - 1].expandtabs(4) for n in (first, *numbers))).split("\n")
    return _block(location, dict(zip((first, *numbers), shown, strict=True)))


def _function(lines: list[str], line: int) -> tuple[int, int] | None:
    """Returns the first and the last line of the innermost function around a line; None if there is none."""
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = [
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    return max(((a, b) for a, b in found if a <= line <= b), default=None)


def _lines(location: Location) -> list[str]:
    """Returns the lines of the file; an empty list if it cannot be read as Python source."""
    path = Path(location.file)
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            return []
        with tokenize.open(path) as file:
            return file.read().split("\n")
    except (OSError, SyntaxError, ValueError):
        return []


def _is_unchanged(location: Location, lines: list[str]) -> bool:
    """True if the file still has the text of the location at its line."""
    if not 1 <= location.line <= len(lines):
        return False
    text = lines[location.line - 1].strip()
    return bool(text) and location.source.strip().startswith(text)


def _pieces(line: str, location: Location) -> tuple[str, ...]:
    """Returns the line of a location with the expression at fault marked."""
    span, indent = expression_span(location), len(line) - len(line.lstrip())
    if span is None or not line.strip().startswith(location.source[: span[1]]):  # tabs became spaces, or it is cut off
        return (line,)
    start, end = span[0] + indent, span[1] + indent
    return line[:start], tag("strong", line[start:end], class_="expression"), line[end:]


def _block(location: Location, lines: dict[int, str]) -> Html:
    """Renders numbered lines. The numbers are not part of the text that a reader copies."""
    rows, expression = [], expression_at(location)
    for i, (n, line) in enumerate(lines.items()):
        text = line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
        gap = " after-gap" if i and n - 1 not in lines else ""
        shown = join((*_pieces(text, location), "\n")) if n == location.line else text + "\n"
        rows.append(tag("mark" if n == location.line else "span", shown, class_=f"row{gap}", data_line=n))
    words = f"{location.file}, line {location.line} marked" + (f": {expression}" if expression else "")
    digits = f"--digits: {len(str(max(lines)))}ch"
    return tag("pre", tag("code", *rows), class_="excerpt", role="group", aria_label=words, style=digits)
