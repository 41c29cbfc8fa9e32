"""Time and memory of the network over each size, a picture for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.charts import Panel, draw
from benchmarks.speed.case import Case
from benchmarks.speed.plan import PARTS, SIZES, Figures

LINEAR = ("points", "batch")


def draw_all(found: Mapping[Case, Figures], folder: Path) -> None:
    """Write speed_points.png and so on into ``folder``."""
    for part in SIZES:
        figures = {getattr(case, part): found[case] for case in PARTS[part] if case in found}
        if not figures:
            continue
        times = {
            "training step": {size: 1e3 * one.step for size, one in figures.items()},
            "forward": {size: 1e3 * one.forward for size, one in figures.items()},
        }
        peaks = {"peak of a training step": {size: one.peak for size, one in figures.items()}}
        panels = [Panel("time (ms)", times, part in LINEAR), Panel("memory of the process (MiB)", peaks)]
        draw(folder / f"speed_{part}.png", part, panels)
