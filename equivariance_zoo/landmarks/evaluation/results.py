"""Results of an evaluation as values, and as plain numbers for files.

The command `evaluate` builds an `Evaluation`; `tables`, `charts` and `page` read it. It measures nothing (`measure`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from equivariance_zoo.landmarks.evaluation.measure import THRESHOLDS, Measurement
from equivariance_zoo.landmarks.metrics import FAILURE, IOU_THRESHOLD, cumulative_errors, failure_rate

CED_GRID = tuple(round(0.0025 * step, 4) for step in range(81))
"""Errors of the cumulative curve, in outer interocular distances: 0 to 0.2."""

_AT_TABLE_1 = THRESHOLDS.index(IOU_THRESHOLD)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """One network under every condition.

    Attributes:
        name: Name in tables and charts.
        checkpoint: The file of the weights.
        parameters: Number of learned parameters.
        settings: Settings of the network and of its training.
        training: Its last training, in words.
        metrics: Figures that its training measured.
        measurements: One per condition.
    """

    name: str
    checkpoint: str
    parameters: int
    settings: Mapping[str, Any]
    training: str
    metrics: Mapping[str, float]
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Networks side by side on the same faces in the same poses.

    Attributes:
        data: The file of the faces.
        source: Name of the source of the faces.
        faces: Number of faces.
        subjects: Number of people.
        points: N, the size of the clouds.
        seed: Seed of the random motions.
        looks: Number of clouds of each face over which the refined landmarks are averaged.
        networks: The evaluated networks, in the order of the columns.
    """

    data: str
    source: str
    faces: int
    subjects: int
    points: int
    seed: int
    looks: int
    networks: tuple[Evaluated, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions under which the faces were moved, in order."""
        return tuple(measurement.condition for measurement in self.networks[0].measurements)


def table_1(measurement: Measurement) -> Tensor:
    """Returns the IoU at the report's threshold of 0.2: [68] float64."""
    return measurement.iou[_AT_TABLE_1]


def ced(measurement: Measurement) -> Tensor:
    """Returns the share of faces with a normalized error of at most each value of `CED_GRID`: [G] float64."""
    return cumulative_errors(measurement.normalized, torch.tensor(CED_GRID, dtype=torch.float64))


def figures(measurement: Measurement) -> dict[str, float]:
    """Returns the figures of one network under one condition: means over faces and landmarks."""
    return {
        "iou": float(table_1(measurement).nanmean()),
        "soft_mm": float(measurement.soft_mm.mean()),
        "refined_mm": float(measurement.refined_mm.mean()),
        "normalized": float(measurement.normalized.mean()),
        "failure_rate": failure_rate(measurement.normalized),
    }


def to_plain(evaluation: Evaluation) -> dict[str, Any]:
    """Returns all results as JSON values; a number that is not finite is None."""
    plain: dict[str, Any] = _finite(
        {
            **{
                name: getattr(evaluation, name)
                for name in ("data", "source", "faces", "subjects", "points", "seed", "looks")
            },
            "thresholds": list(THRESHOLDS),
            "failure_threshold": FAILURE,
            "ced_errors": list(CED_GRID),
            "networks": [_network(network) for network in evaluation.networks],
        }
    )
    return plain


def _network(network: Evaluated) -> dict[str, Any]:
    return {
        **{name: getattr(network, name) for name in ("name", "checkpoint", "parameters")},
        "settings": dict(network.settings),
        "metrics": dict(network.metrics),
        "conditions": {m.condition: _measurement(m) for m in network.measurements},
    }


def _measurement(measurement: Measurement) -> dict[str, Any]:
    return {
        **figures(measurement),
        "landmarks": {
            "iou": measurement.iou.tolist(),
            "soft_mm": measurement.soft_mm.mean(0).tolist(),
            "refined_mm": measurement.refined_mm.mean(0).tolist(),
        },
        "ced": ced(measurement).tolist(),
    }


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {key: _finite(each) for key, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
        case float():
            return value if math.isfinite(value) else None
        case _:
            return value
