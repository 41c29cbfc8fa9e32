"""Finds the lines and columns that a location covers in its file.

`sarif` calls it. It reads the source file and does not import it.
"""

from __future__ import annotations

import ast
import tokenize
from dataclasses import dataclass

from equivariance.findings import Location

_WITH_BODY = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.For, ast.AsyncFor, ast.While),
    *(ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match),
)


@dataclass(frozen=True)
class Region:
    """Lines and columns of a piece of source text.

    Lines and columns count from 1. The end column lies after the last character. Columns count UTF-16 code units.

    Attributes:
        start_line, start_column, end_line, end_column: The borders.
        text: The text between the borders.
    """

    start_line: int
    start_column: int
    end_line: int
    end_column: int
    text: str


def region_of(location: Location) -> Region:
    """Returns the region of a statement, from the line of the location to the end of the statement.

    If the statement has a body, the region is only the first line. If the file cannot be read or has changed, the
    region is the line as the location stores it.
    """
    lines = _lines(location.file)
    first = lines[location.line - 1] if location.line <= len(lines) else ""
    if first.strip() != location.source:
        return Region(location.line, 1, location.line, _utf16_length(location.source) + 1, location.source)
    end = _last_line(lines, location.line)
    # If a statement shares its last line with another one, the region ends at the end of that line: readers see lines.
    text = "\n".join([first.strip(), *(line.rstrip() for line in lines[location.line : end])])
    indent = len(first) - len(first.lstrip())
    return Region(location.line, indent + 1, end, _utf16_length(lines[end - 1].rstrip()) + 1, text)


def region_of_expression(location: Location) -> Region | None:
    """Returns the region of the expression at fault; None if it is not known, or if the file has changed."""
    lines = _lines(location.file)
    line = lines[location.line - 1] if location.line <= len(lines) else ""
    if location.columns is None or line.strip() != location.source:
        return None
    start, end = location.columns[0] - 1, location.columns[1]
    columns = [_utf16_length(line[:edge]) + 1 for edge in (start, end)]
    return Region(location.line, columns[0], location.line, columns[1], line[start:end])


def _lines(file: str) -> list[str]:
    try:
        with tokenize.open(file) as source:
            return source.read().splitlines()
    except (OSError, SyntaxError, ValueError):  # also a name that no file can have
        return []


def _last_line(lines: list[str], line: int) -> int:
    """Returns the last line of the innermost statement that covers `line`, or `line` if the statement has a body."""
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return line
    covering = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and n.lineno <= line <= (n.end_lineno or n.lineno)]
    if not covering:
        return line
    innermost = min(covering, key=lambda n: (n.end_lineno or n.lineno) - n.lineno)
    return line if isinstance(innermost, _WITH_BODY) else innermost.end_lineno or line


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2
