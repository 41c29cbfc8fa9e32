"""The only file that uses private API of PyTorch.

Every function says what it returns and from which PyTorch it was read; `tests/equivariance/test_torch_private.py` tests
each. If a new PyTorch changes one of them, only this file changes. Called by `representations`, `contracts` and the
engine's instrumentation. It stands outside of the engine because public packages need it too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.overrides import _get_current_function_mode_stack
from torch.overrides import _pop_mode as _pop_function_mode
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode_stack
from torch.utils._python_dispatch import _pop_mode as _pop_dispatch_mode
from torch.utils._pytree import tree_leaves

__all__ = [
    "BACKWARD_ENTRY",
    "TorchDispatchMode",
    "autograd_sequence_number",
    "base_of",
    "buffers_of",
    "children_of",
    "compiled_original",
    "cut_modes",
    "differentiated_sequence_number",
    "is_compiled",
    "is_compiler_loaded",
    "is_distributed",
    "is_functorch_wrapped",
    "layers_of",
    "modes_entered",
    "parameters_of",
    "schema_of",
    "storage_address",
    "tensor_address",
    "tree_leaves",
    "version_counter",
    "weak_reference",
]

BACKWARD_ENTRY = "_engine_run_backward"
"""Name of the Python function in `torch.autograd.graph` that starts the autograd engine (PyTorch 2.13)."""


def tensor_address(tensor: Tensor) -> int:
    """Returns the address of a tensor's C++ object, unique among living tensors (`_cdata`, PyTorch 2.13).

    Two Python objects of one C++ tensor have the same address. The address is used again once the tensor is freed.
    """
    return tensor._cdata


def storage_address(storage: torch.UntypedStorage) -> int:
    """Returns the address of a storage's C++ object, unique among living storages (`_cdata`, PyTorch 2.13).

    Views of one tensor have the same storage. The address is used again once the storage is freed.
    """
    return storage._cdata


def version_counter(tensor: Tensor) -> int:
    """Returns how often a tensor's memory was changed in place (`_version`, PyTorch 2.13).

    Views share the counter of their base. Inference tensors have none: they raise RuntimeError.
    """
    return tensor._version


def base_of(tensor: Tensor) -> Tensor | None:
    """Returns the tensor that `tensor` is a view of, None if autograd knows no base (`_base`, PyTorch 2.13)."""
    return tensor._base


def weak_reference(tensor: Tensor) -> object:
    """Returns an object that keeps a tensor's address from being used again, but not its memory from being freed.

    `torch._C._WeakTensorRef`, PyTorch 2.13.
    """
    return torch._C._WeakTensorRef(tensor)  # type: ignore[attr-defined]


def is_functorch_wrapped(tensor: Tensor) -> bool:
    """True inside of `torch.vmap` or a transform of `torch.func`: the tensor then has no values of its own.

    `torch._C._functorch.is_functorch_wrapped_tensor`, PyTorch 2.13.
    """
    return torch._C._functorch.is_functorch_wrapped_tensor(tensor)


def autograd_sequence_number() -> int:
    """Returns the sequence number that this thread's next autograd node will have.

    `torch.autograd._get_sequence_nr`, PyTorch 2.13. The number grows by one with every node; autograd makes the
    node of an operation before it runs the operation.
    """
    return torch.autograd._get_sequence_nr()


def differentiated_sequence_number() -> int | None:
    """Returns the sequence number of the autograd node whose backward is running in this thread; None if none is.

    `torch._C._current_autograd_node` and the node's `_sequence_nr()`, PyTorch 2.13.
    """
    node = torch._C._current_autograd_node()
    return None if node is None else node._sequence_nr()


def schema_of(operation: Any) -> Any:
    """Returns the schema of an ATen operation: its `name` with namespace, and `arguments` with `alias_info`.

    `OpOverload._schema`, PyTorch 2.13.
    """
    return operation._schema


def children_of(module: torch.nn.Module) -> dict[str, torch.nn.Module | None]:
    """Returns the dict itself in which a module holds its children by name (`_modules`, PyTorch 2.13)."""
    return module._modules


def layers_of(module: torch.nn.Module) -> list[torch.nn.Module]:
    """Returns the layers of `module.modules()`, in another order and in a fifth of the time (PyTorch 2.13)."""
    found, left = {module: None}, [module]
    while left:
        new = [c for c in left.pop()._modules.values() if c is not None and c not in found]
        found |= dict.fromkeys(new)
        left += new
    return list(found)


def buffers_of(module: torch.nn.Module) -> dict[str, Tensor | None]:
    """Returns the dict itself in which a module holds its own buffers by name (`_buffers`, PyTorch 2.13)."""
    return module._buffers


def modes_entered() -> tuple[int, int]:
    """Returns the numbers of `TorchDispatchMode`s and `TorchFunctionMode`s that this thread has entered.

    `_get_current_dispatch_mode_stack` and `_get_current_function_mode_stack`, PyTorch 2.13.
    """
    return len(_get_current_dispatch_mode_stack()), len(_get_current_function_mode_stack())


def cut_modes(entered: tuple[int, int]) -> None:
    """Leaves the innermost modes until only the given numbers are entered, as after an interrupted `__exit__`.

    `torch.utils._python_dispatch._pop_mode` and `torch.overrides._pop_mode`, PyTorch 2.13.
    """
    while len(_get_current_dispatch_mode_stack()) > entered[0]:
        _pop_dispatch_mode()
    while len(_get_current_function_mode_stack()) > entered[1]:
        _pop_function_mode()


def is_distributed(tensor: Tensor) -> bool:
    """True for a part of a tensor that is spread over processes: a DTensor, or a FlatParameter of FSDP.

    `torch.distributed.tensor.DTensor` and `torch.distributed.fsdp._flat_param.FlatParameter`, PyTorch 2.13. Nothing is
    imported: a process that has such a tensor has imported its class.
    """
    kinds = (("torch.distributed.tensor", "DTensor"), ("torch.distributed.fsdp._flat_param", "FlatParameter"))
    known = (vars(sys.modules[module]).get(name) for module, name in kinds if module in sys.modules)
    return any(isinstance(tensor, kind) for kind in known if kind is not None)


def parameters_of(module: torch.nn.Module) -> dict[str, torch.nn.Parameter | None]:
    """Returns the dict itself in which a module holds its own parameters by name (`_parameters`, PyTorch 2.13)."""
    return module._parameters


def is_compiler_loaded() -> bool:
    """True if something has imported `torch._dynamo` already; otherwise nothing is compiled (PyTorch 2.13)."""
    return _compiler() is not None


def compiled_original(module: torch.nn.Module) -> torch.nn.Module | None:
    """Returns the module that was given to `torch.compile`; None if `module` was not returned by `torch.compile`.

    `torch._dynamo.OptimizedModule._orig_mod`, PyTorch 2.13.
    """
    compiler = _compiler()
    if compiler is None or not isinstance(module, compiler.OptimizedModule):
        return None
    return cast("torch.nn.Module", module._orig_mod)


def is_compiled(function: Callable[..., Any]) -> bool:
    """True if a function, a module or one of its layers was given to `torch.compile`.

    Read in PyTorch 2.13: `torch.compile(module)` returns an `OptimizedModule`, `module.compile()` sets
    `_compiled_call_impl`, and a compiled function has the attribute `_torchdynamo_orig_callable`.
    """
    compiler = _compiler()
    if compiler is None:
        return False
    if isinstance(function, torch.nn.Module):
        return any(isinstance(m, compiler.OptimizedModule) or m._compiled_call_impl for m in function.modules())
    return hasattr(function, "_torchdynamo_orig_callable")


def _compiler() -> Any:
    return sys.modules.get("torch._dynamo")
