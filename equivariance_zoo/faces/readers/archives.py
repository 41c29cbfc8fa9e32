"""Reading .npz archives that others may have made, cut off or damaged."""

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
"""What numpy and zipfile raise at damaged files, once they are open."""


def read_npz(
    path: str | Path, kind: str, required: Mapping[str, type], optional: Mapping[str, type] | None = None
) -> dict[str, npt.NDArray[Any]]:
    """Arrays of an .npz file, without unpickling anything.

    Args:
        path: the file.
        kind: what it should be, for messages: "prepared faces".
        required: the arrays that must be there, and the type each is converted to without loss.
        optional: the arrays that are read where they are there.

    Raises:
        FaceError: no such archive, a damaged one, a missing array, or one of another type.
        OSError: the file cannot be read.
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
