"""Operators that treat the components of irreps one by one."""

from __future__ import annotations

import ast

from benchmarks.mutants.operators.calls import axis_of, called, rest, subject, text
from benchmarks.mutants.values import Change, Context

_NAMED = (ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.Subscript)
_REDUCTIONS = ("sum", "mean", "norm", "vector_norm")


def wrapped(pattern: str, needs: str = "") -> Change:
    """Returns the change that puts `pattern` around an expression with components; `X` stands for the expression."""

    def change(node: ast.AST, context: Context) -> str | None:
        axis = context.components_axis(node)
        if axis is None or not isinstance(node, _NAMED) or (needs and needs not in context.names):
            return None
        shape = context.of(node).shape  # type: ignore[union-attr]
        more = ", ".join(["1"] * (-axis - 1))
        made = pattern.replace("AXIS", str(axis)).replace("COUNT", str(shape[axis] + 1)).replace("LAST", str(shape[-1]))
        made = made.replace("VIEW", f".view(-1, {more})" if more else "")
        return f"({made.replace('X', text(node))})"

    return change


def _dropout(node: ast.AST, context: Context) -> str | None:
    function = context.function
    if function is None or not function.args.args or function.args.args[0].arg != "self":
        return None
    return wrapped("torch.nn.functional.dropout(X, 0.25, self.training)", "torch")(node, context)


def _reduces_components(node: ast.AST, context: Context) -> tuple[ast.Call, int, ast.expr] | None:
    """Returns a sum, mean or norm over components, its axis, and the tensor."""
    tensor = subject(node)
    if tensor is None or called(node) not in _REDUCTIONS or context.of(tensor) is None:
        return None
    # torch.norm and Tensor.norm take the order of the norm before the axis.
    found = axis_of(node, int(called(node) in ("norm", "vector_norm")))  # type: ignore[arg-type]
    shape = context.of(tensor).shape  # type: ignore[union-attr]
    if found is None or not -len(shape) <= found[1] < len(shape) or shape[found[1]] not in context.components:
        return None
    return node, found[1], tensor  # type: ignore[return-value]


def _fixed_axis(node: ast.AST, context: Context) -> str | None:
    found = _reduces_components(node, context)
    if found is None:
        return None
    call, axis, tensor = found
    keeps = any(k.arg == "keepdim" and ast.unparse(k.value) == "True" for k in call.keywords)
    last = context.of(tensor).shape[axis] - 1  # type: ignore[union-attr]
    return f"{text(tensor)}.narrow({axis}, {last}, 1)" if keeps else f"{text(tensor)}.select({axis}, {last})"


def _l1(node: ast.AST, context: Context) -> str | None:
    found = _reduces_components(node, context)
    if found is None:
        return None
    call, _, tensor = found
    squared = _squared(tensor)
    if called(call) == "sum" and squared is not None:
        others = [ast.unparse(a) for a in rest(call)] + [ast.unparse(k) for k in call.keywords]
        return f"{text(squared)}.abs().sum({', '.join(others)})"
    if called(call) in ("norm", "vector_norm") and not rest(call):
        others = [ast.unparse(k) for k in call.keywords if k.arg not in ("p", "ord")]
        return f"{text(tensor)}.abs().sum({', '.join(others)})"
    return None


def _squared(node: ast.expr) -> ast.expr | None:
    """Returns x of `x ** 2`, `x.pow(2)`, `x.square()`, `torch.square(x)` and `x * x`."""
    if isinstance(node, ast.BinOp):
        power = isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant) and node.right.value == 2
        same = isinstance(node.op, ast.Mult) and ast.unparse(node.left) == ast.unparse(node.right)
        return node.left if power or same else None
    powers = called(node) == "pow" and [ast.unparse(a) for a in rest(node)] == ["2"]  # type: ignore[arg-type]
    return subject(node) if powers or called(node) == "square" else None


def _maximum(node: ast.AST, context: Context) -> str | None:
    tensor = subject(node)
    if tensor is None or called(node) not in ("sum", "mean") or context.of(tensor) is None:
        return None
    given = [ast.unparse(a) for a in rest(node)] + [ast.unparse(k) for k in node.keywords]  # type: ignore
    return f"{text(tensor)}.amax({', '.join(given)})" if axis_of(node) is not None else None  # type: ignore[arg-type]


def _bias_after_scaling(node: ast.AST, context: Context) -> str | None:
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult | ast.Div):
        return None
    return None if context.components_axis(node) is None else f"({ast.unparse(node)} + 0.1)"


def _bias_in_linear(node: ast.AST, context: Context) -> str | None:
    """Changes `bias=False` in a call."""
    if not isinstance(node, ast.keyword) or node.arg != "bias" or ast.unparse(node.value) != "False":
        return None
    return "bias=True"


COMPONENTS: dict[str, Change] = {
    "constant-on-components": wrapped("X + 0.1"),
    "constant-on-some-channels": wrapped("X + 0.1 * (torch.arange(LAST) % 2)", "torch"),
    "nonlinearity-on-components": wrapped("X.relu()"),
    "absolute-value-on-components": wrapped("X.abs()"),
    "components-normalized": wrapped("torch.nn.functional.layer_norm(X, (LAST,))", "torch"),
    "components-in-another-order": wrapped("X.roll(1, AXIS)"),
    "components-clamped": wrapped("X.clamp(-0.5, 0.5)"),
    "components-rounded": wrapped("X.round(decimals=1)"),
    "component-dropout": _dropout,
    "axis-stretched": wrapped("X * torch.arange(1, COUNT)VIEW", "torch"),
    "fixed-axis": _fixed_axis,
    "l1-for-l2": _l1,
    "maximum-for-sum": _maximum,
    "bias-after-scaling": _bias_after_scaling,
    "bias-in-linear-of-vectors": _bias_in_linear,
}
