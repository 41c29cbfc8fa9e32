"""Operators that use the order of nodes or edges, or other samples."""

from __future__ import annotations

import ast

from benchmarks.mutants.operators.calls import text
from benchmarks.mutants.values import Change, Context

_NAMED = (ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.Subscript)


def listed(pattern: str) -> Change:
    """Returns the change that puts `pattern` around an expression that lists nodes or edges.

    `X` is the expression, LIST the axis, PLACES the numbers from 0 along the list.
    """

    def change(node: ast.AST, context: Context) -> str | None:
        axis = context.list_axis(node)
        if axis is None or not isinstance(node, _NAMED) or "torch" not in context.names:
            return None
        value = context.of(node)
        more = ", ".join(["-1", *["1"] * (len(value.shape) - axis - 1)])  # type: ignore[union-attr]
        # The number of nodes changes with the samples, so the list is counted when the statement runs.
        places = f"torch.arange({text(node)}.shape[{axis}]).view({more})"
        if "PLACES" in pattern and not isinstance(node, ast.Name | ast.Attribute):
            return None
        made = pattern.replace("LIST", str(axis)).replace("PLACES", "\0")
        return f"({made.replace('X', text(node)).replace(chr(0), places)})"

    return change


def _mean(node: ast.AST, context: Context) -> str | None:
    """Subtracts the mean over the first axis, which lists samples or the nodes of all samples."""
    value = context.of(node)
    if value is None or not value.floating or len(value.shape) < 2 or value.shape[0] < 2:
        return None
    return (
        f"({text(node)} - {text(node)}.mean(0, keepdim=True))" if isinstance(node, ast.Name | ast.Attribute) else None
    )


ORDER: dict[str, Change] = {
    "sorted": listed("X.sort(LIST)[0]"),
    "capped": listed("X * (PLACES < 4)"),
    "node-numbers": listed("X + 0.1 * PLACES"),
    "running-sum": listed("X.cumsum(LIST)"),
    "next-in-order": listed("X.roll(1, LIST)"),
    "mean-over-everything": _mean,
}
