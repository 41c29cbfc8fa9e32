"""Watches the layer calls of one forward pass, and restores everything afterwards.

A *site* is a place where a value passes between layers: the output of a call, or an argument that a caller gives to a
call. Handlers receive each site and may replace the value there, to record, compare and patch activations.

`testbed` sets the hooks; handlers are in `reference`, `contract_fit` and `measurement`. This module compares nothing.
"""

from __future__ import annotations

import random
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch.nn.parameter import is_lazy

from equivariance._torch_private import buffers_of, children_of, layers_of, parameters_of
from equivariance.contracts.callables import held_modules, run_eagerly
from equivariance.contracts.signature import signature_of, unbind
from equivariance.representations.tensor_support import is_strided, write


class LayerCall(NamedTuple):
    """The `number`-th call (from 0) of the module at a dotted path; "" is the root."""

    layer: str
    number: int = 0

    def __str__(self) -> str:
        """Returns the path, with the call's number if it is not the first."""
        name = self.layer or "(root)"
        return name if self.number == 0 else f"{name} (call {self.number + 1})"


ROOT = LayerCall("")
"""The call of the whole network."""


class RunHandler(Protocol):
    """Receives every watched call, and returns the value to use in its place."""

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Receives the bound arguments before the layer runs, and returns the arguments to use."""

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Receives the output after the layer ran, and returns the output to use."""


class HookSet:
    """Hooks on layers of one module that route calls through the current handler.

    Hooks stay for the next run, because setting them costs as much as a small layer. Without a handler they do nothing.

    Attributes:
        names: Dotted paths of the layers.
    """

    def __init__(self, module: torch.nn.Module, names: Sequence[str]) -> None:
        """Sets the hooks."""
        self.names = tuple(names)
        self._handler: RunHandler | None = None
        self._stack: list[LayerCall] = []
        self._counts: defaultdict[str, int] = defaultdict(int)
        modules = dict(module.named_modules())
        self._places = [(modules[n.rpartition(".")[0]], n.rpartition(".")[2], modules[n]) for n in names if n]
        self._handles = [
            handle
            for name in names
            for handle in (
                modules[name].register_forward_pre_hook(self._make_entry_hook(name), with_kwargs=True),
                modules[name].register_forward_hook(self._leave, with_kwargs=True),
            )
        ]

    @property
    def current(self) -> bool:
        """True if the module still has the hooked layers at their paths."""
        return all(children_of(parent).get(name) is layer for parent, name, layer in self._places)

    @contextmanager
    def routing(self, handler: RunHandler) -> Iterator[None]:
        """Routes calls through `handler`, counted from 0, until the context ends, also by an exception."""
        self._handler = handler
        self._stack.clear()
        self._counts.clear()
        try:
            yield
        finally:
            self._handler = None

    def remove(self) -> None:
        """Removes the hooks."""
        for handle in self._handles:
            handle.remove()

    def _make_entry_hook(self, name: str) -> Callable[..., Any]:
        def hook(layer: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if self._handler is None:
                return None
            call = LayerCall(name, self._counts[name])
            self._counts[name] += 1
            signature = signature_of(layer.forward)
            arguments = signature.bind(args, kwargs)
            changed = self._handler.enter(call, self._stack[-1] if self._stack else None, arguments)
            self._stack.append(call)
            return signature.unbind(changed)

        return hook

    def _leave(self, layer: torch.nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        return None if self._handler is None else self._handler.leave(self._stack.pop(), output)


@contextmanager
def preserve_globals(dtype: torch.dtype, seed: int, gradients: bool = False) -> Iterator[None]:
    """Sets a default dtype and seeds the generators (torch, CUDA, numpy, random); all are restored afterwards.

    Code that was given to torch.compile runs uncompiled.
    """
    default, numpy_state, python_state = torch.get_default_dtype(), np.random.get_state(), random.getstate()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices), torch.set_grad_enabled(gradients), run_eagerly():
        try:
            torch.set_default_dtype(dtype)
            torch.default_generator.manual_seed(seed)  # torch.manual_seed seeds every backend
            if devices:
                torch.cuda.manual_seed_all(seed)
            np.random.seed(seed)
            random.seed(seed)
            yield
        finally:
            torch.set_default_dtype(default)
            np.random.set_state(numpy_state)
            random.setstate(python_state)


@contextmanager
def quiet() -> Iterator[None]:
    """Silences torch's warning about inputs without gradients, which the harness causes and not the user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "None of the inputs have requires_grad=True", UserWarning)
        yield


@contextmanager
def buffers_kept(module: torch.nn.Module) -> Iterator[None]:
    """Restores the buffers that a forward pass changes, like running statistics, in place or by another tensor.

    Values are compared, not version counters: batch normalization updates its statistics without counting. The modules
    that a wrapped function holds are not copied; their buffers are restored too.
    """
    kept = [
        (layer, name, buffer, buffer.detach().clone())
        for layer in (*layers_of(module), *held_modules(module))
        for name, buffer in buffers_of(layer).items()
        if buffer is not None
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for layer, name, buffer, values in kept:
                buffers_of(layer)[name] = buffer
                if not torch.equal(buffer, values):
                    write(buffer, values)


@contextmanager
def attributes_kept(module: torch.nn.Module) -> Iterator[None]:
    """Restores the attributes that a layer gives other values while it runs on values that its network did not make."""
    kept = [(layer, dict(vars(layer))) for layer in layers_of(module)]
    try:
        yield
    finally:
        for layer, attributes in kept:
            now = vars(layer)
            if now.keys() != attributes.keys() or any(now[name] is not value for name, value in attributes.items()):
                now.clear()
                now.update(attributes)


class ModuleState:
    """The weights, buffers and attributes of modules that a function holds. They run themselves and are not copied.

    Call `separate` before the modules run, and `restore` afterwards, also if `separate` was interrupted.
    """

    def __init__(self, modules: Sequence[torch.nn.Module]) -> None:
        """Copies the state."""
        self._modules = modules
        self._dicts = [(d, dict(d)) for layer in modules for d in (vars(layer), children_of(layer), *_tensors(layer))]
        tensors = {id(t): t for layer in modules for d in _tensors(layer) for t in d.values() if t is not None}
        self._values = [(t, t.detach().clone()) for t in tensors.values() if is_strided(t) and not is_lazy(t)]

    def separate(self) -> None:
        """Gives the modules copies of their buffers to write to: autograd may still need the buffers themselves."""
        copies: dict[int, torch.Tensor] = {}
        for layer in self._modules:
            for name, buffer in buffers_of(layer).items():
                if buffer is not None:
                    buffers_of(layer)[name] = copies.setdefault(id(buffer), buffer.detach().clone())

    def restore(self) -> None:
        """Restores the buffers, and everything else that has changed."""
        for current, before in self._dicts:
            if current.keys() != before.keys() or any(current[name] is not value for name, value in before.items()):
                current.clear()
                current.update(before)
        with torch.no_grad():
            for tensor, values in self._values:
                if not torch.equal(tensor, values):
                    write(tensor, values)


def _tensors(layer: torch.nn.Module) -> tuple[dict[str, Any], dict[str, Any]]:
    return buffers_of(layer), parameters_of(layer)


class _Unwatched:
    """A handler that changes nothing, for runs that only need their output."""

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        return arguments

    def leave(self, call: LayerCall, output: Any) -> Any:
        return output


UNWATCHED: RunHandler = _Unwatched()


def call_with(module: torch.nn.Module, arguments: Mapping[str, Any]) -> Any:
    """Calls a module with arguments by parameter name."""
    args, kwargs = unbind(module.forward, arguments)
    return module(*args, **kwargs)
