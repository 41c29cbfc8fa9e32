"""Keeps the replacements of recorded values out of memory that the recorded call did not allocate.

Parameters, buffers, inputs, module attributes, NumPy arrays and all views of them existed before the call. A tape never
writes there. If a value in such memory is replaced, the memory gets a private copy. From then on operations of the call
read and change the copy in place of the memory.

`tape` calls it if it has values to replace. This module decides no replacement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from equivariance._engine.instrumentation.operations import tensors_in, with_tensors
from equivariance._torch_private import storage_address
from equivariance.representations.tensor_support import is_strided, with_layout_of, write

_ALLOCATING = "aten"
"""Namespace of the operations that return new memory or memory of their inputs. Others may return memory that lasts."""

_MAPPED = frozenset({"from_file"})
"""Operations of this namespace that return memory of a file."""


class _Private(NamedTuple):
    """Memory of others, and its private copy, as bytes."""

    memory: Tensor
    copy: Tensor


class Replacements:
    """The replaced values of one recording, and the memory that its operations allocated.

    Invariants:
        Only private copies and memory that an operation of the recording allocated are written.
        The code of the call never receives a tensor in a private copy.
        A replacement keeps the memory that a value shares with others, unless the shared entries would have to differ.
    """

    def __init__(self) -> None:
        """Starts without replacements."""
        self._allocated: dict[int, StorageWeakRef] = {}
        self._private: dict[int, _Private] = {}
        self._original: dict[int, Tensor] = {}
        self._values: dict[int, Tensor] = {}

    def replace(self, tensor: Tensor, value: Tensor) -> Tensor:
        """Gives a tensor the entries of `value`.

        Returns:
            The tensor that the code must receive: `tensor`, or a new one if the layout cannot hold these entries.
        """
        if not is_strided(tensor):
            return with_layout_of(value, tensor)
        if not self._is_allocated(tensor):
            self._make_private(tensor)
        return tensor if write(self.read(None, tensor), value) else value.clone()

    def redirect(self, number: int, value: Tensor) -> None:
        """Makes operations read `value` in place of the value with this number."""
        self._values[number] = value

    def read(self, number: int | None, tensor: Tensor) -> Tensor:
        """Returns the tensor that an operation must read in place of `tensor`, whose value has this number."""
        known = self._private.get(_address(tensor)) if self._private and is_strided(tensor) else None
        if known is not None:
            return _view(known.copy, tensor)
        return tensor if number is None else self._values.get(number, tensor)

    def run(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], numbers: Sequence[int]) -> Any:
        """Runs an operation with replacements in place of its inputs.

        Args:
            func: The operation.
            args: Positional arguments.
            kwargs: Keyword arguments.
            numbers: The numbers of all tensors among the arguments, in order.

        Returns:
            The output. A tensor that was changed in place is the one that the caller passed.
        """
        given = tensors_in((args, kwargs))
        used = [self.read(number, tensor) for number, tensor in zip(numbers, given, strict=True)]
        if all(one is other for one, other in zip(used, given, strict=True)):
            output = func(*args, **kwargs)
        else:
            inputs = iter(used)
            output = func(*with_tensors(args, inputs), **with_tensors(kwargs, inputs))
            output = self._in_original_memory(output, {id(u): g for u, g in zip(used, given, strict=True)})
        self._note_allocated(func, given, output)
        return output

    def _make_private(self, tensor: Tensor) -> None:
        """Copies the memory of a tensor, unless it is copied already."""
        address = _address(tensor)
        if address not in self._private:
            memory = torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(tensor.untyped_storage())
            self._private[address] = private = _Private(memory, memory.clone())
            self._original[_address(private.copy)] = memory

    def _in_original_memory(self, value: Any, passed: Mapping[int, Tensor]) -> Any:
        """Returns the output of an operation without private copies."""
        if isinstance(value, (list, tuple)):
            return type(value)([self._in_original_memory(entry, passed) for entry in value])
        if not isinstance(value, Tensor) or id(value) in passed:
            return passed.get(id(value), value)
        memory = self._original.get(_address(value)) if is_strided(value) else None
        return value if memory is None else _view(memory, value)

    def _note_allocated(self, func: Any, read: Sequence[Tensor], output: Any) -> None:
        """Records the memory that an operation of torch allocated."""
        if func.namespace != _ALLOCATING or func.__name__.partition(".")[0] in _MAPPED:
            return
        known = {_address(t) for t in read if is_strided(t)}
        for tensor in tensors_in(output):
            if is_strided(tensor) and _address(tensor) not in known:
                storage = tensor.untyped_storage()
                self._allocated[storage_address(storage)] = StorageWeakRef(storage)  # the address is not used again

    def _is_allocated(self, tensor: Tensor) -> bool:
        known = self._allocated.get(_address(tensor))
        return known is not None and not known.expired()


def _address(tensor: Tensor) -> int:
    return storage_address(tensor.untyped_storage())


def _view(memory: Tensor, like: Tensor) -> Tensor:
    """Returns the part of `memory` that `like` is of its own memory."""
    empty = torch.empty(0, dtype=like.dtype, device=like.device)
    return empty.set_(memory.untyped_storage(), like.storage_offset(), like.shape, like.stride())
