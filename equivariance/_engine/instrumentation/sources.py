"""Where the code of a layer stands."""

from __future__ import annotations

import functools
import inspect
import linecache
from pathlib import Path
from typing import Any

import torch

from equivariance.contracts.callables import FunctionModule, ScriptedModule
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
