"""Files appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from equivariance.errors import ArgumentError


def write_text(path: Path, text: str) -> None:
    """Write to a temporary file beside `path`, then rename it; a device or a pipe is written to as it is.

    Raises:
        ArgumentError: The directory does not exist or cannot be written to, or writing fails
    """
    check_writable(path)
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
        else:
            _replace(path, text)
    except OSError as error:
        raise ArgumentError("output", str(path), f"a file that can be written ({error.strerror})") from error


def _replace(path: Path, text: str) -> None:
    # Not by tempfile, whose files nobody else may read.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Find out before hours of work that the result cannot be kept.

    Raises:
        ArgumentError: As for `write_text`
    """
    try:
        special = path.exists() and not path.is_file()
    except OSError as error:
        raise ArgumentError("output", str(path), f"a name that a file can have ({error.strerror})") from error
    if path.is_dir():
        raise ArgumentError("output", str(path), "a file name, not a directory")
    if not path.parent.is_dir():
        raise ArgumentError("output", str(path), f"a file in an existing directory; {path.parent} does not exist")
    if not special and not os.access(path.parent, os.W_OK):
        raise ArgumentError("output", str(path), f"a file in a directory that can be written to; {path.parent} cannot")
