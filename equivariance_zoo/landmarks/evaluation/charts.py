"""Draws the charts of an evaluation as matplotlib figures, for `page`. It writes no file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation
from torch import Tensor

from equivariance_zoo.faces import heatmaps
from equivariance_zoo.faces.upright import upright
from equivariance_zoo.landmarks.evaluation.measure import THRESHOLDS, Measurement
from equivariance_zoo.landmarks.evaluation.report import LABEL, report_table_1
from equivariance_zoo.landmarks.evaluation.results import CED_GRID, Evaluated, Evaluation, ced, table_1
from equivariance_zoo.landmarks.metrics import FAILURE
from equivariance_zoo.landmarks.pictures import draw_face, spread_heat

# Okabe and Ito's colours, which colour-blind readers can distinguish.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f7f7f")
_REPORT_COLOUR = "#b0b0b0"
_LANDMARKS = 68
_COLUMNS = 9


def conditions_chart(evaluation: Evaluation) -> Any:
    """Draws bars of the mean IoU at 0.2 under every condition: the networks and the report's figures."""
    theirs = report_table_1()
    series = [
        (network.name, [float(table_1(m).nanmean()) for m in network.measurements], COLOURS[number])
        for number, network in enumerate(evaluation.networks)
    ]
    means = [float(theirs[c].mean()) if c in theirs else np.nan for c in evaluation.conditions]
    series.append((LABEL, means, _REPORT_COLOUR))
    figure = _figure(max(6.4, 1.3 * len(means)), 3.8)
    axes = figure.subplots()
    width = 0.8 / len(series)
    for number, (name, values, colour) in enumerate(series):
        at = np.arange(len(values)) + (number - (len(series) - 1) / 2) * width
        bars = axes.bar(at, np.nan_to_num(values), width, color=colour, label=name)
        axes.bar_label(bars, [f"{v:.2f}" if np.isfinite(v) else "" for v in values], fontsize=7, padding=1)
    axes.set(xticks=np.arange(len(means)), ylim=(0, 1), ylabel="mean IoU at 0.2")
    axes.set_xticklabels(evaluation.conditions)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def ced_chart(evaluation: Evaluation) -> Any:
    """Draws cumulative error curves, a panel per network and a line per condition."""
    grid = 100 * np.array(CED_GRID)
    figure, panels = _by_network(evaluation, lambda m: (grid, ced(m)), "share of faces",
                                 xlabel="mean error (% of interocular)", xlim=(0, grid[-1]))  # fmt: skip
    for axes in panels:
        axes.axvline(100 * FAILURE, color="#999999", linewidth=0.8)
    return figure


def iou_chart(network: Evaluated) -> Any:
    """Draws the IoU over the threshold for each landmark, a panel per landmark and a line per condition."""
    rows = -(-_LANDMARKS // _COLUMNS)
    figure = _figure(1.35 * _COLUMNS, 1.2 * rows + 0.5)
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True).ravel()
    for landmark, axes in enumerate(panels[:_LANDMARKS]):
        _lines(axes, network, [(THRESHOLDS, m.iou[:, landmark]) for m in network.measurements], width=0.9)
        axes.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        axes.set_title(str(landmark), fontsize=8, pad=2)
        axes.tick_params(labelsize=6)
    for above, axes in zip(panels[_LANDMARKS - _COLUMNS :], panels[_LANDMARKS:], strict=False):
        axes.set_axis_off()
        above.tick_params(labelbottom=True)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=7, frameon=False)
    figure.supxlabel("threshold", fontsize=9)
    figure.supylabel(f"IoU of {network.name}", fontsize=9)
    return figure


def mean_iou_chart(evaluation: Evaluation) -> Any:
    """Draws the mean IoU over the threshold, a panel per network and a line per condition."""
    return _by_network(evaluation, lambda m: (THRESHOLDS, m.iou.nanmean(1)), "mean IoU",
                       xlabel="threshold", xlim=(0.1, 0.95))[0]  # fmt: skip


def _by_network(
    evaluation: Evaluation, curve: Callable[[Measurement], tuple[Any, Any]], ylabel: str, **settings: Any
) -> tuple[Any, Any]:
    """Draws a figure with a panel per network and a line per condition; returns it and its panels."""
    count = len(evaluation.networks)
    figure = _figure(4.6 * count + 1.4, 3.8)
    panels = np.atleast_1d(figure.subplots(1, count, sharey=True))
    for axes, network in zip(panels, evaluation.networks, strict=True):
        _lines(axes, network, [curve(m) for m in network.measurements])
        axes.set(title=network.name, ylim=(0, 1), **settings)
    panels[0].set_ylabel(ylabel)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    return figure, panels


def heatmap_pictures(network: Evaluated) -> Any:
    """Draws the best landmark's heatmap under each condition, predicted and true (report, figures 3 and 4)."""
    count = len(network.measurements)
    figure = _figure(1.7 * count, 4.2)
    panels = figure.subplots(2, count, squeeze=False)
    for (above, below), measurement in zip(panels.T, network.measurements, strict=True):
        best = int(table_1(measurement).round(decimals=6).nan_to_num(-1).argmax())
        predicted, true = _shown_heatmaps(measurement, best)
        for axes, heat in ((above, predicted), (below, true)):
            _draw(axes, measurement, heat)
        above.set_title(f"{measurement.condition}\nlandmark {best}", fontsize=8)
    for axes, word in zip(panels[:, 0], ("predicted", "true"), strict=True):
        axes.text(-0.04, 0.5, word, rotation=90, va="center", ha="right", transform=axes.transAxes, fontsize=9)
    figure.suptitle(network.name, fontsize=10)
    return figure


def _shown_heatmaps(measurement: Measurement, landmark: int) -> tuple[Tensor, Tensor]:
    """Returns the predicted and the true heatmap [N] of the shown face."""
    face = measurement.faces[[measurement.shown]]
    true = heatmaps(face.positions, face.landmarks)[0, :, landmark]
    return measurement.heatmaps[:, landmark], true


def _draw(axes: Any, measurement: Measurement, heat: Tensor) -> None:
    face = measurement.faces[[measurement.shown]]
    positions, surface, landmarks = (
        tensor[0].double().numpy() for tensor in (face.positions, face.surface, face.landmarks)
    )
    pose: Rotation = upright(landmarks)
    draw_face(axes, surface, pose, spread_heat(heat.double().numpy(), positions, surface), size=9)


def _lines(axes: Any, network: Evaluated, curves: Sequence[tuple[Any, Any]], width: float = 1.5) -> None:
    for number, (measurement, (x, y)) in enumerate(zip(network.measurements, curves, strict=True)):
        # Curves that coincide are seen as dashes of several colours.
        style = (0, (5, number)) if number else "-"
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(x, np.asarray(y), color=colour, linestyle=style, linewidth=width, label=measurement.condition)
    axes.grid(color="#dddddd", linewidth=0.5)


def _figure(width: float, height: float) -> Any:
    from equivariance_zoo.training.extras import import_extra

    figure = import_extra("matplotlib.figure", "charts", "train")
    return figure.Figure(figsize=(width, height), layout="constrained", facecolor="white")
