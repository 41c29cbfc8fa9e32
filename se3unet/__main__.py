"""The command line: `python -m se3unet train|evaluate|predict`.

Exit codes: 0 done, 1 a scan without a face, 2 bad usage, 130 stopped by Ctrl-C. On bad usage, one line on standard
error names the argument, the value and the expected value.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from equivariance_zoo.training.cli import Parser, exit_code
from se3unet.evaluation import command as evaluation
from se3unet.prediction import command as prediction
from se3unet.training import command as training

PROGRAM = "se3unet"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    stopped = "stopped; train --resume goes on behind the last whole epoch"
    return exit_code(PROGRAM, lambda: _run(arguments), stopped)


def _run(arguments: Sequence[str] | None) -> int:
    parser = Parser(prog=f"python -m {PROGRAM}", description="Landmarks of faces in any pose.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (training, evaluation, prediction):
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


if __name__ == "__main__":
    sys.exit(main())
