"""Files that are written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file to write to, which takes the place of `path` in one step when the block ends without an error.

    After an error, a kill or a full disk, what was at `path` is as it was; after an error no other file is left either.

    Raises:
        OSError: the file cannot be written, or its folder is not there.
    """
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that others cannot read; a new file is to have the rights that open() would give it.
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def replace_file(path: str | Path, content: bytes) -> None:
    """Write a file whole or not at all; see `replacing`.

    Raises:
        OSError: the file cannot be written, or its folder is not there.
    """
    with replacing(path) as file:
        file.write(content)


def check_folder(path: Path) -> None:
    """Raise where no folder can be made, or written to, before anything is computed for it.

    Raises:
        ValueError: names the argument `output`.
    """
    nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise ValueError(f"output: expected a folder, or a place for one, got {path} ({nearest} cannot be written to)")


def made_folder(path: Path) -> Path:
    """A folder to write to, made where it is not there; with those that it lies in.

    Raises:
        ValueError: there cannot be one; names the argument `output`.
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
