"""Makes modules of the callables that users pass: functions, TorchScript, compiled and parallel modules.

Compiled code is run without `torch.compile`. It calls no hooks and hides its statements, and compiling the hooks of the
harness would take minutes.

Called by the entry points and the engine. The module binds no arguments; `contracts.signature` does.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from equivariance._torch_private import compiled_original, is_compiler_loaded, is_distributed
from equivariance.errors import ArgumentError

NOTICE = "compiled parts are run as they are written, without torch.compile: what the compiler makes is not tested"


@contextmanager
def run_eagerly() -> Iterator[None]:
    """Runs compiled code in eager mode."""
    with torch.compiler.set_stance("force_eager") if is_compiler_loaded() else nullcontext():
        yield


def without_wrapper(module: torch.nn.Module) -> torch.nn.Module:
    """Returns the module behind `torch.compile(module)` or `DataParallel(module)`, with the author's layer names."""
    original = compiled_original(module)
    if original is not None:
        return without_wrapper(original)
    if isinstance(module, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
        return without_wrapper(module.module)
    return module


class FunctionModule(torch.nn.Module):
    """A module that wraps a plain callable, so that functions and modules are handled alike."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Sets `forward` to the callable, so that the module has its signature."""
        super().__init__()
        self.function = function
        self.forward = function


class ScriptedModule(torch.nn.Module):
    """A module that wraps a TorchScript module, so that Python hooks can be registered."""

    def __init__(self, scripted: torch.jit.ScriptModule) -> None:
        """Registers the TorchScript module as a submodule, so that its parameters are found."""
        super().__init__()
        self.scripted = scripted

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the TorchScript module."""
        return self.scripted(*args, **kwargs)


def as_module(function: Callable[..., Any]) -> torch.nn.Module:
    """Returns a module that takes hooks: `function` itself, or a wrapper.

    Args:
        function: A module or another callable.

    Raises:
        ArgumentError: If `function` cannot be called, or is a class of modules instead of an instance.
    """
    if not callable(function):
        raise ArgumentError("func", function, "a callable")
    if isinstance(function, type) and issubclass(function, torch.nn.Module):
        raise ArgumentError("func", function, f"an instance, as in {function.__name__}(...), not the class")
    if isinstance(function, torch.jit.ScriptModule):
        return ScriptedModule(function)
    return without_wrapper(function) if isinstance(function, torch.nn.Module) else FunctionModule(function)


def require_values(module: torch.nn.Module) -> None:
    """Checks that this process has the values of all parameters and buffers.

    Raises:
        ArgumentError: If a parameter waits for its first run (lazy modules), is on the device "meta", or is spread over
            processes (DTensor, FSDP). The message names it and says what to do.
    """
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if is_lazy(tensor):
            expected = f"a module whose parameters have values; {name} waits for the first run: run the module once"
        elif tensor.is_meta:
            expected = (
                f"a module with values; {name} is on the device meta: move the module with to_empty, load weights"
            )
        elif is_distributed(tensor):
            expected = f"a whole module in one process; {name} is spread over processes: gather it, or pass a plain one"
        else:
            continue
        raise ArgumentError("module", type(module).__name__, expected)


def held_modules(function: Callable[..., Any]) -> list[torch.nn.Module]:
    """Returns the modules that a function uses: in its closure, its defaults, its globals, or in objects there.

    They are not copied with the function, so that they run themselves and their state must be restored. A module holds
    what the functions hold that it wraps.
    """
    if isinstance(function, torch.nn.Module):
        wrapped = [m.function for m in function.modules() if isinstance(m, FunctionModule)]
    else:
        wrapped = [function]
    found: dict[int, torch.nn.Module] = {}
    seen: set[int] = set()
    left: list[tuple[Any, int]] = [(each, 0) for each in wrapped]
    while left:
        value, depth = left.pop()
        if id(value) in seen or depth > _DEEPEST or len(seen) > _MOST_SEEN:
            continue
        seen.add(id(value))
        if isinstance(value, torch.nn.Module):
            found |= {id(m): m for m in value.modules()}
        else:
            left += [(entry, depth + 1) for entry in _held_by(value)]
    return list(found.values())


_DEEPEST, _MOST_SEEN = 6, 10_000
"""Steps from a function to a module (function, closure, list, object, list, function), and objects looked at."""

_WITHOUT_MODULES = ("torch", "numpy", "scipy", "e3nn", "builtins")
"""Libraries whose functions hold no module of a user."""


def _held_by(value: Any) -> Iterator[Any]:
    """Yields what a function, a container or a plain object holds."""
    if isinstance(value, functools.partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif inspect.ismethod(value):
        yield from (value.__func__, value.__self__)
    elif inspect.isfunction(value) and str(value.__module__).partition(".")[0] not in _WITHOUT_MODULES:
        for cell in value.__closure__ or ():
            with suppress(ValueError):  # a variable without a value
                yield cell.cell_contents
        yield from (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values())
        yield from (value.__globals__[name] for name in _names_read(value.__code__) if name in value.__globals__)
    elif isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from value
    elif not isinstance(value, (type, ModuleType, torch.Tensor, FunctionType)) and hasattr(value, "__dict__"):
        yield from (*vars(value).values(), type(value).__dict__.get("__call__"))


def _names_read(code: CodeType) -> Iterator[str]:
    """Yields the names that a function and the functions in it read from elsewhere."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_read(constant)


def name_of(function: Any) -> str:
    """Returns the name of a callable for a report."""
    if isinstance(function, FunctionModule):
        function = function.function
    if isinstance(function, ScriptedModule):
        return str(getattr(function.scripted, "original_name", type(function.scripted).__name__))
    while isinstance(function, functools.partial):
        function = function.func
    # The qualified name of a built-in shows an internal class of torch.
    name = "__name__" if inspect.isbuiltin(function) else "__qualname__"
    return getattr(function, name, type(function).__name__)
