"""Parses the command line of `python -m equivariance.diagnose` and returns its exit code.

Exit code 0: no finding, or without `--subject`: each built-in network is as registered. Exit code 1: findings, a
network is not as registered, or a symmetry of `--group` (with `--strict`: any that is claimed) was not tested. Exit
code 2: nothing was tested, or bad usage; one line on standard error names the argument, the value and the choices.
Exit code 130: interrupted. The work itself is in `run`.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from typing import NoReturn

from equivariance._printable import one_line
from equivariance.errors import ArgumentError

PROGRAM = "equivariance.diagnose"


class _Parser(argparse.ArgumentParser):
    """A parser that raises ArgumentError instead of printing its usage text."""

    def error(self, message: str) -> NoReturn:
        """Raises ArgumentError with the message of argparse."""
        raise ArgumentError("command line", message, f"known options with valid values; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    Args:
        arguments: The options as text; None for `sys.argv[1:]`.
    """
    try:
        options = _parser().parse_args(arguments)
        # Imported here: `--help` does not import PyTorch, and Ctrl-C also works during this long import.
        from equivariance.cli.run import run

        return run(options)
    except (ArgumentError, ImportError) as error:
        print(f"{PROGRAM}: error: {one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted, nothing was written", file=sys.stderr)
        return 130


def run_as_command() -> NoReturn:
    """Runs the command line as a process and exits with its exit code."""
    # A terminal without Unicode gets character references, which are valid HTML, and no UnicodeEncodeError.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="xmlcharrefreplace")
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    from equivariance.groups import NAMED_GROUPS
    from equivariance.settings import MEMORY, SAMPLES

    parser = _Parser(
        prog=f"python -m {PROGRAM}",
        description="Find where a network breaks equivariance, and why.",
        epilog="Exit code: 0 no finding (without --subject: both networks are as registered), 1 findings, or a "
        "symmetry of --group was not tested, 2 bad usage, or nothing was tested, 130 interrupted.",
    )
    add = parser.add_argument
    add(
        "--subject", metavar="NAME|module:factory", help="a registered subject or a factory; default: the built-in pair"
    )
    add("--layer", metavar="PATTERN", help="only layers whose path or class contains PATTERN, or match it as a glob")
    add(
        "--group", action="append", metavar="G", help=f"one of {', '.join(NAMED_GROUPS)}; may be repeated; default: all"
    )
    add("--samples", default=f"{SAMPLES}", metavar="N", help=f"elements per symmetry; default: {SAMPLES}")
    add("--seed", default="0", metavar="S", help="seed of everything random; default: 0")
    add("--dtype", metavar="float32|float64|bfloat16", help="the precision that is judged; default: the network's own")
    add("--device", default="cpu", metavar="D", help="cpu, cuda, cuda:1, ...; default: cpu")
    add(
        "--max-translation",
        metavar="M",
        help="longest translation, in the input's units; default: ten times its extent",
    )
    add("--jobs", default="1", metavar="N", help="processes that the symmetries are shared among; default: 1")
    add(
        "--memory",
        default=f"{MEMORY:g}",
        metavar="GIB",
        help=f"activations held in memory; more of them go to temporary files (TMPDIR); default: {MEMORY:g}",
    )
    add("--time-limit", metavar="S", help="seconds for each subject, after which searches are cut short; default: none")
    add("--checkpoint", metavar="FILE", help="weights to load into the subject")
    add("--format", default="text", metavar="text|json|html|sarif", help="the form of the report; default: text")
    add("--output", metavar="FILE", help="write the report there and not to the screen")
    add("--strict", action="store_true", help="fail also on symmetries that are claimed and were not tested")
    add("--quiet", action="store_true", help="no progress bar, and of the text nothing but findings")
    return parser
