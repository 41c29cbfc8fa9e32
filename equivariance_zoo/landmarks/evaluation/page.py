"""Writes an evaluation as files: a page in Markdown, with charts, tables and numbers beside it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from equivariance_zoo.landmarks.evaluation import tables
from equivariance_zoo.landmarks.evaluation.charts import (
    ced_chart,
    conditions_chart,
    heatmap_pictures,
    iou_chart,
    mean_iou_chart,
)
from equivariance_zoo.landmarks.evaluation.report import LABEL
from equivariance_zoo.landmarks.evaluation.results import Evaluated, Evaluation, to_plain
from equivariance_zoo.landmarks.metrics import FAILURE
from equivariance_zoo.landmarks.pictures import to_png
from equivariance_zoo.training.files import make_folder, replace_file

PAGE = "landmarks.md"
FOLDER = "landmarks"
_METHOD = f"""\
Each face is given alone, as in use. **IoU** is the intersection over union of the points at which the predicted and
the true heatmap are above the threshold, per face and landmark, then averaged over the faces; where neither has such a
point there is nothing to compare. **Soft argmax** is the mean of the points weighted by the heat above half of its
peak. **Refined** landmarks are the places on the dense surface whose bells fit the heatmaps best, the mean of all
looks; looks after the first are at other points of the same surface, as `predict` takes them. Normalized errors are
divided by the distance of the outer eye corners; a face has failed above {100 * FAILURE:.0f} %.

Conditions: none, the faces as they are; ICP, moved at random and aligned again, without the true landmarks;
ST, moved at random and left so; r, rotations uniform over SO(3); t, translations up to 10 units along each axis (a face
is 2 units high); rt, both. The row "{LABEL}" is the report's Table 1: other faces, its own training; it is no
measurement of ours.
"""


def write(evaluation: Evaluation, output: Path, command: str) -> list[Path]:
    """Writes the page and its folder.

    All contents are made before the first file is written. Each file is written completely or not at all.

    Args:
        evaluation: The evaluation.
        output: The folder; it is created.
        command: The command line of the evaluation, quoted on the page.

    Returns:
        The files, the page last.

    Raises:
        OSError: If a file cannot be written.
        ValueError: If the folder cannot be created.
        ImportError: If matplotlib is not installed.
    """
    charts = _charts(evaluation)
    contents = {f"{FOLDER}/{name}.png": to_png(figure) for name, figure in charts.items()}
    contents |= {
        f"{FOLDER}/iou.csv": tables.iou_csv(evaluation).encode(),
        f"{FOLDER}/errors.csv": tables.errors_csv(evaluation).encode(),
        f"{FOLDER}/ced.csv": tables.ced_csv(evaluation).encode(),
        f"{FOLDER}/landmarks.json": (json.dumps(to_plain(evaluation), allow_nan=False) + "\n").encode(),
        PAGE: _page(evaluation, command).encode(),
    }
    make_folder(output / FOLDER)
    for name, content in contents.items():
        replace_file(output / name, content)
    return [output / name for name in contents]


def _charts(evaluation: Evaluation) -> Mapping[str, Any]:
    charts = {
        "conditions": conditions_chart(evaluation),
        "ced": ced_chart(evaluation),
        "iou": mean_iou_chart(evaluation),
    }
    for network in evaluation.networks:
        charts[f"iou_{network.name}"] = iou_chart(network)
        charts[f"heatmaps_{network.name}"] = heatmap_pictures(network)
    return charts


def _page(evaluation: Evaluation, command: str) -> str:
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    of = f"{evaluation.faces:,} faces of {evaluation.subjects:,} people, {evaluation.points:,} points each"
    parts = [
        "# Landmarks in any pose",
        f"Made by\n\n```\n{command}\n```\n\nwith {versions}, {platform.machine()}, {_device()}.",
        f"Faces: {evaluation.source}, {of}; they are not FaceScape's. Motions of seed {evaluation.seed}. "
        f"Looks at each face: {evaluation.looks}.",
        "## Figures",
        tables.summary(evaluation),
        tables.beside_the_report(evaluation),
        _picture("conditions", "mean IoU at 0.2 under each condition"),
        _METHOD,
        "## Networks",
        tables.markdown(("network", "checkpoint", "parameters", "last training"), map(_about, evaluation.networks)),
        "The last training may have begun with weights of another one.",
        "## Over all thresholds",
        _picture("iou", "mean IoU over the threshold"),
        "## Cumulative errors",
        _picture("ced", "share of the faces with at most this error"),
    ]
    for number, network in enumerate(evaluation.networks):
        parts += [
            f"## Heatmaps of {network.name}",
            "The best landmark of each condition on the face whose IoU is the median, turned to the front for the eye.",
            _picture(f"heatmaps_{network.name}", f"predicted and true heatmaps of {network.name}"),
            f"## Each landmark of {network.name}",
            _picture(f"iou_{network.name}", f"IoU of {network.name} over the threshold for each landmark"),
            "IoU at 0.2, as the report's Table 1; the best of each condition is bold, the worst in italics.",
            tables.per_landmark(evaluation, number),
        ]
    return "\n".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def _picture(name: str, words: str) -> str:
    return f"![{words}]({FOLDER}/{name}.png)"


def _about(network: Evaluated) -> tuple[str, ...]:
    return network.name, f"`{network.checkpoint}`", f"{network.parameters:,}", network.training


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, threads: {torch.get_num_threads()}"
