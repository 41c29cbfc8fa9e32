"""Where the code of a layer stands."""

from __future__ import annotations

import functools
import inspect
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from equivariance.contracts.callables import as_written
from equivariance.errors import ArgumentError
from equivariance.findings import Location


def location_of(module: torch.nn.Module, layer: str) -> Location | None:
    """The ``forward`` of a submodule: file, line of its ``def`` and that line; None without Python source."""
    target = module.get_submodule(layer)
    if isinstance(target, ScriptedModule):
        return None
    function = getattr(target, "function", None) if isinstance(target, FunctionModule) else type(target).forward
    return source_of(function)


def source_of(function: Any) -> Location | None:
    """The first line of a function's definition, decorators skipped; None for code that no file holds."""
    function = _written(function)
    try:
        lines, start = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function)
    except (TypeError, OSError):
        return None
    if file is None or file.startswith("<"):
        return None
    offset = next((i for i, line in enumerate(lines) if line.lstrip().startswith(("def ", "async def "))), 0)
    return Location(_relative(file), start + offset, lines[offset].strip())


def location_at(file: str, line: int) -> Location:
    """A line of a file."""
    return Location(_relative(file), line, linecache.getline(file, line).strip())


def _written(function: Any) -> Any:
    """The function behind decorators, partial applications and objects that can be called."""
    while isinstance(function, functools.partial):
        function = function.func
    if callable(function) and not inspect.isroutine(function) and not isinstance(function, type):
        function = type(function).__call__
    return inspect.unwrap(function) if callable(function) else function


def _relative(file: str) -> str:
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


class FunctionModule(torch.nn.Module):
    """A plain callable with a module's interface, so that functions and modules take the same road."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Keep the callable; its signature becomes that of ``forward``."""
        super().__init__()
        self.function = function
        self.forward = function


class ScriptedModule(torch.nn.Module):
    """A TorchScript module within one that Python's hooks can be put on."""

    def __init__(self, scripted: torch.jit.ScriptModule) -> None:
        """Hold it as a submodule, so that its parameters are found."""
        super().__init__()
        self.scripted = scripted

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the TorchScript module does."""
        return self.scripted(*args, **kwargs)


def as_module(function: Callable[..., Any]) -> torch.nn.Module:
    """``function`` itself if it is a module that takes hooks, else wrapped as one.

    Raises
    ------
    ArgumentError : it cannot be called
    """
    if not callable(function):
        raise ArgumentError("func", function, "a callable")
    if isinstance(function, type) and issubclass(function, torch.nn.Module):
        raise ArgumentError("func", function, f"an instance, as in {function.__name__}(...), not the class")
    if isinstance(function, torch.jit.ScriptModule):
        return ScriptedModule(function)
    return as_written(function) if isinstance(function, torch.nn.Module) else FunctionModule(function)


def name_of(function: Any) -> str:
    """What to call it in a report."""
    if isinstance(function, FunctionModule):
        function = function.function
    if isinstance(function, ScriptedModule):
        return str(getattr(function.scripted, "original_name", type(function.scripted).__name__))
    while isinstance(function, functools.partial):
        function = function.func
    name = "__name__" if inspect.isbuiltin(function) else "__qualname__"  # the class of a built-in is torch's affair
    return getattr(function, name, type(function).__name__)
