"""Guesses the unit of length of a scan from its size. `predictor` calls it if no unit is given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

NOMINAL_UNIT_MM = 132.0
"""Millimetres of one unit of a normalised ICT face, on average: the unit of networks trained on ICT faces."""

UNITS_MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "in": 25.4, "face": NOMINAL_UNIT_MM}
"""Units in millimetres; "face" is the unit of prepared faces, whose largest coordinate is 1."""

_SPREAD_MM = 100.0
"""Median distance of a head's points from its centre; of a face alone 85, of head and shoulders 250."""


def likely_units(points: npt.NDArray[np.float64]) -> list[str]:
    """Returns names of `UNITS_MM`, the likeliest first, by the size of the cloud [n, 3] relative to a head."""
    distances = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    spread = max(float(np.median(distances)), np.finfo(np.float64).tiny)
    return sorted(UNITS_MM, key=lambda name: abs(np.log(spread * UNITS_MM[name] / _SPREAD_MM)))
