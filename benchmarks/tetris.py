"""Tetris shapes, trained in one orientation and tested in all: `python -m benchmarks.tetris`.

Writes its section of docs/results/steerable3d.md, from all seeds that are known; it goes on where it was stopped.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.made import made_with
from benchmarks.sections import write_section
from equivariance_zoo import steerable3d
from equivariance_zoo.steerable3d.checkpoint import build
from equivariance_zoo.steerable3d.settings import Run
from equivariance_zoo.steerable3d.training import train

CONFIG = Path(steerable3d.__file__).parent / "data" / "tetris.toml"
SLIDES = {"steerable": "99 +- 2 %", "ordinary": "27 +- 7 %"}


@dataclass(frozen=True)
class Kept:
    """Figures of trainings in a file of JSON lines; those of other settings do not count."""

    path: Path

    def read(self) -> list[dict]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.is_file() else []

    def figures(self, run: Run) -> dict | None:
        found = [kept["figures"] for kept in self.read() if kept["run"] == plain(run)]
        return found[0] if found else None

    def add(self, run: Run, figures: dict) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps({"run": plain(run), "figures": figures}) + "\n")


def plain(run: Run) -> dict:
    """Settings as they are read from JSON."""
    return json.loads(json.dumps(run.to_dict()))


def trained(run: Run) -> dict:
    """Accuracies and seconds of one training."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        metrics = train(run, Path(folder), quiet=True)
    return {**metrics, "seconds": time.perf_counter() - start}


def row(name: str, run: Run, found: list[dict]) -> str:
    """A line of the table."""
    test = 100 * np.array([figures["test accuracy"] for figures in found])
    spread = test.std(ddof=1) if len(test) > 1 else 0.0
    size = sum(p.numel() for p in build(run).parameters())
    seconds = np.mean([figures["seconds"] for figures in found])
    return (
        f"| {name} | {size:,} | {test.mean():.1f} +- {spread:.1f} % | {test.min():.1f} to {test.max():.1f} % | "
        f"{SLIDES[name]} | {seconds:.0f} s |"
    )


def main() -> None:
    """Train, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", choices=SLIDES, help="one network; writes no page")
    parser.add_argument("--keep", type=Path, default=Path(".benchmarks/tetris.jsonl"), help="go on from there")
    options = parser.parse_args()
    run, kept, rows = Run.read(CONFIG), Kept(options.keep), []
    for name in [options.only] if options.only else SLIDES:
        found = []
        for seed in range(options.seeds):
            one = replace(run, training=replace(run.training, seed=seed, dense=name == "ordinary"))
            if kept.figures(one) is None:
                kept.add(one, trained(one))
            found.append(kept.figures(one))
            print(f"{name}, seed {seed}: {found[-1]['test accuracy']:.1%}", flush=True)
        rows.append(row(name, one, found))
    if not options.only:
        write_section("Tetris shapes in any rotation", text(run, options.seeds, rows))


def text(run: Run, seeds: int, rows: list[str]) -> str:
    """The section."""
    threads = torch.get_num_threads()
    where = made_with(("torch", "e3nn", "lightning"), f"CPU, {threads} thread{'s' * (threads > 1)}")
    steps = run.training.epochs * run.data.copies
    head = "| network | parameters | test accuracy | seeds | slides | training |\n|---|---|---|---|---|---|\n"
    return (
        f"Made by `python -m benchmarks.tetris --seeds {seeds}` with {where}; the seconds were not measured alone.\n\n"
        f"Both networks are trained on the eight shapes in one orientation only, at places less than a voxel from the "
        f"middle, {steps} steps of all eight ({run.data.size}^3 voxels), and tested on {run.data.rotations} random "
        "rotations of each. The ordinary network has the same layers and channels, and ReLU in place of gates. Mean "
        f"and standard deviation over {seeds} seeds of weights and order. The settings "
        "(`equivariance_zoo/steerable3d/data/tetris.toml`) "
        "were chosen on the validation rotations, with other seeds.\n\n" + head + "\n".join(rows)
    )


if __name__ == "__main__":
    main()
