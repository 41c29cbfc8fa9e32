"""Which part of a file a location covers."""

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
    """Lines and columns, from 1, the end column after the last character; columns count UTF-16 code units.

    Attributes:
        start_line, start_column, end_line, end_column: The edges
        text: What lies between them
    """

    start_line: int
    start_column: int
    end_line: int
    end_column: int
    text: str


def region_of(location: Location) -> Region:
    """The rest of the statement from the location's line on; of a statement with a body, the line alone.

    Where the file cannot be read any more, or has changed since, the line as the location remembers it.
    """
    lines = _lines(location.file)
    first = lines[location.line - 1] if location.line <= len(lines) else ""
    if first.strip() != location.source:
        return Region(location.line, 1, location.line, _units(location.source) + 1, location.source)
    end = _last_line(lines, location.line)
    # A statement that shares its last line with another ends there too: the line is what people look at.
    text = "\n".join([first.strip(), *(line.rstrip() for line in lines[location.line : end])])
    indent = len(first) - len(first.lstrip())
    return Region(location.line, indent + 1, end, _units(lines[end - 1].rstrip()) + 1, text)


def _lines(file: str) -> list[str]:
    try:
        with tokenize.open(file) as source:
            return source.read().splitlines()
    except (OSError, SyntaxError, UnicodeDecodeError):
        return []


def _last_line(lines: list[str], line: int) -> int:
    """The last line of the innermost statement that covers `line`."""
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return line
    covering = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and n.lineno <= line <= (n.end_lineno or n.lineno)]
    if not covering:
        return line
    innermost = min(covering, key=lambda n: (n.end_lineno or n.lineno) - n.lineno)
    return line if isinstance(innermost, _WITH_BODY) else innermost.end_lineno or line


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
