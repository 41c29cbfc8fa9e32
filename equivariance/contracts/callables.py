"""Code that torch.compile was asked to compile: it is examined as it is written.

Compiled code calls no hooks and hides its statements, and compiling the harness's own hooks would cost minutes.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from equivariance._torch_private import compiled_original, is_compiler_loaded
from equivariance.errors import ArgumentError

NOTICE = "compiled parts are run as they are written, without torch.compile: what the compiler makes is not tested"


@contextmanager
def uncompiled() -> Iterator[None]:
    """Run what was compiled as it is written."""
    with torch.compiler.set_stance("force_eager") if is_compiler_loaded() else nullcontext():
        yield


def as_written(module: torch.nn.Module) -> torch.nn.Module:
    """The module behind `torch.compile(module)` or `DataParallel(module)`: its layers have their author's names."""
    original = compiled_original(module)
    if original is not None:
        return as_written(original)
    if isinstance(module, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
        return as_written(module.module)
    return module


class FunctionModule(torch.nn.Module):
    """A plain callable with a module's interface, so that functions and modules take the same road."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Keep the callable; its signature becomes that of `forward`."""
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
    """`function` itself if it is a module that takes hooks, else wrapped as one.

    Raises:
        ArgumentError: It cannot be called
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
