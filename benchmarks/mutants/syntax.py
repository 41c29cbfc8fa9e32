"""Works on source text by its syntax tree: replaces one node, and finds statements and the readers of their results."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

Span = tuple[int, int, int, int]
"""First line, first column, last line, last column of a node, as `ast` counts them."""


def span(node: ast.AST) -> Span:
    """Returns the place of a node."""
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]


def replaced(source: str, place: Span, text: str) -> str:
    """Returns the source with the text at `place` replaced. All other text stays as it is."""
    lines = source.encode().splitlines(keepends=True)
    first, start, last, end = place
    made = lines[first - 1][:start] + text.encode() + lines[last - 1][end:]
    return b"".join([*lines[: first - 1], made, *lines[last:]]).decode()


@dataclass(frozen=True)
class Statement:
    """One simple statement, or the header of a compound one, in a function.

    Attributes:
        node: The statement.
        function: The innermost function that holds it, or None.
        classes: The innermost class that holds it, or None.
        last: The last line of the statement or header.
    """

    node: ast.stmt
    function: ast.FunctionDef | None
    owner: ast.ClassDef | None

    @property
    def lines(self) -> range:
        """Returns the lines of the statement or header."""
        body = getattr(self.node, "body", None)
        last = body[0].lineno - 1 if body else self.node.end_lineno
        return range(self.node.lineno, max(last or 0, self.node.lineno) + 1)


def statements(tree: ast.AST, function: ast.FunctionDef | None = None, owner: ast.ClassDef | None = None) \
        -> Iterator[Statement]:  # fmt: skip
    """Yields all statements of a module."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.stmt):
            yield Statement(child, function, owner)
        inner = child if isinstance(child, ast.FunctionDef) else function
        yield from statements(child, inner, child if isinstance(child, ast.ClassDef) else owner)


def statement_at(tree: ast.AST, line: int) -> Statement | None:
    """Returns the innermost statement that covers the line."""
    found = [s for s in statements(tree) if line in s.lines]
    return min(found, key=lambda s: len(s.lines), default=None)


def readers(tree: ast.AST, changed: Statement) -> list[Statement]:
    """Returns the statements of the same function that read what the changed statement assigns, until it is assigned
    again."""
    names = _assigned(changed.node)
    found = []
    for statement in statements(changed.function or tree):
        if statement.node.lineno <= changed.node.lineno or not names:
            continue
        if names & _read(statement):
            found.append(statement)
        names -= _assigned(statement.node)
    return found


def users(tree: ast.AST, changed: Statement) -> list[Statement]:
    """Returns the statements of the same class that call the layer that a changed statement makes."""
    targets = [t for t in getattr(changed.node, "targets", []) if isinstance(t, ast.Attribute)]
    if not targets or changed.owner is None:
        return []
    name = targets[0].attr

    def uses(node: ast.stmt) -> bool:
        return any(isinstance(n, ast.Attribute) and n.attr == name and isinstance(n.ctx, ast.Load)
                   for part in _own(node) for n in ast.walk(part))  # fmt: skip

    inside = [s for s in statements(changed.owner) if s.function is not None and s.function.name != "__init__"]
    return [s for s in inside if uses(s.node)]


def _own(node: ast.stmt) -> list[ast.AST]:
    """Returns the children of a statement that are no statements."""
    return [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]


def _assigned(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    stored = [n for part in _own(node) for n in ast.walk(part) if isinstance(n, ast.Name)]
    return {n.id for n in stored if isinstance(n.ctx, ast.Store)}


def _read(statement: Statement) -> set[str]:
    node = statement.node
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    read = {
        n.id for part in _own(node) for n in ast.walk(part) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    }
    changes = isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    return read | ({node.target.id} if changes else set())  # type: ignore[attr-defined]
