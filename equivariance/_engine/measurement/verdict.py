"""Noise or bug: the verdict on an error, from measured rounding floors.

Three measurements of the same place decide. `error` in the main precision (float64 where the module runs in it)
against `floor`, what last-bit perturbations do there, says whether the law is broken at all. `working` and
`tested_floor`, the error in the dtype that is used and the distance of that run from the float64 one, say what
rounding makes of a sound layer. The policy and the constants are documented in docs/tolerance.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import torch

CONFIDENCE = 100.0
"""An error below this many floors is rounding: floors are measured on few perturbations."""

CLEAN = 32.0
"""Up to this many machine epsilons, an error is not worth a word."""

SINGLE = 16 * torch.finfo(torch.float32).eps
"""Errors in float64 below this look like a constant that was rounded to float32."""

GRID = 3.0
"""Between the cells of a grid, errors up to this many times what the grid leaves open are its own."""

AMPLIFIED = 1e4
"""Condition number above which a layer is called ill-conditioned."""


class Verdict(IntEnum):
    """From harmless to broken."""

    CLEAN = 0
    ROUNDING = 1
    GRID = 2
    ILL_CONDITIONED = 3
    PRECISION = 4
    BROKEN = 5

    def __str__(self) -> str:
        """The word of the reports."""
        return "structural" if self is Verdict.BROKEN else self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Measurement:
    """What was measured of one part at one place, all relative to the size of the part.

    Attributes:
        error: In the main precision
        rounding_floor: Response to last-bit perturbations in the main precision
        epsilon: Machine epsilon of the main precision
        tested_error, tested_floor, tested_epsilon: The same in the working precision; equal to the above where the two
            precisions are one
        discrete: Whether the part is integers or booleans
        grid: What the grid leaves open: the difference of two interpolations of what goes in and comes out; 0 where
            cells go to cells
        reach: How much larger than the cloud the coordinates are, 1 + |t| / extent: what a translation costs in bits
        stored_epsilon: Machine epsilon that the parameters and buffers have in the working precision
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

    @property
    def condition(self) -> float:
        """Amplification of last-bit perturbations."""
        return max(1.0, self.rounding_floor / self.epsilon)

    @property
    def tolerance(self) -> float:
        """Errors up to here are rounding in the main precision, or the grid's own."""
        return self.rounding + GRID * self.grid

    @property
    def rounding(self) -> float:
        """Errors up to here are rounding in the main precision."""
        if self.discrete:
            return CONFIDENCE * self.rounding_floor
        return CONFIDENCE * max(self.rounding_floor, 4 * self.epsilon) * self.reach

    @property
    def _rounded(self) -> float:
        """Errors up to here may come of parameters and buffers that went through a lower precision; 0 where none do."""
        return max(SINGLE, self.stored_epsilon) if self.epsilon < 1e-10 and not self.discrete else 0.0

    @property
    def stored(self) -> float:
        """What float64 cannot undo: parameters and buffers went through the working precision; 0 where that is float64.

        Up to all of it for an error of its kind, up to a hundredth of one that is larger.
        """
        if self.stored_epsilon <= self.epsilon:
            return 0.0
        return self._rounded if self.error <= self._rounded else min(self._rounded, self.error / 100)

    @property
    def residual(self) -> float:
        """What may be left of the error when its cause is gone."""
        return max(self.tolerance, self.stored)

    @property
    def verdict(self) -> Verdict:
        """clean, rounding, grid, ill-conditioned, precision or structural."""
        if self.error > self.tolerance or (math.isinf(self.error) and not self.discrete):
            if self.error > self._rounded:
                return Verdict.BROKEN
            if self.tested_epsilon == self.epsilon:
                return Verdict.PRECISION
        if self.grid and self.rounding < self.error <= self.tolerance:
            return Verdict.GRID
        if self.condition > AMPLIFIED and not self.discrete:
            return Verdict.ILL_CONDITIONED
        return Verdict.CLEAN if self.tested_error <= CLEAN * self.tested_epsilon else Verdict.ROUNDING

    @property
    def plateaus(self) -> bool:
        """Whether float64 is no better than a float32 constant allows, though float32 itself does not notice."""
        return self.error > self.tolerance and self.verdict < Verdict.PRECISION

    @property
    def is_tie(self) -> bool:
        """Whether rounding changes a selection: a jump far above what the conditioning explains."""
        if self.verdict >= Verdict.PRECISION:
            return False
        if self.discrete:
            return self.tested_error > 0 or self.error > 0
        smooth = self.condition * self.tested_epsilon * self.reach
        return self.tested_floor > max(1e3 * smooth, 1e-3)

    @property
    def severity(self) -> tuple[int, float]:
        """For the choice of the worst: verdict first, then error over limit."""
        ratio = self.error / self.tolerance if self.tolerance > 0 else float(self.error > 0) * 1e300
        return int(self.verdict), ratio
