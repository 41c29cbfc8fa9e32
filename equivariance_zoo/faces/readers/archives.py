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


_SMALL, _MOST_EXPANDED = 2**26, 50
"""Bytes of arrays that are read in any case, and the largest ratio of their size to the size of the file."""


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
            if not isinstance(archive, np.lib.npyio.NpzFile) or archive.zip is None:
                raise TypeError(f"it holds a single array of shape {list(archive.shape)}")
            there = archive.files
            missing = sorted(set(required) - set(there))
            if missing:
                raise FaceError(
                    f"{path}: {kind}: expected the arrays {', '.join(required)} but {', '.join(missing)} is missing; "
                    f"it has {', '.join(there)}"
                )
            wanted = {**required, **{name: dtype for name, dtype in (optional or {}).items() if name in there}}
            _require_plausible(path, [archive.zip.getinfo(f"{name}.npy") for name in wanted])
            return {name: _convert(name, archive[name], dtype) for name, dtype in wanted.items()}
        except FaceError:
            raise
        except DAMAGE as error:
            raise FaceError(f"{path}: expected an .npz archive of {kind} but {error}") from None


def _require_plausible(path: str | Path, entries: list[zipfile.ZipInfo]) -> None:
    """Rejects arrays that would take far more memory than their file: numbers of faces do not compress so well.

    Raises:
        FaceError: If the arrays are large, and much larger than the file.
    """
    stored, unpacked = (sum(getattr(e, name) for e in entries) for name in ("compress_size", "file_size"))
    if unpacked > max(_SMALL, _MOST_EXPANDED * stored):
        expected = f"arrays of at most {_MOST_EXPANDED} times the size of the file"
        raise FaceError(f"{path}: expected {expected} but {stored:,} bytes unpack to {unpacked:,}")


def _convert(name: str, array: npt.NDArray[Any], dtype: type) -> npt.NDArray[Any]:
    try:
        return array.astype(dtype, casting="safe", copy=False)
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
