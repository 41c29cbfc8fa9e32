"""Parses the options of a command, runs it, and turns its errors into an exit code and one line on standard error.

Every `__main__` of the networks and of `faces` calls `exit_code` and declares its options on a `Parser`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from equivariance._printable import one_line

BAD_USAGE, INTERRUPTED = 2, 130

_LARGEST = 2**31 - 1
_LONGEST_MESSAGE = 600


class Parser(argparse.ArgumentParser):
    """A parser that raises a ValueError on bad usage instead of printing its usage text and leaving the process."""

    def error(self, message: str) -> NoReturn:
        """Raises the message of argparse, cut if it repeats a very long argument."""
        told = message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}..."
        raise ValueError(f"{told}; see {self.prog} --help")


def parse_path(text: str) -> Path:
    """Returns the path of an option; a type of argparse.

    Raises:
        argparse.ArgumentTypeError: If the text is empty or has a null byte.
    """
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected the name of a file or folder, got {text!r}")
    return Path(text)


def parse_integer(text: str) -> int:
    """Returns the whole number of an option; a type of argparse. The commands check its range.

    Raises:
        argparse.ArgumentTypeError: If the text is no whole number of at most 31 bits.
    """
    try:
        value = int(text)
    except ValueError:
        value = _LARGEST + 1
    if abs(value) > _LARGEST:
        raise argparse.ArgumentTypeError(f"expected a whole number up to {_LARGEST}, got {text[:40]!r}")
    return value


def exit_code(program: str, command: Callable[[], int], stopped: str) -> int:
    """Runs a command.

    Args:
        program: Name that begins the line on standard error.
        command: The function to run, which also parses the arguments; it returns the exit code.
        stopped: Message for a user who has pressed Ctrl-C.

    Returns:
        The exit code of the command, 2 after a `ValueError`, `OSError` or `ImportError`, or if the memory is not
        enough, 130 after Ctrl-C.
    """
    try:
        return command()
    except (ValueError, OSError, ImportError) as error:
        print(f"{program}: error: {one_line(error)}", file=sys.stderr)
        return BAD_USAGE
    except (MemoryError, RuntimeError) as error:
        if not _is_lack_of_memory(error):
            raise
        print(f"{program}: error: memory: expected more of it ({one_line(error)[:200]})", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        print(f"{program}: {stopped}", file=sys.stderr)
        return INTERRUPTED


def _is_lack_of_memory(error: Exception) -> bool:
    """True if Python, PyTorch on the CPU (a plain RuntimeError) or PyTorch on a GPU could not allocate memory."""
    words = ("allocate memory", "not enough memory", "out of memory")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)
