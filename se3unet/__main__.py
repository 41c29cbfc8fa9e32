"""The command line: `python -m se3unet train|evaluate|predict`.

Exit codes: 0 done, 1 a scan without a face, 2 bad usage, 130 stopped by Ctrl-C. On bad usage, one line on standard
error names the argument, the value and the expected value.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from equivariance_zoo.training.cli import run_program
from equivariance_zoo.training.options import STOPPED
from se3unet.evaluation import command as evaluation
from se3unet.prediction import command as prediction
from se3unet.training import command as training

PROGRAM = "se3unet"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run_program(PROGRAM, "Landmarks of faces in any pose.", _add_commands, STOPPED, arguments)


def _add_commands(commands: argparse._SubParsersAction) -> None:
    for command in (training, evaluation, prediction):
        command.add_parser(commands)


if __name__ == "__main__":
    sys.exit(main())
