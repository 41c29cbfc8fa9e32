"""Keeps recorded values: in memory up to a limit that all recordings share, beyond it in files without a name.

A file is mapped, so that what lies in it is a tensor like any other; the system writes it out and reads it back as
memory is needed, and it is gone with the last tensor, or with the process.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
import tempfile
import weakref
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from equivariance._engine.instrumentation.tensor_identity import version_of
from equivariance._torch_private import storage_address
from equivariance.errors import ArgumentError
from equivariance.representations.tensor_support import is_strided

GIBIBYTE = 2**30
_FILE = 2**28
"""Bytes of a file, unless one tensor takes more: of the maps of one process there are not very many."""

_ALIGNED = 64


class MemoryBudget:
    """What recordings may hold in memory, and the files that take the rest.

    Attributes:
        limit: Bytes
        used: Bytes of the recordings that are alive
        on_disk: Bytes that were ever written to files
    """

    def __init__(self, gibibytes: float = math.inf) -> None:
        """No limit by default."""
        self.gibibytes = gibibytes
        self.limit = gibibytes * GIBIBYTE
        self.used = self.on_disk = 0
        self._file = np.empty(0, np.uint8)
        self._filled = 0

    def takes(self, size: int) -> bool:
        """Whether so many bytes more stay in memory; they count from now on."""
        if self.used + size > self.limit:
            return False
        self.used += size
        return True

    def copied(self, values: Tensor) -> Tensor:
        """A copy of bytes in a file.

        Raises:
            ArgumentError: The disk has no room
        """
        size = values.numel()
        if self._filled + size > len(self._file):
            self._file, self._filled = self._opened(max(size, _FILE)), 0
            _give_back()
        copy = torch.from_numpy(self._file[self._filled : self._filled + size])
        self._filled += -(-size // _ALIGNED) * _ALIGNED
        self.on_disk += size
        return copy.copy_(values)

    def _opened(self, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """A mapped file of so many bytes, which the disk is sure to have."""
        folder = Path(tempfile.gettempdir())
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                return np.memmap(file, np.uint8, "w+", shape=(size,))
        except OSError as error:
            words = f"more, or room for {size / GIBIBYTE:.2g} GiB more in {folder} ({error.strerror}); TMPDIR is obeyed"
            raise ArgumentError("memory", self.gibibytes, words) from error


class _Kept(NamedTuple):
    """What is known of one storage; the address of one that was copied is not used again while it is watched."""

    version: object
    copy: Tensor | None = None
    watched: StorageWeakRef | None = None


class TensorStore:
    """Keeps the values of one recording; when it goes, its share of the memory is free again."""

    def __init__(self, memory: MemoryBudget) -> None:
        """`memory` is shared with other recordings."""
        self._memory, self._size = memory, [0]
        self._storages: dict[int, _Kept] = {}
        weakref.finalize(self, _release, memory, self._size)

    def keep(self, tensor: Tensor) -> Tensor:
        """The tensor itself without its history, or its copy."""
        copy = self.copy_of(tensor, version_of(tensor))
        if copy is not None:
            return copy
        return tensor.detach() if tensor.requires_grad else tensor

    def copy_of(self, tensor: Tensor, version: object = None) -> Tensor | None:
        """A tensor in a file that is equal to it; None for one that stays in memory, where the caller must hold it.

        Tensors that share memory still do so afterwards, as long as their `version` is the same; who gives none
        calls `changes`.
        """
        if not is_strided(tensor):
            return None
        storage = tensor.untyped_storage()
        address = storage_address(storage)
        known = self._storages.get(address)
        if known is None or known.version != version:
            known = self._storages[address] = self._kept(tensor, storage, version)
        if known.copy is None:
            return None
        layout = tensor.storage_offset(), tensor.shape, tensor.stride()
        return torch.empty(0, dtype=tensor.dtype).set_(known.copy.untyped_storage(), *layout)

    def changes(self, tensor: Tensor) -> None:
        """Called before the memory of a tensor is changed in place: what was copied of it is no longer equal to it."""
        if not is_strided(tensor):
            return
        self._storages.pop(storage_address(tensor.untyped_storage()), None)

    def _kept(self, tensor: Tensor, storage: torch.UntypedStorage, version: object) -> _Kept:
        if not _can_be_copied(tensor):
            return _Kept(version)
        if self._memory.takes(storage.nbytes()):
            self._size[0] += storage.nbytes()
            return _Kept(version)
        copy = self._memory.copied(torch.empty(0, dtype=torch.uint8).set_(storage))
        return _Kept(version, copy, StorageWeakRef(storage))


def _can_be_copied(tensor: Tensor) -> bool:
    plain = type(tensor) in (Tensor, torch.nn.Parameter) and not tensor.is_quantized
    return plain and tensor.is_cpu and not (tensor.is_conj() or tensor.is_neg())


def _give_back() -> None:
    """glibc keeps what was freed between small things that stay, and seldom finds a use for it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _release(memory: MemoryBudget, size: list[int]) -> None:
    memory.used -= size[0]
