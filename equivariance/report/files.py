"""Writes text files that appear whole or not at all.

The command line, the pytest plugin and `Report.to_html` use it. It does not create folders.
"""

from __future__ import annotations

import os
from pathlib import Path

from equivariance.errors import ArgumentError


def write_text(path: Path, text: str) -> None:
    """Writes to a temporary file beside `path`, then renames it. Writes to a device or a pipe directly.

    Raises:
        ArgumentError: If the folder does not exist or cannot be written to, or if writing fails.
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
    # Not by tempfile: only the owner may read its files.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Checks that `path` can be written, so that a long run does not fail at its end.

    Raises:
        ArgumentError: If `write_text` would refuse the path.
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
