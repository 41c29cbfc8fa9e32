"""The planted-defect benchmark: `python -m benchmarks.defects`, written to docs/results/defects.md."""

from __future__ import annotations

import argparse
import fnmatch
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.defects.catalogue import CASES
from benchmarks.defects.page import page
from benchmarks.defects.run import ROOT, run, tasks
from benchmarks.defects.score import DTYPES, SETTINGS
from equivariance.errors import ArgumentError
from equivariance.report.files import check_writable, write_text

PAGE = ROOT / "docs" / "results" / "defects.md"


def main() -> None:
    """Run, print what went wrong as it comes, write the page."""
    options = _options()
    cases = [c for c in CASES if _matches(options.only, c.name, c.style)]
    wanted = tasks(cases, options.dtypes, range(options.first, options.first + options.seeds), options.settings)
    start, outcomes = time.perf_counter(), []
    for found in run(wanted, options.jobs, options.keep):
        outcomes.append(found)
        if found.failed or found.alarms:
            print(f"{len(outcomes)}/{len(wanted)} {found.task}: {found.failed or found.said}", flush=True)
    # Options that decide the figures; options of the machine do not.
    first = ["--first", str(options.first)] if options.first else []
    chosen = ["--seeds", str(options.seeds), *first, "--dtypes", *options.dtypes, "--settings", *options.settings]
    command = shlex.join(["python", "-m", "benchmarks.defects", *chosen, "--jobs", str(options.jobs)])
    text = page(cases, outcomes, command, time.perf_counter() - start)
    print(text)
    # A part of the cases is for looking at, not for the record.
    if not options.only:
        write_text(options.output, text)


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Checked before anything runs: a table takes hours."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.defects", description=__doc__)
    parser.add_argument("--seeds", type=_count, default=20, help="networks and inputs per case (default 20)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed (default 0)")
    parser.add_argument("--dtypes", nargs="+", choices=tuple(DTYPES), default=tuple(DTYPES))
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=SETTINGS[:1], help="what is declared")
    parser.add_argument("--only", default="", metavar="PATTERN", help="a substring or glob of case names or styles")
    parser.add_argument("--jobs", type=_count, default=1, help="processes of one thread each (default 1)")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep outcomes there, and go on from those it holds")
    parser.add_argument("--output", type=Path, default=PAGE, metavar="FILE", help="the page (default: in docs/results)")
    options = parser.parse_args(arguments)
    if not any(_matches(options.only, c.name, c.style) for c in CASES):
        parser.error(f"only={options.only!r}: expected a pattern that cases match")
    try:
        for path in filter(None, (options.output, options.keep)):
            check_writable(path)
    except ArgumentError as error:
        parser.error(str(error))
    return options


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of at least 1")
    return int(text)


def _matches(pattern: str, *names: str) -> bool:
    return any(pattern in name or fnmatch.fnmatch(name, pattern) for name in names)


if __name__ == "__main__":
    main()
