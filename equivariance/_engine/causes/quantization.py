"""Finds choices by position: positions that are rounded to the cells of a grid, and outputs that jump.

`rotation` and `translation` call these experiments. Inputs that lie on a grid themselves are treated in `grid`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.orders.row_matching import reordered
from equivariance._engine.instrumentation.operations import DECIDES
from equivariance._engine.instrumentation.perturbations import Change, noisy, scaled
from equivariance.groups.elements import Transform, cube_rotations, rotation, translation

_SMALL = 1e-6
"""Angle, and relative size of noise, that crosses no border of a cell and is far above rounding."""

_SIZES = (0.5, 1.0, 2.0, 4.0)
"""Relative sizes of the other inputs that show a grid."""

_VANISHES = 1e-3
"""Share of its largest value below which an error has vanished."""


@dataclass(frozen=True)
class Cell:
    """A length whose whole multiples are respected as translations.

    Attributes:
        axis: The direction, "x".
        length: The length, in the units of the positions.
        half: The error under a translation by half of the length.
        exact: True if the length is known to more than two digits.
    """

    axis: str
    length: float
    half: float
    exact: bool

    def evidence(self, part: str) -> str:
        """Returns the evidence in words."""
        length = f"{self.length:.4g}" if self.exact else f"about {self.length:.2g}"
        return (
            f"{part} respects translations by whole multiples of {length} along {self.axis} and no others "
            f"(half of it: error {self.half:.2g}): positions are rounded to cells of this size"
        )


def is_choice(experiment: Experiment) -> bool:
    """True if small rotations are respected, or if small changes of the input have no effect: a choice jumps."""
    return _respects_small_rotations(experiment) or is_step(experiment)


def is_step(experiment: Experiment) -> bool:
    """True if the output changes under large changes of the input, and not at all under small ones."""
    plain, small = experiment.plain, max(_SMALL, 100 * experiment.tolerance)
    if plain is None or small > 0.1 or not bool(plain.any()):
        return False
    changes = [_change_under_noise(experiment, plain, size) for size in (small, 0.3)]
    return changes[0] <= experiment.tolerance and changes[1] > 10 * small


def is_grid_of_cells(experiment: Experiment) -> bool:
    """True if exchanging the axes changes only the order of rows, as for cells of a grid.

    Other inputs are tried too: on one input, decisions by different coordinates may agree.
    """
    if not all(_same_rows(experiment, turn) for turn in _axis_exchanges()):
        return False
    tried = [experiment.with_inputs(_resize(size, experiment.seed)) for size in _SIZES]
    others = [other for other in tried if other is not None]
    if not others and DECIDES in experiment.operations:
        return False
    return all(_same_rows(other, turn) for other in others for turn in _axis_exchanges())


def respects_the_cube(experiment: Experiment) -> bool:
    """True if all 24 rotations of the cube are respected."""
    return all(experiment.respects(turn) for turn in cube_rotations()[1:])


def cell_size(experiment: Experiment) -> Cell | None:
    """Returns the size of the cells that positions fall into; None if no translation by whole cells is respected."""
    found = _period(experiment, np.eye(3)[0])
    if found is None:
        return None
    return Cell("x", found[0], _translation_error(experiment, found[0] / 2, np.eye(3)[0]), found[1])


def falls_into_cells(experiment: Experiment) -> bool:
    """True if the output jumps along a translation and goes on changing far away.

    A comparison with a threshold jumps, and does not change far away. A sine goes on changing, and does not jump.
    """
    path = np.array([2 * experiment.extent, 0, 0])
    return _jumps(experiment, lambda share: translation(share * path)) and _keeps_changing(experiment)


def jumps_under_rotation(experiment: Experiment) -> bool:
    """True if the output jumps somewhere on the way to a rotation by one radian."""
    axis = np.array([0.6, -0.64, 0.48])
    return _jumps(experiment, lambda share: rotation(share * axis))


def _keeps_changing(experiment: Experiment) -> bool:
    direction = experiment.extent * np.array([0.6, -0.64, 0.48])
    far = [_deviation(experiment, translation(times * direction)) for times in (8.3, 13.1, 21.7, 30.2, 40.9)]
    found = [d for d in far if d is not None]
    size = max((float(d.norm()) for d in found), default=0.0)
    return len(found) == len(far) and any(float((d - found[0]).norm()) > 0.01 * size for d in found[1:])


def _respects_small_rotations(experiment: Experiment) -> bool:
    """True if small rotations are respected, on other inputs too: a nonlinearity may keep few vectors by chance."""
    if not _is_steady(experiment):
        return False
    other = experiment.with_inputs(noisy(1.0, experiment.seed))
    return other is None or _is_steady(other)


def _is_steady(experiment: Experiment) -> bool:
    angle = max(_SMALL, 100 * experiment.tolerance / min(1.0, experiment.error))
    if angle > 0.05:
        return False
    axes = ([0.6, -0.64, 0.48], [-0.48, 0.6, 0.64])
    return all(experiment.outcome(rotation(angle * np.array(a))).error <= experiment.tolerance for a in axes)


def _change_under_noise(experiment: Experiment, plain: torch.Tensor, size: float) -> float:
    other = experiment.with_inputs(noisy(size, experiment.seed))
    if other is None or other.plain is None or other.plain.shape != plain.shape:
        return math.inf
    return float((other.plain - plain).double().norm() / plain.double().norm())


def _resize(size: float, seed: int) -> Change:
    """Replaces positions by others, `size` times as large."""
    larger, other = scaled(size), noisy(1.0, seed + round(100 * size))
    return lambda tensor, how, path: larger(other(tensor, how, path), how, path)


def _axis_exchanges() -> tuple[Transform, ...]:
    """Returns the two rotations that exchange the axes and reverse none."""
    return tuple(r for r in cube_rotations()[1:] if min(v for row in r.matrix for v in row) >= 0)


def _same_rows(experiment: Experiment, element: Transform) -> bool:
    outcome = experiment.outcome(element)
    if experiment.respects(element):
        return True
    if outcome.made is None or outcome.wanted is None or not outcome.comparable:
        return False
    return reordered(outcome.made, outcome.wanted, max(experiment.tolerance, 1e-9)) is not None


def _translation_error(experiment: Experiment, length: float, direction: np.ndarray) -> float:
    return experiment.outcome(translation(length * direction)).error


def _period(experiment: Experiment, direction: np.ndarray) -> tuple[float, bool] | None:
    """Returns the shortest translation along `direction` whose multiples are respected, and True if it is exact."""
    lengths = experiment.extent * 2.0 ** np.arange(-14, 2.5, 0.5)
    errors = np.array([_translation_error(experiment, v, direction) for v in lengths])
    if not np.isfinite(errors).all() or errors.max() <= experiment.tolerance:
        return None
    rising = lengths[int(np.argmax(errors >= errors.max() / 2))]
    fine = np.linspace(1.5 * rising, min(40 * rising, 3 * experiment.extent), 160)
    values = np.array([_translation_error(experiment, v, direction) for v in fine])
    if not np.isfinite(values).all():
        return None
    allowed = _VANISHES * values.max()
    tried = 0
    lowest = np.r_[False, (values[1:-1] <= values[:-2]) & (values[1:-1] <= values[2:]), False]
    for index in np.flatnonzero(lowest & (values < 0.6 * values.max())).tolist():
        low, high = fine[max(0, index - 1)], fine[min(len(fine) - 1, index + 1)]
        flat = values[index] <= allowed
        best = _middle_of_run(fine, values <= allowed, index) if flat else _minimize(experiment, direction, low, high)
        tried += not flat
        half = _translation_error(experiment, best / 2, direction) > 0.1 * values.max()
        if half and all(
            _translation_error(experiment, n * best, direction) <= 10 * allowed for n in (1, 2, 3, -1, 5, -4, 8)
        ):
            return best, not flat
        if tried > 8:
            return None
    return None


def _middle_of_run(lengths: np.ndarray, respected: np.ndarray, index: int) -> float:
    """Returns the middle of the run of respected lengths that starts at `index`."""
    broken = np.flatnonzero(~respected[index:])
    end = index + int(broken[0]) - 1 if len(broken) else len(lengths) - 1
    return float(lengths[index] + lengths[end]) / 2


def _minimize(experiment: Experiment, direction: np.ndarray, low: float, high: float) -> float:
    """Returns the length of the smallest error, by golden-section search."""
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    for _ in range(30):
        if _translation_error(experiment, left, direction) < _translation_error(experiment, right, direction):
            high, right = right, left
            left = high - ratio * (high - low)
        else:
            low, left = left, right
            right = low + ratio * (high - low)
    return (low + high) / 2


def _jumps(experiment: Experiment, path: Callable[[float], Transform]) -> bool:
    """True if the output jumps along a path of elements from 0 to 1; bisection excludes smooth changes."""
    steps = np.linspace(0, 1, 33)
    deviations = [d for d in (_deviation(experiment, path(float(s))) for s in steps) if d is not None]
    if len(deviations) < len(steps):
        return False
    size = max(float(d.abs().max()) for d in deviations)
    index = int(np.argmax([_largest_difference(a, b) for a, b in pairwise(deviations)]))
    low, high, first, last = steps[index], steps[index + 1], deviations[index], deviations[index + 1]
    for _ in range(16):
        middle = (low + high) / 2
        between = _deviation(experiment, path(float(middle)))
        if between is None:
            return False
        if _largest_difference(first, between) > _largest_difference(between, last):
            high, last = middle, between
        else:
            low, first = middle, between
    return _largest_difference(first, last) > 1e-2 * size


def _largest_difference(one: torch.Tensor, two: torch.Tensor) -> float:
    return float((two - one).abs().max())


def _deviation(experiment: Experiment, element: Transform) -> torch.Tensor | None:
    outcome = experiment.outcome(element)
    if outcome.made is None or outcome.wanted is None or not outcome.comparable:
        return None
    return (outcome.made - outcome.wanted).double()
