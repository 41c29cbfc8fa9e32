"""Writes text files that appear whole or not at all.

The command line, the pytest plugin and `Report.to_html` use it. It does not create folders. `equivariance._files`
says how links, devices and modes are treated.
"""

from __future__ import annotations

from pathlib import Path

from equivariance._files import check_file, replace_file
from equivariance.errors import ArgumentError


def write_text(path: Path, text: str) -> None:
    """Writes a file in UTF-8, or leaves the old one. A half of a surrogate pair is written as its escape sequence.

    Raises:
        ArgumentError: If the folder does not exist or cannot be written to, or if writing fails.
    """
    try:
        replace_file(path, text.encode("utf-8", errors="backslashreplace"))
    except OSError as error:
        raise _argument_error(path, error) from error


def check_writable(path: Path) -> None:
    """Checks that `path` can be written, so that a long run does not fail at its end.

    Raises:
        ArgumentError: If `write_text` would refuse the path.
    """
    try:
        check_file(path)
    except OSError as error:
        raise _argument_error(path, error) from error


def _argument_error(path: Path, error: OSError) -> ArgumentError:
    if isinstance(error, IsADirectoryError):
        return ArgumentError("output", str(path), "a file name, not a directory")
    return ArgumentError("output", str(path), f"a file that can be written in an existing directory ({error.strerror})")
