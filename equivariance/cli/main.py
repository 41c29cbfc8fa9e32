"""The command line: `python -m equivariance.diagnose`.

Exit code 0 clean (without `--subject`: each built-in network as registered), 1 findings (or not as registered),
2 bad usage: one line on standard error that names the argument, the value and the choices; 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from typing import NoReturn

from equivariance.errors import ArgumentError

PROGRAM = "equivariance.diagnose"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, no usage text."""
        raise ArgumentError(
            "command line", " ".join(sys.argv[1:]), f"known options with valid values: {message}; see --help"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        options = _parser().parse_args(arguments)
        # Imported here, so that no help waits for PyTorch, and its long import can be interrupted like anything else.
        from equivariance.cli.run import run

        return run(options)
    except (ArgumentError, ImportError) as error:
        print(f"{PROGRAM}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted, nothing was written", file=sys.stderr)
        return 130


def run_as_command() -> NoReturn:
    """Run the command line as a process and leave with its exit code."""
    # A terminal without Unicode gets references to characters, which a page in HTML may hold, and no traceback.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="xmlcharrefreplace")
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    from equivariance.groups import NAMED_GROUPS
    from equivariance.settings import MEMORY, SAMPLES

    parser = _Parser(
        prog=f"python -m {PROGRAM}",
        description="Find where a network breaks equivariance, and why.",
        epilog="Exit code: 0 no finding (without --subject: both networks are as registered), 1 findings, 2 bad usage, "
        "130 interrupted.",
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
    add("--checkpoint", metavar="FILE", help="weights to load into the subject")
    add("--format", default="text", metavar="text|json|html|sarif", help="the form of the report; default: text")
    add("--output", metavar="FILE", help="write the report there and not to the screen")
    add("--quiet", action="store_true", help="no progress bar, and of the text nothing but findings")
    return parser
