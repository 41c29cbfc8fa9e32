"""Lines over a size on a logarithmic axis; matplotlib is imported where it is drawn with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Okabe and Ito's colours, which colour-blind readers tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#56b4e9", "#e69f00")
WIDE = 20


@dataclass(frozen=True)
class Panel:
    """Lines by name, each a value for every size; a dashed line rises in proportion to the size where ``linear``."""

    label: str
    lines: Mapping[str, Mapping[int, float]]
    linear: bool = False


def draw(path: Path, size: str, panels: Sequence[Panel]) -> None:
    """Write a picture of panels side by side over the same size."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    most = max(len(panel.lines) for panel in panels)
    if most > len(COLOURS):
        raise ValueError(f"panels: expected at most {len(COLOURS)} lines in each, got {most}")
    figure = Figure(figsize=(4.2 * len(panels), 3.4), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for (name, values), colour in zip(panel.lines.items(), COLOURS, strict=False):
            axes.plot(list(values), list(values.values()), "o-", color=colour, label=name, markersize=4)
        sizes = sorted({at for values in panel.lines.values() for at in values})
        axes.set(xscale="log", xlabel=size, ylabel=panel.label)
        _scale(axes, [value for values in panel.lines.values() for value in values.values()])
        axes.set_xticks(sizes, [f"{at:,}" for at in sizes])
        axes.xaxis.set_minor_locator(NullLocator())
        if panel.linear:
            _proportional(axes, panel)
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=100)


def _scale(axes: Any, values: Sequence[float]) -> None:
    """From zero, or logarithmic where a wide range would press the small values together."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    if max(values) < WIDE * min(values):
        axes.set_ylim(0, 1.15 * max(values))
    else:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _proportional(axes: Any, panel: Panel) -> None:
    """Through the last value of the first line."""
    sizes, values = zip(*next(iter(panel.lines.values())).items(), strict=True)
    axes.plot(sizes, [values[-1] * at / sizes[-1] for at in sizes], "--", color="#999999", label="in proportion")
