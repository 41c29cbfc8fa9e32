"""Reads .npz archives, which may be truncated, damaged or of another program."""

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError

DAMAGE = (
    *(ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError, SyntaxError, MemoryError, RuntimeError),
    *(OSError, zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
)
"""Exceptions of numpy and zipfile for damaged files that could be opened."""


def read_npz(
    path: str | Path, kind: str, required: Mapping[str, type], optional: Mapping[str, type] | None = None
) -> dict[str, npt.NDArray[Any]]:
    """Reads the arrays of an .npz file, without unpickling.

    Args:
        path: The file.
        kind: Expected content, for messages, such as "prepared faces".
        required: Names of the required arrays, and the type to which each is converted without loss.
        optional: Names and types of arrays that are read if they exist.

    Raises:
        FaceError: If the file is no .npz archive or damaged, or an array is missing or of another type.
        OSError: If the file cannot be read.
    """
    with Path(path).open("rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise TypeError(f"it holds a single array of shape {list(archive.shape)}")
            there = archive.files
            missing = sorted(set(required) - set(there))
            if missing:
                raise FaceError(
                    f"{path}: {kind}: expected the arrays {', '.join(required)} but {', '.join(missing)} is missing; "
                    f"it has {', '.join(there)}"
                )
            wanted = {**required, **{name: dtype for name, dtype in (optional or {}).items() if name in there}}
            return {name: _convert(name, archive[name], dtype) for name, dtype in wanted.items()}
        except FaceError:
            raise
        except DAMAGE as error:
            raise FaceError(f"{path}: expected an .npz archive of {kind} but {error}") from None


def _convert(name: str, array: npt.NDArray[Any], dtype: type) -> npt.NDArray[Any]:
    try:
        return array.astype(dtype, casting="safe", copy=False)
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
