"""Stores recorded values: in memory up to a limit that all recordings share, beyond it in temporary files.

A file is memory-mapped, so that its content is an ordinary tensor. The operating system writes and reads it as needed.
The file has no name and vanishes with its last tensor or with the process.

`reference` and `tape` store their values here. A stored tensor must not be changed in place.
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
"""Size of a file in bytes, unless one tensor is larger. The number of maps per process is limited."""

_ALIGNED = 64


class MemoryBudget:
    """The memory that recordings may use, and the files for everything beyond it.

    Attributes:
        limit: The limit in bytes.
        used: Bytes of the recordings that exist now.
        on_disk: Bytes that were ever written to files.
    """

    def __init__(self, gibibytes: float = math.inf) -> None:
        """Creates a budget of so many GiB; no limit by default."""
        self.gibibytes = gibibytes
        self.limit = gibibytes * GIBIBYTE
        self.used = self.on_disk = 0
        self._file = np.empty(0, np.uint8)
        self._filled = 0

    def takes(self, size: int) -> bool:
        """True if `size` more bytes fit in memory; they are then counted as used."""
        if self.used + size > self.limit:
            return False
        self.used += size
        return True

    def copy_to_file(self, values: Tensor) -> Tensor:
        """Returns a copy of bytes in a file.

        Raises:
            ArgumentError: If the disk has no room.
        """
        size = values.numel()
        if self._filled + size > len(self._file):
            self._file, self._filled = self._open_file(max(size, _FILE)), 0
            _trim_heap()
        copy = torch.from_numpy(self._file[self._filled : self._filled + size])
        self._filled += -(-size // _ALIGNED) * _ALIGNED
        self.on_disk += size
        return copy.copy_(values)

    def _open_file(self, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Returns a mapped file of `size` bytes, with its disk space reserved."""
        folder = Path(tempfile.gettempdir())
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                return np.memmap(file, np.uint8, "w+", shape=(size,))
        except OSError as error:
            more = f"{size / GIBIBYTE:.2g} GiB"
            words = f"more, or room for {more} more in {folder} ({error.strerror}); TMPDIR sets the folder"
            raise ArgumentError("memory", self.gibibytes, words) from error


class _StoredStorage(NamedTuple):
    """The state of one storage; while `watched` exists, the address of a copied storage is not used again."""

    version: object
    copy: Tensor | None = None
    watched: StorageWeakRef | None = None


class TensorStore:
    """Stores the values of one recording; its memory is released when the store is deleted."""

    def __init__(self, memory: MemoryBudget) -> None:
        """Creates an empty store; `memory` is shared with other recordings."""
        self._memory, self._size = memory, [0]
        self._storages: dict[int, _StoredStorage] = {}
        weakref.finalize(self, _release, memory, self._size)

    def keep(self, tensor: Tensor) -> Tensor:
        """Returns the tensor without its autograd history, or its copy in a file."""
        copy = self.copy_of(tensor, version_of(tensor))
        if copy is not None:
            return copy
        return tensor.detach() if tensor.requires_grad else tensor

    def copy_of(self, tensor: Tensor, version: object = None) -> Tensor | None:
        """Returns an equal tensor in a file; None if the tensor stays in memory, where the caller must keep it alive.

        Tensors that share memory also share memory in the file if their `version` is the same. A caller that passes no
        version calls `changes`.
        """
        if not is_strided(tensor):
            return None
        storage = tensor.untyped_storage()
        address = storage_address(storage)
        known = self._storages.get(address)
        if known is None or known.version != version:
            known = self._storages[address] = self._register(tensor, storage, version)
        if known.copy is None:
            return None
        layout = tensor.storage_offset(), tensor.shape, tensor.stride()
        return torch.empty(0, dtype=tensor.dtype).set_(known.copy.untyped_storage(), *layout)

    def changes(self, tensor: Tensor) -> None:
        """Must be called before memory is changed in place, because the copy is then no longer equal."""
        if not is_strided(tensor):
            return
        self._storages.pop(storage_address(tensor.untyped_storage()), None)

    def _register(self, tensor: Tensor, storage: torch.UntypedStorage, version: object) -> _StoredStorage:
        if not _can_be_copied(tensor):
            return _StoredStorage(version)
        if self._memory.takes(storage.nbytes()):
            self._size[0] += storage.nbytes()
            return _StoredStorage(version)
        copy = self._memory.copy_to_file(torch.empty(0, dtype=torch.uint8).set_(storage))
        return _StoredStorage(version, copy, StorageWeakRef(storage))


def _can_be_copied(tensor: Tensor) -> bool:
    plain = type(tensor) in (Tensor, torch.nn.Parameter) and not tensor.is_quantized
    return plain and tensor.is_cpu and not (tensor.is_conj() or tensor.is_neg())


def _trim_heap() -> None:
    """Returns free memory to the operating system; glibc keeps freed blocks that lie between used ones."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _release(memory: MemoryBudget, size: list[int]) -> None:
    memory.used -= size[0]
