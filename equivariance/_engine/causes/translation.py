"""Explains why a layer violates translations, from the growth of the error with |t|.

`explain` calls it. Layers on a grid are treated in `grid`.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from equivariance._engine.causes.components.component_axis import degree_of, rows_of
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.quantization import cell_size, falls_into_cells
from equivariance._engine.instrumentation.operations import DECIDES
from equivariance.cause_catalogue import remedy
from equivariance.groups.elements import Transform, translation
from equivariance.representations.standard import CartesianPoints

_FLAT = 0.3
"""Slope below which an error does not grow with |t|."""


def explain_translation(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the explanation: a position in place of a difference, or a grid whose cells are respected."""
    slope = slope_of(experiment)
    if (slope is None or slope < 2 * _FLAT) and falls_into_cells(experiment):
        cell = cell_size(experiment)
        if cell is None and DECIDES in experiment.operations:
            text = f"{part} jumps under translations: what the statement decides by changes with them"
            return explained("position-decides", text)
        text = f"{part} jumps under translations, far from the origin too, and by no more there: cells of a grid"
        return explained("cells", cell.evidence(part) if cell else text, remedy("discretization"))
    shares = _shares(experiment)
    points = isinstance(experiment.how, CartesianPoints)
    growth = _describe_growth(slope)
    if shares is not None:
        return _explain_linear(growth, shares, points)
    where = "a position is used where a difference of positions is due"
    if slope is not None and slope > 1.5:
        return explained("position-squared", f"the error {growth}: {where}, in a square or a product")
    if slope is not None and slope < _FLAT:
        return explained("position-bounded", f"the error {growth}: {where}, in a bounded function")
    return Explanation("absolute-position", f"the error {growth}: {where}")


def _describe_growth(slope: float | None) -> str:
    if slope is None:
        return "does not vanish"
    power = f"|t|^{_unsigned_zero(slope, 2):.2f}"
    return f"grows as {power}" if slope >= _FLAT else f"does not grow with |t| (as {power})"


def slope_of(experiment: Experiment) -> float | None:
    """Returns the exponent of the error over the length of long translations; None if it cannot be fitted."""
    factor = max(1.0, experiment.extent / max(experiment.element.distance, 1e-300))
    start = 2.0 ** math.ceil(math.log2(factor)) * np.array(experiment.element.vector)
    points = []
    for times in (1.0, 4.0, 16.0):
        error = experiment.outcome(translation(times * start)).error
        if experiment.tolerance < error < math.inf:
            points.append((math.log(times), math.log(error)))
    if len(points) < 2:
        return None
    lengths, errors = zip(*points, strict=True)
    return float(np.polyfit(lengths, errors, 1)[0])


def _shares(experiment: Experiment) -> tuple[float, float] | None:
    """Returns the least and largest multiple of t in the rows of the deviation; None if they hold anything else."""
    how, outcome = experiment.how, experiment.outcome(experiment.element)
    if how is None or outcome.made is None or outcome.wanted is None or not outcome.comparable:
        return None
    if degree_of(how, experiment.key[1]) != 1:
        return None
    vector = torch.tensor(experiment.element.vector, dtype=torch.float64, device="cpu")
    rows = rows_of(outcome.made - outcome.wanted, how, experiment.key[1])
    shares = rows @ vector / vector.square().sum()
    rest = rows - shares[:, None] * vector
    if float(rest.norm()) > 1e-3 * float(rows.norm()):
        return None
    return float(shares.min()), float(shares.max())


def _explain_linear(growth: str, shares: tuple[float, float], points: bool) -> Explanation:
    least, most = shares
    if points:
        least, most = least + 1, most + 1
    one = most - least < 1e-6 + 1e-3 * max(abs(most), abs(least))
    carried = f"{_format_share(most)} t" if one else f"between {_format_share(least)} t and {_format_share(most)} t"
    if points:
        text = f"the error {growth} and the output carries {carried} where points carry 1 t: "
        text += "it does not follow the translation"
        return explained("points-left-behind", text)
    text = f"the error {growth} and carries {carried}: a position is used where a difference of positions is due"
    return explained("position-in-proportion", text)


def _format_share(value: float) -> str:
    return f"{_unsigned_zero(value, 3):.3f}" if abs(value) >= 0.1 or abs(value) < 1e-9 else f"{value:.2g}"


def _unsigned_zero(value: float, digits: int) -> float:
    """Rounds a number; a zero has no sign, because only rounding would give it one."""
    return round(value, digits) + 0.0
