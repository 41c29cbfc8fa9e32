"""Chooses mutants, judges them by the plain comparison, asks the harness, and writes docs/results/mutants.md."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.mutants import run
from benchmarks.mutants.libraries import LIBRARIES
from benchmarks.mutants.plain import HELD
from benchmarks.mutants.plan import Chosen, quick
from benchmarks.mutants.results.page import mistakes, page
from benchmarks.mutants.results.score import false_alarms, score
from benchmarks.mutants.split import PARTS, side
from benchmarks.mutants.store import ROOT, Store
from equivariance.report.files import write_text

PAGE = ROOT / "docs" / "results" / "mutants.md"
SIDES = {"development": ("old x old",), "held-out": ("new x old", "old x new", "new x new"), "all": ()}


def main() -> int:
    """Returns 1 if a finding is wrongly confirmed, or an unchanged module has a false alarm; else 0."""
    options = _options()
    share, shares = options.shard
    store = Store(options.folder / "results", f"shard-{share}-{shares}")
    deadline = time.monotonic() + run.SHARD - run.TASK if shares > 1 else float("inf")
    with run.Runner(options.folder, store, deadline) as runner:
        try:
            chosen, unchanged = _chosen(runner, options)
        except run.OutOfTime:
            print("the survey goes on in the next run", flush=True)
            return 0
        tasks = [partial(_told, runner, entry) for entry in chosen[share - 1 :: shares]]
        if not options.quick:
            tasks += [partial(run.control, runner, *names) for names in unchanged[share - 1 :: shares]]
        found, left = run.all_of(tasks)
    records, controls = [f for f in found if "choice" in f], [f for f in found if "choice" not in f]
    for line in mistakes(records):
        print(line)
    print(f"{len(found)} done, {left} left", flush=True)
    if options.page and not left and shares == 1:
        write_text(PAGE, page(records, controls, _command(options)))
    wrong = any(score(r).wrongly for r in records if r["judged"]["status"] == "counted")
    return int(wrong or any(false_alarms(c, HELD) for c in controls))


def _chosen(runner: run.Runner, options: argparse.Namespace) -> tuple[list[Chosen], list[tuple[str, str]]]:
    """Returns the mutants, seed by seed, and the unchanged modules."""
    parts = SIDES[options.part] or PARTS
    sides = {part.partition(" ")[0] for part in parts}
    names = [entry.name for entry in LIBRARIES if options.only in entry.name and side(entry.name) in sides]
    entries, unchanged = [], []
    for name in names:
        entries += run.mutants(runner, name, options.seeds)
        unchanged += [(name, module) for module in run.modules(runner, name)]
    entries = [entry for entry in entries if entry.part in parts]
    entries.sort(key=lambda entry: (entry.seed, names.index(entry.library)))
    return quick(entries) if options.quick else entries, unchanged


def _told(runner: run.Runner, entry: Chosen) -> dict[str, Any]:
    record = run.mutant(runner, entry)
    place = f"{entry.library} {entry.module} {entry.operator} {entry.seed} {entry.file}:{entry.place[0]}"
    print(record["judged"]["status"], place, flush=True)
    return record


def _command(options: argparse.Namespace) -> str:
    more = ["--part", options.part] * (options.part != "all") + ["--only", options.only] * bool(options.only)
    seeds = [str(seed) for seed in options.seeds]
    return shlex.join(["python", "-m", "benchmarks.mutants", "--seeds", *seeds, *more, "--page"])


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    folder = Path(tempfile.gettempdir()) / "equivariance-nightly"
    parser.add_argument("--folder", type=Path, default=folder, help="where environments and answers are kept")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2, 3], help="one mutant per library and operator"
    )
    parser.add_argument("--only", default="", metavar="LIB", help="only libraries whose name contains this")
    parser.add_argument("--part", choices=tuple(SIDES), default="all", help="of the split by the hash of names")
    parser.add_argument("--shard", type=_shard, default=(1, 1), metavar="I/N", help="a part of at most eight minutes")
    parser.add_argument("--quick", action="store_true", help="60 mutants, no unchanged modules")
    parser.add_argument("--page", action="store_true", help="write docs/results/mutants.md")
    return parser.parse_args(arguments)


def _shard(text: str) -> tuple[int, int]:
    first, _, last = text.partition("/")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"{text!r}: expected I/N with 1 <= I <= N")
    return int(first), int(last)


if __name__ == "__main__":
    sys.exit(main())
