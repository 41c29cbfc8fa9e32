"""Decides whether an error is rounding or a violation, from measured rounding floors.

`error` is measured in the reference precision. If it clearly exceeds `rounding_floor`, the response to last-bit
perturbations, it is a violation. `tested_error` is measured in the tested precision, and `tested_floor` is the distance
of the tested run from the reference run. Both show the effect of rounding on a sound layer.

`survey` makes a `Measurement` per part and site; `localization`, `causes` and `diagnosis` read its verdict. This module
runs nothing and knows no tensors. The policy and the constants are documented in docs/tolerance.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import torch

CONFIDENCE = 100.0
"""Number of floors below which an error is rounding: floors are measured on few perturbations."""

CLEAN = 32.0
"""Number of machine epsilons up to which an error is clean."""

SINGLE = 16 * torch.finfo(torch.float32).eps
"""Error in float64 below which a constant that was rounded to float32 explains it."""

GRID = 3.0
"""Number of grid floors below which an error between the cells of a grid comes from interpolation."""

AMPLIFIED = 1e4
"""Condition number above which a layer is called ill-conditioned."""

JUMP = 1e-3
"""Response to last-bit noise that is a jump and no amplification: in float64 the condition number would exceed 1e12."""


_DOUBLE = 1e-10
"""Bound on the machine epsilon of float64, below that of all other precisions."""


class Verdict(IntEnum):
    """Verdicts in ascending order of severity."""

    CLEAN = 0
    ROUNDING = 1
    GRID = 2
    ILL_CONDITIONED = 3
    PRECISION = 4
    BROKEN = 5

    def __str__(self) -> str:
        """Returns the verdict as written in reports."""
        return "structural" if self is Verdict.BROKEN else self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Measurement:
    """The measurement of one part at one site; all errors are relative to the size of the part.

    Attributes:
        error: Equivariance error in the reference precision.
        rounding_floor: Response to last-bit perturbations in the reference precision.
        epsilon: Machine epsilon of the reference precision.
        tested_error: Equivariance error in the tested precision.
        tested_floor: Distance of the tested run from the reference run.
        tested_epsilon: Machine epsilon of the tested precision.
        discrete: True if the values are integers or booleans.
        reach: Size of the coordinates relative to the cloud, 1 + |t| / extent: a translation t costs bits.
        stored_epsilon: Machine epsilon of parameters and buffers in the tested precision.
        grid: Interpolation error of grids, from two interpolations of inputs and outputs; 0 if cells go to cells.
        tie: True if last-bit noise makes the value jump at the example, and the law holds at inputs nearby.
        jump: Size of the jump that last-bit noise makes at generic inputs; 0 if there is none.
        reordered: True if entries were only reordered, and everything was computed in float64. Rounded constants then
            explain no error.
    """

    error: float
    rounding_floor: float
    epsilon: float
    tested_error: float
    tested_floor: float
    tested_epsilon: float
    discrete: bool = False
    reach: float = 1.0
    stored_epsilon: float = 0.0
    grid: float = 0.0
    tie: bool = False
    jump: float = 0.0
    reordered: bool = False

    @property
    def is_excused(self) -> bool:
        """True if the measured floor excuses an error that the rounding of the comparison does not explain."""
        least = 0.0 if self.discrete else CONFIDENCE * 4 * self.epsilon * self.reach
        return least < self.error - GRID * self.grid and not self.error > self.tolerance

    @property
    def condition(self) -> float:
        """Condition number: the amplification of last-bit perturbations, at least 1."""
        return max(1.0, self.rounding_floor / self.epsilon)

    @property
    def tolerance(self) -> float:
        """Largest error that rounding in the reference precision and interpolation explain."""
        return self.rounding + GRID * self.grid

    @property
    def rounding(self) -> float:
        """Largest error that rounding in the reference precision explains."""
        if self.discrete:
            return CONFIDENCE * self.rounding_floor
        return CONFIDENCE * max(self.rounding_floor, 4 * self.epsilon) * self.reach

    @property
    def _storage_rounding(self) -> float:
        """Largest error that parameters and buffers rounded to a lower precision explain; 0 if none were rounded."""
        rounded = self.epsilon < _DOUBLE and not self.discrete and not self.reordered
        return max(SINGLE, self.stored_epsilon) if rounded else 0.0

    @property
    def stored(self) -> float:
        """Error that float64 runs keep because parameters and buffers were rounded to the tested precision.

        The whole rounding counts for an error of its size, and at most a hundredth of a larger error. If the tested
        precision is the reference precision, the value is 0.
        """
        if self.stored_epsilon <= self.epsilon:
            return 0.0
        return (
            self._storage_rounding
            if self.error <= self._storage_rounding
            else min(self._storage_rounding, self.error / 100)
        )

    @property
    def residual(self) -> float:
        """Largest error that may remain after an intervention removed the cause."""
        return max(self.tolerance, self.stored)

    @property
    def verdict(self) -> Verdict:
        """The class of the error: clean, rounding, grid, ill-conditioned, precision or structural."""
        if self.error > self.tolerance or (math.isinf(self.error) and not self.discrete):
            if self.error > self._storage_rounding:
                return Verdict.BROKEN
            if self.tested_epsilon == self.epsilon:
                return Verdict.PRECISION
        if self.grid and self.rounding < self.error <= self.tolerance:
            return Verdict.GRID
        if self.condition > AMPLIFIED and not self.discrete and not self._flips:
            return Verdict.ILL_CONDITIONED
        return Verdict.CLEAN if self.tested_error <= CLEAN * self.tested_epsilon else Verdict.ROUNDING

    @property
    def plateaus(self) -> bool:
        """True if the float64 error stalls at the precision of a float32 constant, while float32 shows no violation."""
        return self.error > self.tolerance and self.verdict < Verdict.PRECISION

    @property
    def is_tie(self) -> bool:
        """True if rounding changes a discrete selection. The jump is then far above the conditioned rounding error."""
        if self.verdict >= Verdict.PRECISION:
            return False
        if self.discrete:
            return self.tested_error > 0 or self.error > 0
        if self._flips:
            return True
        smooth = self.condition * self.tested_epsilon * self.reach
        return self.tested_floor > max(1e3 * smooth, JUMP)

    @property
    def _flips(self) -> bool:
        """True if last-bit noise makes a value of the example jump in float64."""
        return self.tie or (self.epsilon < _DOUBLE and self.rounding_floor > JUMP)

    @property
    def severity(self) -> tuple[int, float]:
        """Sort key for the worst measurement: the verdict first, then the error relative to the tolerance."""
        ratio = self.error / self.tolerance if self.tolerance > 0 else float(self.error > 0) * 1e300
        return int(self.verdict), ratio
