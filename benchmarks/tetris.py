"""Tetris shapes, trained in one orientation and tested in all: `python -m benchmarks.tetris`.

Writes its section of docs/results/steerable3d.md.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import steerable3d
from benchmarks.made import made_with
from benchmarks.sections import PAGE, write_section
from steerable3d.settings import Run
from steerable3d.training import train

CONFIG = Path(steerable3d.__file__).parent / "data" / "tetris.toml"
SLIDES = {"steerable": "99 +- 2 %", "ordinary": "27 +- 7 %"}


def accuracies(run: Run, seeds: int, dense: bool) -> list[float]:
    """The test accuracy of each seed."""
    found = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            one = replace(run, training=replace(run.training, seed=seed, dense=dense))
            found.append(train(one, Path(folder), quiet=True)["test accuracy"])
        print(f"{'ordinary' if dense else 'steerable'} {seed}: {found[-1]:.1%}", flush=True)
    return found


def main() -> None:
    """Train, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args()
    run, rows, start = Run.read(CONFIG), [], time.perf_counter()
    for name, dense in (("steerable", False), ("ordinary", True)):
        found = 100 * np.array(accuracies(run, options.seeds, dense))
        figure = f"{found.mean():.1f} +- {found.std(ddof=1) if len(found) > 1 else 0:.1f} %"
        rows.append(f"| {name} | {figure} | {found.min():.1f} % | {SLIDES[name]} |")
    minutes = (time.perf_counter() - start) / 60
    where = made_with(("torch", "e3nn", "lightning"), f"{torch.get_num_threads()} threads", f"{minutes:.0f} minutes")
    head = "| network | accuracy, mean and deviation | worst seed | slides |\n|---|---|---|---|\n"
    write_section(
        "Tetris shapes in any rotation",
        f"Made by `python -m benchmarks.tetris --seeds {options.seeds}` with {where}.\n\n"
        f"Both networks are trained on the eight shapes in one orientation and tested on {8 * run.data.rotations} "
        f"random rotations of them ({run.data.size}^3 voxels, {run.training.epochs} epochs). The ordinary network has "
        "the same layers, kernels and channels, and ReLU in place of gates.\n\n" + head + "\n".join(rows),
        options.output,
    )


if __name__ == "__main__":
    main()
