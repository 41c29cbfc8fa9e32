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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
