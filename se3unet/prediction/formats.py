"""Formats a prediction for other programs: JSON, LJSON, .pts. It writes no file (`output`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from equivariance_zoo.landmarks.ibug import LINES, PARTS, part_of
from se3unet.prediction.predictor import Prediction

_DIGITS = 9
"""Significant digits: a tenth of a micrometre at a hundred metres from the origin, in millimetres."""


def to_json(prediction: Prediction, about: Mapping[str, Any]) -> str:
    """Returns all results of a prediction as JSON; the entries of `about` come first."""
    content = {
        **about,
        "unit": prediction.unit,
        "unit_mm": prediction.unit_mm,
        "unit_guessed": prediction.guessed,
        "confidence": round(prediction.confidence, 4),
        "landmarks": _rows(prediction),
        "certainties": [round(certainty, 4) for certainty in prediction.certainties.tolist()],
        "parts": [part_of(number) for number in range(len(prediction.landmarks))],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def to_ljson(prediction: Prediction) -> str:
    """Returns menpo's LJSON, version 2: points, lines between them, and a mask for each part of the face."""
    content = {
        "version": 2,
        "labels": [{"label": name.replace(" ", "_"), "mask": list(numbers)} for name, numbers in PARTS.items()],
        "landmarks": {"connectivity": [list(line) for line in LINES], "points": _rows(prediction)},
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def to_pts(prediction: Prediction) -> str:
    """Returns the .pts format of iBUG, with three coordinates."""
    rows = [" ".join(map(repr, row)) for row in _rows(prediction)]
    return "\n".join(["version: 1", f"n_points: {len(rows)}", "{", *rows, "}", ""])


def _rows(prediction: Prediction) -> list[list[float]]:
    return [[float(f"{value:.{_DIGITS}g}") for value in row] for row in prediction.landmarks.tolist()]
