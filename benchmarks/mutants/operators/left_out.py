"""Operators that leave something out: an offset, a batch vector, a mask, a copy, a dtype, the last bits."""

from __future__ import annotations

import ast
import re

from benchmarks.mutants.operators.calls import called, is_method, subject, text
from benchmarks.mutants.values import Change, Context

_MADE = ("zeros", "ones", "empty", "full", "arange", "linspace", "tensor", "eye", "as_tensor", "rand", "randn")
_BATCH = re.compile(r"batch(_idx|_index|_ptr)?$|^(idx_m|segment|graph_index|batch_i|batch_seg)$")


def _offset(node: ast.AST, context: Context) -> str | None:
    """Leaves out the second term of a sum of whole numbers."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
        return None
    values = context.of(node.left), context.of(node.right)
    if any(v is None or v.floating or v.masking for v in values):
        return None
    long, short = values
    return f"({ast.unparse(node.left)})" if len(long.shape) >= len(short.shape) else None  # type: ignore[union-attr]


def _batch(node: ast.AST, context: Context) -> str | None:
    """Puts all nodes into sample 0."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    value = context.of(node)
    if value is None or value.floating or value.masking or len(value.shape) != 1 or value.shape[0] < 2:
        return None
    return f"(0 * {text(node)})" if _BATCH.search(name) else None


def _mask(node: ast.AST, context: Context) -> str | None:
    """Leaves out `masked_fill`, `where`, and a factor that is a mask."""
    if called(node) in ("masked_fill", "masked_fill_") and is_method(node):  # type: ignore[arg-type]
        return text(node.func.value)  # type: ignore[attr-defined]
    if called(node) == "where" and len(getattr(node, "args", ())) == 3 and context.of(node) is not None:
        chosen = node.args[1:]  # type: ignore[attr-defined]
        kept = [a for a in chosen if context.of(a) is not None and context.of(a) == context.of(node)]
        return text(kept[0]) if kept else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for mask, other in ((node.left, node.right), (node.right, node.left)):
            value = context.of(mask)
            named = "mask" in ast.unparse(mask) or "cutoff" in ast.unparse(mask)
            if value is not None and (value.masking or named) and context.of(other) is not None:
                return f"({ast.unparse(other)})"
    return None


def _clone(node: ast.AST, context: Context) -> str | None:
    tensor = subject(node)
    return text(tensor) if called(node) == "clone" and tensor is not None and context.of(tensor) is not None else None


def _dtype(node: ast.AST, context: Context) -> str | None:
    """Leaves out `dtype=` where a tensor of floating point is made."""
    value = context.of(node)
    if not isinstance(node, ast.Call) or called(node) not in _MADE or value is None or not value.floating:
        return None
    others = [k for k in node.keywords if k.arg != "dtype"]
    return ast.unparse(ast.Call(node.func, node.args, others)) if len(others) < len(node.keywords) else None


def _rounded(node: ast.AST, context: Context) -> str | None:
    value = context.of(node)
    if value is None or not value.floating or not isinstance(node, ast.Name | ast.Attribute):
        return None
    return f"{text(node)}.float().to({text(node)}.dtype)"


LEFT_OUT: dict[str, Change] = {
    "index-offset-dropped": _offset,
    "batch-vector-left-out": _batch,
    "mask-left-out": _mask,
    "clone-dropped": _clone,
    "dtype-dropped": _dtype,
    "float32-constant": _rounded,
}
