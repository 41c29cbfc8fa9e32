"""Writes files completely or not at all.

All packages that write results call it. It defines no file format.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """Yields a binary file that replaces `path` in one step if the block ends without an error.

    After an error, a kill or a full disk, `path` is unchanged. After an error, the temporary file is removed.

    Raises:
        OSError: If the file cannot be written, or its folder does not exist.
    """
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that other users cannot read; a new file gets the permissions that open() would set.
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def replace_file(path: str | Path, content: bytes) -> None:
    """Writes a file completely or not at all; see `replacing`.

    Raises:
        OSError: If the file cannot be written, or its folder does not exist.
    """
    with replacing(path) as file:
        file.write(content)


def check_folder(path: Path) -> None:
    """Raises if the folder cannot be created or written to, before any result is computed for it.

    Raises:
        ValueError: If the folder cannot be used; the message names the argument `output`.
    """
    nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise ValueError(f"output: expected a folder, or a place for one, got {path} ({nearest} cannot be written to)")


def make_folder(path: Path) -> Path:
    """Creates a folder to write to, with its parents, unless it exists, and returns it.

    Raises:
        ValueError: If it cannot be created; the message names the argument `output`.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"output: expected a folder, or a place for one, got {path} ({error.strerror})") from error
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
