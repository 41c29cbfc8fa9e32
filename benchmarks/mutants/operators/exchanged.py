"""Operators that exchange two things, or take one for another: arguments, halves, ends of edges, positions."""

from __future__ import annotations

import ast

from benchmarks.mutants.operators.calls import called, same_shape, swapped_in, text
from benchmarks.mutants.values import Change, Context

_JOINS = ("cat", "concat", "concatenate", "stack", "hstack")
_PARTS = ("chunk", "split", "unbind", "split_with_sizes", "tensor_split")
_SYMMETRIC = (*_JOINS, "einsum", "zip", "range", "print", "rearrange", "cross", "atan2", "where", "maximum", "minimum")


def _difference(node: ast.AST, context: Context) -> ast.BinOp | None:
    """Returns a difference of two tensors with components."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return None
    both = all(context.components_axis(side) is not None for side in (node.left, node.right))
    return node if both else None


def _absolute(node: ast.AST, context: Context) -> str | None:
    found = _difference(node, context)
    if found is None:
        return None
    same = same_shape(context, found.left, found)
    return f"({ast.unparse(found.left)})" if same else f"({ast.unparse(found.left)} + 0 * {text(found.right)})"


def _sum_for_difference(node: ast.AST, context: Context) -> str | None:
    found = _difference(node, context)
    return None if found is None else f"({text(found.left)} + {text(found.right)})"


def _not_kept(node: ast.AST, context: Context) -> str | None:
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
        return None
    fits = same_shape(context, node.left, node.right) and context.components_axis(node) is not None
    return f"({ast.unparse(node.left)})" if fits else None


def _exchanged(node: ast.Call, first: ast.expr, second: ast.expr) -> str:
    arguments = [second if a is first else first if a is second else a for a in node.args]
    return ast.unparse(ast.Call(node.func, arguments, node.keywords))


def _arguments(node: ast.AST, context: Context) -> str | None:
    if not isinstance(node, ast.Call) or called(node) in _SYMMETRIC:
        return None
    pairs = zip(node.args, node.args[1:], strict=False)
    pair = next((p for p in pairs if same_shape(context, *p) and ast.unparse(p[0]) != ast.unparse(p[1])), None)
    return None if pair is None else _exchanged(node, *pair)


def _cross(node: ast.AST, context: Context) -> str | None:
    return _two(node, context, "cross")


def _atan2(node: ast.AST, context: Context) -> str | None:
    return _two(node, context, "atan2")


def _two(node: ast.AST, context: Context, name: str) -> str | None:
    """Exchanges the operands of a function of two, or of a method of one."""
    if not isinstance(node, ast.Call) or called(node) != name or context.of(node) is None:
        return None
    if len(node.args) >= 2:
        return _exchanged(node, *node.args[:2])
    if len(node.args) == 1 and isinstance(node.func, ast.Attribute):
        keywords = "".join(f", {ast.unparse(k)}" for k in node.keywords)
        return f"{text(node.args[0])}.{name}({ast.unparse(node.func.value)}{keywords})"
    return None


def _halves(node: ast.AST, context: Context) -> str | None:
    """Exchanges two values of one shape in a `cat` or `stack`, or the two names that the parts of a tensor get."""
    if isinstance(node, ast.Call) and called(node) in _JOINS and node.args:
        listed = node.args[0]
        if isinstance(listed, ast.Tuple | ast.List) and len(listed.elts) == 2:
            first, second = listed.elts
            fits = same_shape(context, first, second) and ast.unparse(first) != ast.unparse(second)
            turned = type(listed)([second, first], ast.Load())
            return swapped_in(node, listed, turned) if fits else None
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store) and isinstance(context.parent, ast.Assign):
        parts = any(called(n) in _PARTS for n in ast.walk(context.parent.value))
        if parts and len(node.elts) >= 2 and all(isinstance(e, ast.Name) for e in node.elts):
            first, second, *others = node.elts
            return ", ".join(ast.unparse(e) for e in (second, first, *others))
    return None


def _ends(node: ast.AST, context: Context) -> str | None:
    """Takes the other row of a list of edges, or the transpose of a square list of numbers."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        value = context.of(node.value)
        number = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if value is not None and _numbers(value) and value.shape[:1] == (2,) and number in (0, 1):
            return swapped_in(node, node.slice, ast.Constant(1 - number))
    value = context.of(node)
    if value is None or not _numbers(value) or not isinstance(node, ast.Name | ast.Call):
        return None
    square = len(value.shape) >= 2 and value.shape[-1] == value.shape[-2] > 1
    pairs = isinstance(node, ast.Name) and len(value.shape) == 2 and value.shape[0] == 2 and value.shape[1] > 2
    return f"{text(node)}.transpose(-1, -2)" if square else f"{text(node)}.flip(0)" if pairs else None


def _numbers(value: object) -> bool:
    return not (value.floating or value.masking)  # type: ignore[attr-defined]


EXCHANGED: dict[str, Change] = {
    "absolute-for-relative": _absolute,
    "sum-for-difference": _sum_for_difference,
    "coordinates-not-kept": _not_kept,
    "arguments-exchanged": _arguments,
    "halves-exchanged": _halves,
    "index-axes-exchanged": _ends,
    "atan2-arguments": _atan2,
    "cross-product-sign": _cross,
}
