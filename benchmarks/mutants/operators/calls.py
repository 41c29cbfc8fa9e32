"""Reads calls: of methods, and of functions of torch, which take the tensor first."""

from __future__ import annotations

import ast

from benchmarks.mutants.values import Context

MODULES = {"torch", "F", "functional", "linalg", "nn", "math", "np", "numpy"}
"""Names before a dot that are modules and no tensors."""


def text(node: ast.AST) -> str:
    """Returns the source of an expression, in parentheses where it is no single word."""
    made = ast.unparse(node)
    return made if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.Constant) else f"({made})"


def called(node: ast.AST) -> str:
    """Returns the last name of what is called, or ""."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_method(node: ast.Call) -> bool:
    """Returns True for `x.f()`, False for `f(x)` and `torch.f(x)`."""
    if not isinstance(node.func, ast.Attribute):
        return False
    root = node.func.value
    while isinstance(root, ast.Attribute):
        root = root.value
    return not (isinstance(root, ast.Name) and root.id in MODULES)


def subject(node: ast.AST) -> ast.expr | None:
    """Returns the tensor that a call acts on: the value before the dot, or the first argument."""
    if not isinstance(node, ast.Call):
        return None
    if is_method(node):
        return node.func.value  # type: ignore[attr-defined]
    return node.args[0] if node.args and not isinstance(node.args[0], ast.Starred) else None


def rest(node: ast.Call) -> list[ast.expr]:
    """Returns the positional arguments after the tensor."""
    return node.args if is_method(node) else node.args[1:]


def whole_number(node: ast.AST | None) -> int | None:
    """Returns the whole number that a literal states, else None."""
    try:
        value = ast.literal_eval(node) if node is not None else None
    except (ValueError, TypeError):
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def axis_of(node: ast.Call, place: int = 0) -> tuple[ast.expr, int] | None:
    """Returns the argument that states the axis of a call, as a literal, and its value."""
    given = next((k.value for k in node.keywords if k.arg in ("dim", "axis")), None)
    positional = rest(node)
    given = given if given is not None else positional[place] if len(positional) > place else None
    number = whole_number(given)
    return None if given is None or number is None else (given, number)


def with_axis(node: ast.Call, given: ast.expr, number: int) -> str:
    """Returns the source of the call with another axis."""
    return swapped_in(
        node, given, ast.Constant(number) if number >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-number))
    )


def swapped_in(node: ast.AST, old: ast.AST, new: ast.AST) -> str:
    """Returns the source of `node` with the child `old` replaced by `new`."""

    def copied(value: object) -> object:
        if value is old:
            return new
        if isinstance(value, list):
            return [copied(item) for item in value]
        if not isinstance(value, ast.AST):
            return value
        fields = {name: copied(child) for name, child in ast.iter_fields(value)}
        return ast.copy_location(type(value)(**fields), value)

    return ast.unparse(ast.fix_missing_locations(copied(node)))  # type: ignore[type-var]


def same_shape(context: Context, *nodes: ast.AST) -> bool:
    """Returns True if all nodes are tensors of one shape and kind, of more than one entry."""
    values = [context.of(node) for node in nodes]
    return None not in values and len(set(values)) == 1 and max([*values[0].shape, 1]) > 1  # type: ignore[union-attr]
