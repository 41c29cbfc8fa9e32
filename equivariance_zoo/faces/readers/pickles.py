"""Reads numpy files that hold pickles, without executing their code."""

import io
import pickle
from contextlib import redirect_stderr
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
    # The function by which pickles of the oldest protocols build bytes.
    ("_codecs", "encode"),
}
"""Permitted functions, which build arrays, numbers and their types. Plain Python values need none."""

_NPY, _NPZ = b"\x93NUMPY", b"PK"


class _Refused(Exception):
    pass


class _NumpyUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _Refused(f"{module}.{name}")
        return super().find_class(module, name)


def is_npz(path: str | Path) -> bool:
    """True if a file begins like an .npz archive, independent of its name.

    Raises:
        OSError: If the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return file.read(len(_NPZ)) == _NPZ


def read_npy(path: str | Path, unpickle: bool) -> Any:
    """Reads an .npy file or a bare pickle: an array, or the saved object.

    Args:
        path: The file.
        unpickle: If True, pickles of arrays, numbers, text, lists and dictionaries are read. Any other object is
            rejected before it is built.

    Raises:
        FaceError: If the file is neither, is damaged, or holds a pickle or a type that is not permitted.
        OSError: If the file cannot be read.
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
        return _unpickle(path, file)


def _header_type(file: BinaryIO) -> np.dtype[Any]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)[2]


def _unpickle(path: str | Path, file: BinaryIO) -> Any:
    try:
        # numpy itself uses Latin-1 for pickles of Python 2. It prints some of its internal errors.
        with redirect_stderr(io.StringIO()):
            content = _NumpyUnpickler(file, encoding="latin1").load()
    except _Refused as error:
        raise FaceError(f"{path}: expected a pickle of numpy arrays but it asks for {error}; nothing was run") from None
    except Exception as error:
        # A damaged pickle raises an exception of any class, that of the damaged instruction.
        raise FaceError(f"{path}: expected a pickle of numpy arrays but it is damaged: {error!r}") from None
    if isinstance(content, np.ndarray) and content.dtype == object and content.ndim == 0:
        return content.item()
    return content


def numbers(name: str, value: Any) -> npt.NDArray[np.floating]:
    """Returns an array of floating-point numbers. A floating-point input keeps its precision.

    Raises:
        FaceError: If the value is not numeric, or its rows differ in length.
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
