"""Lines over a size on logarithmic axes; matplotlib is imported where it is drawn with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Okabe and Ito's colours, which colour-blind readers tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000")


@dataclass(frozen=True)
class Panel:
    """Lines by name, each a value for every size; a dashed line rises in proportion to the size where ``linear``."""

    label: str
    lines: Mapping[str, Mapping[int, float]]
    linear: bool = False


def draw(path: Path, size: str, panels: Sequence[Panel]) -> None:
    """Write a picture of panels side by side over the same size."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator, ScalarFormatter

    figure = Figure(figsize=(4.2 * len(panels), 3.4), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for (name, values), colour in zip(panel.lines.items(), COLOURS, strict=False):
            axes.plot(list(values), list(values.values()), "o-", color=colour, label=name, markersize=4)
        sizes = sorted({at for values in panel.lines.values() for at in values})
        axes.set(xscale="log", yscale="log", xlabel=size, ylabel=panel.label)
        axes.set_xticks(sizes, [f"{at:,}" for at in sizes])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(ScalarFormatter())
        if panel.linear:
            _proportional(axes, panel)
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=100)


def _proportional(axes, panel: Panel) -> None:
    """Through the last value of the first line."""
    sizes, values = zip(*next(iter(panel.lines.values())).items(), strict=True)
    axes.plot(sizes, [values[-1] * at / sizes[-1] for at in sizes], "--", color="#999999", label="in proportion")
