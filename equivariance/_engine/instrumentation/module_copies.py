"""Copies modules, so that the copies share no layer and no memory with the original.

`testbed` makes its variants by `copy_of`. This module runs nothing.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from equivariance._torch_private import storage_address, tree_leaves
from equivariance.errors import ArgumentError, first_line
from equivariance.representations.tensor_support import is_strided

_WITHOUT_VALUES = frozenset(vars(torch.nn.Module())) - {"_parameters", "_buffers"}
"""Attributes of every module that hold no tensors: hooks and submodules."""


def copy_of(module: torch.nn.Module) -> torch.nn.Module:
    """Returns a copy that shares no layer and no memory with the module.

    Raises:
        ArgumentError: If the module cannot be copied, or if its copy shares layers or memory with it.
    """
    held = tree_leaves([{k: v for k, v in vars(m).items() if k not in _WITHOUT_VALUES} for m in module.modules()])
    known: dict[int, Any] = {id(v): v for v in held if isinstance(v, torch.jit.ScriptFunction)}  # has no state
    known |= {id(v): v.detach().clone() for v in held if isinstance(v, torch.Tensor) and v.grad_fn is not None}
    try:
        # TorchScript copies its parameters in a way that autograd would record, with a deprecation warning.
        with torch.no_grad(), warnings.catch_warnings(action="ignore"):
            _add_traced_layers(module, known)
            made: torch.nn.Module = copy.deepcopy(module, known)
    except Exception as error:  # a `__deepcopy__` may raise any
        name, words = type(module).__name__, f"{type(error).__name__}: {first_line(error)}"
        raise ArgumentError("module", name, f"a module that copy.deepcopy can copy ({words})") from error
    _require_separate(module, made)
    return made


def _add_traced_layers(module: torch.nn.Module, known: dict[int, Any]) -> None:
    """Adds copies of layers that `torch.fx` generated, and of the layers that hold them, to the memo of a deep copy.

    Layers like those of e3nn are copied by pickling: what they generated is traced and compiled again, which takes
    longer than 20 passes. Generated code only reads attributes of its layer, so that copies share the code.
    """
    holders = {m: [c for c in m.children() if isinstance(c, torch.fx.GraphModule)] for m in module.modules()}
    holders = {m: traced for m, traced in holders.items() if traced and _pickles_itself(m)}
    originals = dict.fromkeys(m for holder, traced in holders.items() for m in (*traced, holder))
    made = {id(m): object.__new__(type(m)) for m in originals}
    known |= made
    for original in originals:
        if isinstance(original, torch.fx.GraphModule):
            known[id(original.graph)] = original.graph
        made[id(original)].__dict__.update({k: copy.deepcopy(v, known) for k, v in vars(original).items()})


def _pickles_itself(module: torch.nn.Module) -> bool:
    """True if a class defines how its instances are pickled; deep copies follow it."""
    own = type(module).__getstate__ not in (object.__getstate__, torch.nn.Module.__getstate__)
    return own and not isinstance(module, torch.fx.GraphModule)


def _require_separate(module: torch.nn.Module, made: torch.nn.Module) -> None:
    """Checks that a copy may be changed: it must share no layer and no memory with its original.

    Raises:
        ArgumentError: If a `__deepcopy__` inside of the module returns the original, or its tensors.
    """
    layers, memory = set(map(id, module.modules())), {_storage_of(t) for _, t in _stored_tensors(module)}
    shared = [name or "the module itself" for name, layer in made.named_modules() if id(layer) in layers]
    shared += [name for name, t in _stored_tensors(made) if _storage_of(t) in memory]
    if shared:
        expected = f"a module that copy.deepcopy copies as a whole; its copy shares {', '.join(shared)} with it"
        raise ArgumentError("module", type(module).__name__, expected)


def _stored_tensors(module: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Yields parameters and buffers that have values, by name."""
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if is_strided(tensor) and not is_lazy(tensor) and tensor.numel():
            yield name, tensor


def _storage_of(tensor: torch.Tensor) -> int:
    return storage_address(tensor.untyped_storage())
