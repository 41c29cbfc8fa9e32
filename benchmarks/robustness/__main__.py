"""`python -m benchmarks.robustness PART --count N --first N --kept FILE`, then `... page --kept FILE`.

Parts are `interrupts`, `lines` (command lines) and `files` (damaged files). Every example has a seed; the seeds are
`first`, `first` + 1, ... A part can be run in shares. Each result is a line of JSON in the file that is kept.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.robustness import files, page
from benchmarks.robustness.child import Ended
from benchmarks.robustness.command_lines import command_line
from benchmarks.robustness.interrupts import diagnose_once, interrupt_at
from benchmarks.robustness.trials import run_command, run_on_damaged

PAGE = Path(__file__).parents[2] / "docs" / "results" / "robustness.md"


def interrupts(seeds: range, folder: Path) -> Iterator[dict[str, Any]]:
    """Interrupts a diagnosis once for each seed."""
    diagnose_once()
    duration = diagnose_once()
    for seed in seeds:
        result = interrupt_at(random.Random(seed).uniform(0.001, 0.95 * duration))
        yield {"hit": result.hit, "fault": ", ".join(result.lost)}


def lines(seeds: range, folder: Path) -> Iterator[dict[str, Any]]:
    """Runs a random command line for each seed."""
    for seed in seeds:
        program, arguments = command_line(random.Random(seed).choice)
        yield _told([program, *arguments], run_command(folder, program, arguments))


def damages(seeds: range, folder: Path) -> Iterator[dict[str, Any]]:
    """Damages a file of each kind in turn, and runs the command that reads it."""
    names = list(files.COMMANDS)
    for seed in seeds:
        name = names[seed % len(names)]
        program, arguments = files.COMMANDS[name]
        yield _told([name, program, *arguments], run_on_damaged(folder, name, seed))


def _told(words: list[str], ended: Ended) -> dict[str, Any]:
    shown = [word if len(word) < 60 else f"{word[:60]}..." for word in words]
    return {"words": shown, "code": ended.code, "error": ended.error[-600:], "fault": ended.fault}


PARTS = {"interrupts": interrupts, "lines": lines, "files": damages}


def main() -> int:
    """Runs a part, or writes the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.add_argument("part", choices=(*PARTS, "page"))
    parser.add_argument("--count", type=int, default=100, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--kept", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    if options.part == "page":
        PAGE.write_text(page.text([json.loads(line) for line in options.kept.read_text().splitlines()]))
        return 0
    seeds, faults = range(options.first, options.first + options.count), 0
    with tempfile.TemporaryDirectory() as folder, options.kept.open("a") as kept:
        files.write_all(Path(folder))
        for seed, result in zip(seeds, PARTS[options.part](seeds, Path(folder)), strict=True):
            faults += bool(result["fault"])
            if result["fault"]:
                print(options.part, seed, result, flush=True)
            kept.write(json.dumps({"part": options.part, "seed": seed, **result}) + "\n")
            kept.flush()
    print(f"{options.part}: {len(seeds)} examples, {faults} faults")
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
