"""Formats an evaluation as Markdown and CSV, for `page`. It writes no file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence

from torch import Tensor

from equivariance_zoo.landmarks.evaluation.measure import THRESHOLDS
from equivariance_zoo.landmarks.evaluation.report import LABEL, report_table_1
from equivariance_zoo.landmarks.evaluation.results import CED_GRID, Evaluation, ced, figures, table_1
from equivariance_zoo.landmarks.metrics import FAILURE

_UNKNOWN = "-"


def summary(evaluation: Evaluation) -> str:
    """Returns a Markdown table: one row per network and condition."""
    rows = []
    for network in evaluation.networks:
        for measurement in network.measurements:
            f = figures(measurement)
            errors = [f"{f[name]:.2f}" for name in ("soft_mm", "refined_mm")]
            shares = [f"{100 * f[name]:.1f} %" for name in ("normalized", "failure_rate")]
            rows.append([network.name, measurement.condition, f"{f['iou']:.4f}", *errors, *shares])
    head = ["network", "condition", "IoU at 0.2", "error, soft argmax (mm)", "error, refined (mm)",
            "refined, over interocular", f"faces above {100 * FAILURE:.0f} %"]  # fmt: skip
    return markdown(head, rows)


def beside_the_report(evaluation: Evaluation) -> str:
    """Returns a Markdown table of the mean IoU at 0.2: a row per network and for the report, a column per condition."""
    rows = [
        [network.name, *(_four(float(table_1(m).nanmean())) for m in network.measurements)]
        for network in evaluation.networks
    ]
    theirs = report_table_1()
    means = [_four(float(theirs[c].mean())) if c in theirs else _UNKNOWN for c in evaluation.conditions]
    return markdown(["mean IoU at 0.2", *evaluation.conditions], [*rows, [LABEL, *means]])


def per_landmark(evaluation: Evaluation, number: int) -> str:
    """Returns a Markdown table like the report's Table 1 for one network: one row per landmark.

    The best landmark of a condition is bold, the worst in italics.
    """
    columns = [table_1(measurement) for measurement in evaluation.networks[number].measurements]
    marked = [_mark_extremes(column) for column in columns]
    rows = [[str(landmark), *cells] for landmark, cells in enumerate(zip(*marked, strict=True))]
    mean = ["mean", *(_four(float(column.nanmean())) for column in columns)]
    return markdown(["#", *evaluation.conditions], [*rows, mean])


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table, with a line end after each row."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def iou_csv(evaluation: Evaluation) -> str:
    """Returns CSV: one row per network, condition, landmark and threshold. An undefined IoU is empty."""
    rows = (
        (name, condition, landmark, threshold, _number(float(value)))
        for name, condition, measurement in _all(evaluation)
        for threshold, line in zip(THRESHOLDS, measurement.iou, strict=True)
        for landmark, value in enumerate(line)
    )
    return _csv(("network", "condition", "landmark", "threshold", "iou"), rows)


def errors_csv(evaluation: Evaluation) -> str:
    """Returns CSV of the mean errors in millimetres: one row per network, condition and landmark."""
    rows = (
        (name, condition, landmark, _number(float(soft)), _number(float(refined)))
        for name, condition, measurement in _all(evaluation)
        for landmark, (soft, refined) in enumerate(
            zip(measurement.soft_mm.mean(0), measurement.refined_mm.mean(0), strict=True)
        )
    )
    return _csv(("network", "condition", "landmark", "soft_mm", "refined_mm"), rows)


def ced_csv(evaluation: Evaluation) -> str:
    """Returns CSV of the share of faces with at most a normalized error: one row per network, condition and error."""
    rows = (
        (name, condition, error, _number(float(share)))
        for name, condition, measurement in _all(evaluation)
        for error, share in zip(CED_GRID, ced(measurement), strict=True)
    )
    return _csv(("network", "condition", "normalized_error", "share"), rows)


def _all(evaluation: Evaluation) -> Iterator[tuple]:
    for network in evaluation.networks:
        for measurement in network.measurements:
            yield network.name, measurement.condition, measurement


def _mark_extremes(column: Tensor) -> list[str]:
    cells = [_four(float(value)) for value in column]
    known = column.round(decimals=6)  # if two differ by rounding alone, the first is marked
    best, worst = int(known.nan_to_num(-1).argmax()), int(known.nan_to_num(2).argmin())
    cells[worst] = f"*{cells[worst]}*"
    cells[best] = f"**{cells[best].strip('*')}**"
    return cells


def _four(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else _UNKNOWN


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
