"""Finds where operators apply in a module, and makes the changed source with the right answer."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from benchmarks.mutants.catalogue import CALLED, CATALOGUE, RECEIVED
from benchmarks.mutants.operators import CHANGES
from benchmarks.mutants.syntax import Span, Statement, readers, replaced, span, statement_at, users
from benchmarks.mutants.values import Context

RIGHT = {operator.name: operator.right for operator in CATALOGUE}


@dataclass(frozen=True)
class Site:
    """One change: an operator, a place in a file, and the text that replaces the node there."""

    operator: str
    place: Span
    text: str


@dataclass(frozen=True)
class Mutant:
    """Changed source.

    Attributes:
        source: The source.
        changed: The lines of the changed statement.
        right: The lines of each statement that is a right answer, in this file.
        follow: True if the statement that calls the changed function is right too, because it receives the value.
    """

    source: str
    changed: range
    right: tuple[range, ...]
    follow: bool


def imported(tree: ast.Module) -> frozenset[str]:
    """Returns the names that the imports of a module bind."""
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    return frozenset((a.asname or a.name).partition(".")[0] for n in imports for a in n.names)


def _within(node: ast.AST, function: ast.FunctionDef | None = None, parent: ast.AST | None = None) \
        -> Iterator[tuple[ast.AST, ast.FunctionDef | None, ast.AST | None]]:  # fmt: skip
    """Yields all nodes with the innermost function and the parent of each; annotations and defaults are left out."""
    yield node, function, parent
    if isinstance(node, ast.FunctionDef):
        for statement in node.body:
            yield from _within(statement, node, node)
    elif isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield from _within(node.value, function, node)
    elif not isinstance(node, ast.JoinedStr):
        for child in ast.iter_child_nodes(node):
            yield from _within(child, function, node)


def sites(source: str, context: Context, run: Collection[int], built: Collection[int]) -> list[Site]:
    """Returns all changes of a module.

    Args:
        source: The source of the module.
        context: The values of its expressions.
        run: The lines that a forward pass executes.
        built: The lines that the construction executes.
    """
    tree = ast.parse(source)
    context = replace(context, names=imported(tree))
    found = []
    for node, function, parent in _within(tree):
        if function is None or not hasattr(node, "lineno"):
            continue
        asked = replace(context, function=function, parent=parent)
        for name, change in CHANGES.items():
            lines = built if RIGHT[name] == CALLED else run
            made = change(node, asked) if any(n in lines for n in _lines(node)) else None
            if made is not None:
                found.append(Site(name, span(node), made))
    return found


def _lines(node: ast.AST) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)  # type: ignore[attr-defined]


def mutant(source: str, site: Site) -> Mutant | None:
    """Returns the changed source, or None if it cannot be parsed."""
    made = replaced(source, site.place, site.text)
    try:
        tree = ast.parse(made)
    except SyntaxError:
        return None
    changed = statement_at(tree, site.place[0])
    if changed is None:
        return None
    rule = RIGHT[site.operator]
    right = users(tree, changed) if rule == CALLED else [changed]
    if rule == RECEIVED:
        right += readers(tree, changed)
    follow = rule == RECEIVED and isinstance(changed.node, ast.Return)
    return Mutant(made, changed.lines, tuple(s.lines for s in _unique(right)), follow)


def _unique(found: list[Statement]) -> list[Statement]:
    return [s for i, s in enumerate(found) if s.lines not in [f.lines for f in found[:i]]]
