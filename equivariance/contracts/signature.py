"""Binds the arguments of a call by parameter name.

Called by contracts and by the hooks of the engine, once for each layer call. The module knows no representations.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from equivariance._words import counted
from equivariance.contracts.nested import with_arrays_as_tensors
from equivariance.errors import ArgumentError


def bind(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a call by parameter name, without defaults.

    `*args` are one tuple under their name. A callable without a Python signature has the names "0", "1", ...

    Args:
        function: The callable.
        args: Positional arguments.
        kwargs: Arguments by name.

    Raises:
        TypeError: If the callable does not take the arguments.
    """
    return signature_of(function).bind(args, kwargs)


def positional_of(args: object) -> tuple[Any, ...]:
    """Returns positional arguments as a tuple: a tuple or list itself, or a single argument."""
    return tuple(args) if isinstance(args, (tuple, list)) else (args,)


def bound(function: Callable[..., Any], args: object, kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Binds the public arguments `args` and `kwargs` by parameter name. NumPy arrays become tensors.

    Args:
        function: The callable.
        args: A tuple or list of positional arguments, or a single one.
        kwargs: Arguments by name.

    Raises:
        ArgumentError: If the callable does not take the arguments.
    """
    positional = positional_of(args)
    try:
        return dict(with_arrays_as_tensors(bind(function, positional, kwargs or {})))
    except TypeError as error:
        hint = "; a mapping is one argument, arguments by name are kwargs={...}" if isinstance(args, Mapping) else ""
        expected, count = f"what the callable takes: {error}{hint}", counted(len(positional), "argument")
        raise ArgumentError("args", count, expected) from error


def parameters_of(function: Callable[..., Any], default: Collection[str]) -> tuple[str, ...]:
    """Returns the names that `bind` may give; `default` for a callable without a Python signature."""
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return tuple(default)


def unbind(function: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Returns positional and keyword arguments; the inverse of `bind`."""
    return signature_of(function).unbind(arguments)


class Signature:
    """Parameter names of a callable, cached because layers are called many times.

    Attributes:
        whole: The signature of `inspect`. None for a callable without a Python signature.
        plain: All names, if every argument can be given by position and by name; otherwise empty.
        required: Number of parameters without a default.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        """Reads the signature of `function`."""
        self.whole: inspect.Signature | None = None
        self.plain: tuple[str, ...] = ()
        self.required: int = 0
        try:
            self.whole = inspect.signature(function)
        except (TypeError, ValueError):
            return
        parameters = self.whole.parameters.values()
        if all(p.kind == p.POSITIONAL_OR_KEYWORD for p in parameters):
            self.plain = tuple(p.name for p in parameters)
        self.required = sum(p.default is p.empty for p in parameters)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the arguments of a call by parameter name, without defaults."""
        if self.whole is None:
            return {**{str(i): a for i, a in enumerate(args)}, **kwargs}
        if self.plain and not kwargs and self.required <= len(args) <= len(self.plain):
            return dict(zip(self.plain, args, strict=False))
        return dict(self.whole.bind(*args, **kwargs).arguments)

    def unbind(self, arguments: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Returns positional and keyword arguments; the inverse of `bind`."""
        if self.whole is None:
            by_name = {k: v for k, v in arguments.items() if not k.isdigit()}
            return tuple(v for k, v in arguments.items() if k.isdigit()), by_name
        if self.plain[: len(arguments)] == tuple(arguments):
            return tuple(arguments.values()), {}
        given = inspect.BoundArguments(self.whole, OrderedDict(arguments))
        return given.args, given.kwargs


_signatures: WeakKeyDictionary[Callable[..., Any], Signature] = WeakKeyDictionary()


def signature_of(function: Callable[..., Any]) -> Signature:
    """Returns the signature of a callable; it is read once for each method of a class."""
    if not inspect.ismethod(function) or not inspect.isfunction(function.__func__):
        return Signature(function)
    found = _signatures.get(function.__func__)
    if found is None:
        found = _signatures[function.__func__] = Signature(function)
    return found
