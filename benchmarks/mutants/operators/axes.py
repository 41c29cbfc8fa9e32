"""Operators that take one axis for another."""

from __future__ import annotations

import ast

from benchmarks.mutants.operators.calls import (
    axis_of,
    called,
    is_method,
    rest,
    subject,
    swapped_in,
    text,
    whole_number,
    with_axis,  # fmt: skip
)
from benchmarks.mutants.values import Change, Context

_REDUCTIONS = ("sum", "mean", "norm", "max", "min", "amax", "amin", "std", "prod")


def _transpose_left_out(node: ast.AST, context: Context) -> str | None:
    """Returns the operand of a transpose that keeps the shape."""
    operand = None
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT", "H", "mH"):
        operand = node.value
    elif called(node) in ("transpose", "permute", "t", "swapaxes", "swapdims", "rearrange", "movedim", "moveaxis"):
        operand = subject(node)
    before, after = context.of(operand), context.of(node)
    return text(operand) if operand is not None and before is not None and before == after else None


def _transpose_put_in(node: ast.AST, context: Context) -> str | None:
    value = context.of(node)
    if value is None or not value.floating or not isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
        return None
    square = len(value.shape) >= 2 and value.shape[-1] == value.shape[-2] > 1
    return f"{text(node)}.transpose(-1, -2)" if square else None


def _reduction(node: ast.AST, context: Context) -> str | None:
    """Reduces another axis, of the same length or, where the axis is kept, of any."""
    if not isinstance(node, ast.Call) or called(node) not in _REDUCTIONS:
        return None
    value = context.of(subject(node))
    found = axis_of(node) or (axis_of(node, 1) if called(node) == "norm" else None)
    if value is None or found is None or not -len(value.shape) <= found[1] < len(value.shape):
        return None
    axis, length = found[1] % len(value.shape), value.shape[found[1]]
    keeps = any(k.arg == "keepdim" and ast.unparse(k.value) == "True" for k in node.keywords)
    others = [i for i in reversed(range(len(value.shape))) if i != axis]
    fitting = [i for i in others if value.shape[i] > 1 and (keeps or value.shape[i] == length)]
    return with_axis(node, found[0], fitting[0]) if fitting else None


def _softmax(node: ast.AST, context: Context) -> str | None:
    if not isinstance(node, ast.Call) or called(node) not in ("softmax", "log_softmax"):
        return None
    value, found = context.of(subject(node)), axis_of(node)
    if value is None or found is None or not -len(value.shape) <= found[1] < len(value.shape):
        return None
    axis = found[1] % len(value.shape)
    others = [i for i in (axis - 1, axis + 1) if 0 <= i < len(value.shape) and value.shape[i] > 1]
    return with_axis(node, found[0], others[0] - len(value.shape)) if others else None


def _new_axis(node: ast.AST, context: Context) -> str | None:
    """Moves `None` past the axis beside it in a subscript, or changes the axis of `unsqueeze` by one."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and isinstance(node.ctx, ast.Load):
        entries = node.slice.elts
        empty = next((i for i, e in enumerate(entries) if isinstance(e, ast.Constant) and e.value is None), None)
        slices = [i for i, e in enumerate(entries) if isinstance(e, ast.Slice) and not (e.lower or e.upper or e.step)]
        beside = [i for i in slices if empty is not None and abs(i - empty) == 1]
        if empty is None or not beside or context.of(node) is None:
            return None
        moved = list(entries)
        moved[empty], moved[beside[0]] = moved[beside[0]], moved[empty]
        return swapped_in(node, node.slice, ast.Tuple(moved, ast.Load()))
    if isinstance(node, ast.Call) and called(node) == "unsqueeze" and is_method(node) and rest(node):
        value, number = context.of(subject(node)), whole_number(rest(node)[0])
        if value is None or number is None or len(value.shape) < 2:
            return None
        moved_to = number - 1 if number % (len(value.shape) + 1) else number + 1
        return with_axis(node, rest(node)[0], moved_to)
    return None


AXES: dict[str, Change] = {
    "transpose-left-out": _transpose_left_out,
    "transpose-put-in": _transpose_put_in,
    "reduction-axis": _reduction,
    "softmax-axis": _softmax,
    "new-axis-moved": _new_axis,
}
