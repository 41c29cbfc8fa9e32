"""The speed of the SE(3)-Unet: `python -m benchmarks.speed`, written to docs/results/speed.md."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

import torch

from benchmarks.made import made_with
from benchmarks.speed import equivariant, floor
from benchmarks.speed.charts import draw_all
from benchmarks.speed.page import Conditions, page
from benchmarks.speed.plan import PARTS, ROOT, run
from equivariance.report.files import write_text

PAGE, IMAGES = ROOT / "docs" / "results" / "speed.md", ROOT / "docs" / "images"


def main() -> None:
    """Measure what is missing, write the page."""
    options = _options()
    found = dict(run(options.parts, options.rounds, options.repeats, options.threads, options.keep))
    whole = set(options.parts) == set(PARTS)
    checks = equivariant.rows() if whole else []
    torch.set_num_threads(options.threads)
    chosen = ["--threads", str(options.threads), "--rounds", str(options.rounds), "--repeats", str(options.repeats)]
    command = shlex.join(["python", "-m", "benchmarks.speed", *chosen])
    where = made_with(("torch", "numpy", "scipy"), f"{options.threads} threads")
    text = page(found, checks, Conditions(command, where, floor.measure()))
    print(text)
    # Some of the parts are for looking at, and for keeping their figures until the whole is written.
    if whole:
        write_text(options.output, text)
        draw_all(found, IMAGES)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch (default 2)")
    parser.add_argument("--rounds", type=int, default=3, help="processes for each case (default 3)")
    parser.add_argument("--repeats", type=int, default=5, help="repetitions in each process (default 5)")
    parser.add_argument(
        "--keep", type=Path, default=Path(".benchmarks/speed.jsonl"), metavar="FILE", help="go on from there"
    )
    parser.add_argument("--output", type=Path, default=PAGE, metavar="FILE", help="the page (default: in docs/results)")
    options = parser.parse_args()
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        sys.exit(f"parts: expected some of {', '.join(PARTS)}, got {', '.join(unknown)}")
    return options


if __name__ == "__main__":
    main()
