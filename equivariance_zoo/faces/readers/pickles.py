"""Numpy files that hold pickles, read without letting them run anything."""

import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.readers.archives import DAMAGE

_ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_ALLOWED = {
    *((module, name) for module in _ARRAY_MODULES for name in ("_reconstruct", "scalar")),
    *(("numpy", name) for name in ("ndarray", "dtype")),
    *((module, "_frombuffer") for module in ("numpy.core.numeric", "numpy._core.numeric")),
    # How pickles of the oldest protocols spell bytes.
    ("_codecs", "encode"),
}
"""What builds arrays, numbers and their types; lists, dictionaries, text and numbers of Python need no permission."""

_NPY, _NPZ = b"\x93NUMPY", b"PK"


class _Refused(Exception):
    pass


class _NumpyUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _Refused(f"{module}.{name}")
        return super().find_class(module, name)


def is_npz(path: str | Path) -> bool:
    """Whether a file begins as an .npz archive does, whatever it is called.

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        return file.read(len(_NPZ)) == _NPZ


def read_npy(path: str | Path, unpickle: bool) -> Any:
    """The content of an .npy file, or of a bare pickle: an array, or the object that was saved.

    Args:
        path: the file.
        unpickle: whether pickles may be read: of arrays, numbers, text, lists and dictionaries; whatever else one holds
            is refused before it is made.

    Raises:
        FaceError: the file is neither, is damaged, or holds a pickle that may not be read, or another type.
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        start = file.read(len(_NPY))
        file.seek(0)
        if start != _NPY and start[:1] != pickle.PROTO:
            raise FaceError(f"{path}: expected an .npy file but it begins with {start!r}")
        try:
            dtype = _header_type(file) if start == _NPY else np.dtype(object)
            if not dtype.hasobject:
                file.seek(0)
                return np.load(file, allow_pickle=False)
        except DAMAGE as error:
            raise FaceError(f"{path}: expected an .npy file but {error}") from None
        if not unpickle:
            raise FaceError(f"{path}: expected arrays of numbers but it holds a pickle, which only --unpickle reads")
        return _unpickled(path, file)


def _header_type(file: BinaryIO) -> np.dtype[Any]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)[2]


def _unpickled(path: str | Path, file: BinaryIO) -> Any:
    try:
        # Latin-1 is what numpy itself takes for pickles of Python 2.
        content = _NumpyUnpickler(file, encoding="latin1").load()
    except _Refused as error:
        raise FaceError(f"{path}: expected a pickle of numpy arrays but it asks for {error}; nothing was run") from None
    except Exception as error:
        # A damaged pickle raises whatever the instruction that it is damaged at raises.
        raise FaceError(f"{path}: expected a pickle of numpy arrays but it is damaged: {error!r}") from None
    if isinstance(content, np.ndarray) and content.dtype == object and content.ndim == 0:
        return content.item()
    return content


def numbers(name: str, value: Any) -> npt.NDArray[np.floating]:
    """An array of floating-point numbers; those that are some already keep their precision.

    Raises:
        FaceError: it is not of numbers, or its rows have several lengths.
    """
    try:
        array = np.asarray(value)
        if array.dtype == object:
            array = np.stack([np.asarray(row, dtype=np.float64) for row in array])
    except (ValueError, TypeError) as error:
        raise FaceError(f"{name}: expected an array of numbers but {error}") from None
    if array.dtype.kind not in "iuf":
        raise FaceError(f"{name}: expected an array of numbers but got {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype(np.float64)
