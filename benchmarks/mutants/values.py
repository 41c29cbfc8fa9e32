"""Records the shapes of the values of expressions: a copy of the source in which a probe stands around each of them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.mutants.syntax import Span, span

PROBE = "__value_of_expression__"
_QUIET = ("super", "locals", "globals")
_READ_AS_TEXT = ("propagate", "edge_updater")
"""Calls whose text torch_geometric reads to make code of it."""
_VALUES = (ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.UnaryOp, ast.Subscript)


@dataclass(frozen=True)
class Value:
    """A tensor that an expression had.

    Attributes:
        shape: The shape.
        floating: True for floating point, False for whole numbers; masks are neither.
        masking: True for truth values.
    """

    shape: tuple[int, ...]
    floating: bool = True
    masking: bool = False


@dataclass(frozen=True)
class Context:
    """Answers what operators ask about the nodes of a module.

    Attributes:
        values: The place of an expression to the value that it had.
        components: The lengths of axes that hold components.
        lengths: The lengths of axes that list nodes or edges.
        names: The names that the module imports.
        function: The innermost function that holds the node, or None.
        parent: The node that holds it, or None.
    """

    values: dict[Span, Value]
    components: frozenset[int] = frozenset({3})
    lengths: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset({"torch"})
    function: ast.FunctionDef | None = None
    parent: ast.AST | None = None

    def of(self, node: ast.AST | None) -> Value | None:
        """Returns the value of an expression, or None where none was recorded."""
        return self.values.get(span(node)) if isinstance(node, ast.expr) else None

    def components_axis(self, node: ast.AST | None) -> int | None:
        """Returns the last axis that holds components, counted from the end, or None."""
        value = self.of(node)
        if value is None or not value.floating or len(value.shape) < 2:
            return None
        return next((-i for i in range(1, len(value.shape) + 1) if value.shape[-i] in self.components), None)

    def list_axis(self, node: ast.AST | None) -> int | None:
        """Returns the first axis that lists nodes or edges, or None."""
        value = self.of(node)
        if value is None or not value.floating:
            return None
        return next((i for i, length in enumerate(value.shape) if length in self.lengths), None)


def _read(node: ast.AST, inside: bool = False) -> Iterator[ast.expr]:
    """Yields the expressions of functions that are read and may be tensors."""
    if isinstance(node, ast.FunctionDef):
        compiled = any("script" in ast.unparse(decorator) for decorator in node.decorator_list)
        for statement in node.body:
            yield from _read(statement, not compiled)
        return
    if isinstance(node, ast.JoinedStr | ast.match_case):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _READ_AS_TEXT:
        return
    quiet = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _QUIET
    if inside and isinstance(node, _VALUES) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and not quiet:
        yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.AnnAssign) and child is node.annotation:
            continue
        if isinstance(node, ast.Call) and child is node.func:
            # The function is no tensor; the value before its last dot may be one.
            yield from _read(child.value, inside) if isinstance(child, ast.Attribute) else ()
        else:
            yield from _read(child, inside)


def probed(source: str, lines: set[int], file: str) -> str:
    """Returns source that records the values of the expressions that begin on `lines`, under the name `file`.

    All other text stays, since some libraries read their own comments.
    """
    made = source.encode().splitlines(keepends=True)
    opened: list[tuple[int, int, int, str]] = []
    for node in _read(ast.parse(source)):
        first, start, last, end = place = span(node)
        if first in lines:
            size = sum(map(len, made[first - 1 : last])) - start - (len(made[last - 1]) - end)
            opened += [(first, start, size, f"{PROBE}({file!r}, {place}, "), (last, end, 0, ")")]
    # From the end to the start. At one place: what closes stands before what opens, and the longest opens first.
    for line, column, _, text in sorted(opened, key=lambda o: (o[0], o[1], o[2] > 0, -o[2]), reverse=True):
        made[line - 1] = made[line - 1][:column] + text.encode() + made[line - 1][column:]
    return b"".join(made).decode()


@contextmanager
def recording() -> Iterator[dict[str, dict[Span, Value]]]:
    """Fills a dictionary, file to place to value, while probed code runs; the first value of each place is kept."""
    import torch

    found: dict[str, dict[Span, Value]] = {}

    def probe(file: str, place: Span, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            masks = value.dtype == torch.bool
            made = Value(tuple(value.shape), value.is_floating_point(), masks)
            found.setdefault(file, {}).setdefault(place, made)
        return value

    setattr(builtins, PROBE, probe)
    try:
        yield found
    finally:
        delattr(builtins, PROBE)


Change = Callable[[ast.AST, Context], str | None]
"""Returns the text that replaces a node, or None where the operator does not apply."""
