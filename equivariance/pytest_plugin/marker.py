"""Reads the arguments of the marker `equivariant` and the return value of a marked test.

`plugin` calls it and diagnoses the network. A wrong test fails here with one line and no traceback.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import pytest

MARKER = "equivariant"
DESCRIPTION = (
    f"{MARKER}(group, irreps_in, irreps_out, args, ...): the test returns (module, args), or a module where args are "
    "given here; it passes if equivariance.diagnose, which takes the other arguments, has no finding"
)


def options_of(item: pytest.Item) -> dict[str, Any] | None:
    """Returns the arguments of all markers of a test; the test overrides its class, and the class its module.

    Returns:
        Argument name -> value; None if the test is not marked.
    """
    marks = list(item.iter_markers(MARKER))
    if not marks:
        return None
    for mark in marks:
        if mark.args:
            refuse(f"the marker got {_describe_type(mark.args[0])}: expected keywords, for example group='se3'")
    if is_given(item):
        refuse("a test under @given returns nothing: expected a call of the fixture eq_check in it")
    if inspect.iscoroutinefunction(getattr(item, "obj", None)):
        refuse("the test is an async function: expected a plain one")
    return {name: value for mark in reversed(marks) for name, value in mark.kwargs.items()}


def is_given(item: pytest.Item) -> bool:
    """True if Hypothesis calls the test, once per example."""
    return getattr(getattr(item, "obj", None), "is_hypothesis_test", False)


def network_of(returned: object, options: Mapping[str, Any]) -> tuple[Callable[..., Any], object]:
    """Returns the module and its arguments that a marked test asks to examine.

    Args:
        returned: The return value of the test: (module, args), or a module if the marker gives args.
        options: The arguments of the marker.
    """
    if "args" in options:
        if not _is_network(returned):
            refuse(f"the test returned {_describe_type(returned)}: expected a module, as the marker gives args")
        return returned, options["args"]  # type: ignore[return-value]
    if not (isinstance(returned, tuple) and len(returned) == 2 and _is_network(returned[0])):
        expected = "expected (module, args), or a module where the marker gives args"
        refuse(f"the test returned {_describe_type(returned)}: {expected}")
    return returned


def check_options(function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Fails the test if `function(module, args, **options)` does not take exactly these options."""
    signature = inspect.signature(function)
    try:
        signature.bind(None, None, **options)
    except TypeError as error:
        known = ", ".join([*list(signature.parameters)[2:], "args"])
        refuse(f"the marker's arguments: {error}; expected keywords of equivariance.{function.__name__}: {known}")


def refuse(words: str) -> NoReturn:
    """Fails the test in one line without a traceback, because the test is wrong and not the network."""
    fail_with(f"{MARKER}: {words}")


def fail_with(text: str) -> NoReturn:
    """Fails the test with a text and no traceback.

    This function does not set `__tracebackhide__`: pytest prints a remark if every frame is hidden.
    """
    raise pytest.fail.Exception(text, pytrace=False) from None


def _is_network(value: object) -> bool:
    return callable(value) and not isinstance(value, type)


def _describe_type(value: object) -> str:
    """Describes the type of a value in a few words."""
    if isinstance(value, type):
        return f"the class {value.__name__}, not an instance"
    if isinstance(value, tuple):
        return f"({', '.join(_describe_type(v) for v in value)})"
    return "None" if value is None else type(value).__name__
