"""Runs one command on files in a folder: as it is, or with one of its files damaged.

`python -m benchmarks.robustness` and the tests call it.
"""

import random
from collections.abc import Sequence
from pathlib import Path

from benchmarks.robustness import files
from benchmarks.robustness.child import Ended, run_in_child

SECONDS = 20
"""Limit of a command. A command that still runs then has accepted its input."""


def run_command(folder: Path, program: str, arguments: Sequence[str]) -> Ended:
    """Runs a command line in a folder."""
    return run_in_child(files.mains()[program], list(arguments), folder, SECONDS)


def run_on_damaged(folder: Path, name: str, seed: int) -> Ended:
    """Runs the command that reads a file, while the file is damaged."""
    right = (folder / name).read_bytes()
    try:
        (folder / name).write_bytes(files.damaged(right, random.Random(seed)))
        return run_command(folder, *files.COMMANDS[name])
    finally:
        (folder / name).write_bytes(right)
