"""Explains why a layer violates scalings, mirrors, exchanges of arguments, turns in a plane, and groups of the user.

`explain` calls it where no experiments of a more specific module apply.
"""

from __future__ import annotations

import math

import torch

from equivariance._engine.causes.experiment import CallOutcome, Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance.groups.elements import Transform
from equivariance.groups.further import scaling
from equivariance.groups.named import Symmetry

_FACTORS = (0.25, 0.5, 2.0, 4.0)

_ALIKE = 1e-6
"""Relative difference below which two values are the same."""


def explain_further(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the explanation: another law that the value obeys, else what the symmetry says of it."""
    symmetry, outcome, plain = experiment.symmetry, experiment.outcome(element), experiment.plain
    if symmetry == Symmetry.SCALE:
        return _explain_scale(experiment, part)
    if symmetry == Symmetry.SWAP:
        return explained("arguments-differ", f"{part} changes if the two arguments are exchanged: their order is used")
    unchanged = plain is not None and not experiment.repaired and _is(outcome, plain)
    if unchanged and not _is(outcome, outcome.wanted):
        return explained("unchanged-output", f"{part} does not change under {element}, and is declared to")
    if symmetry == Symmetry.MIRROR and outcome.wanted is not None and _is(outcome, -outcome.wanted):
        return explained("parity", f"{part} has the other sign under {element}")
    if symmetry == Symmetry.MIRROR:
        return explained("handedness", f"{part} breaks under {element}: the two sides are told apart")
    return Explanation("frame-dependent", f"{part} breaks under {element}: a direction is told apart")


def _explain_scale(experiment: Experiment, part: str) -> Explanation:
    """Returns another power of length, if the value has one; else a fixed length."""
    plain, how = experiment.plain, experiment.how
    powers = [_power(experiment.outcome(scaling(s)), plain, s) for s in _FACTORS]
    known = [p for p in powers if p is not None]
    declared = 0.0 if how is None else how.degree
    if len(known) == len(powers) and max(known) - min(known) < _ALIKE:
        return explained("degree", f"{part} grows as s^{known[0]:.3g}, and is declared as s^{declared:g}")
    return explained("fixed-length", f"{part} is no power of the scale of the inputs: a length is built in")


def _power(outcome: CallOutcome, plain: torch.Tensor | None, factor: float) -> float | None:
    """Returns the power of the scale by which a value grew; None if it did not grow as a whole."""
    if plain is None or not outcome.comparable or outcome.made is None or not outcome.made.is_floating_point():
        return None
    sizes = float(outcome.made.norm()), float(plain.double().norm())
    if min(sizes) <= 0:
        return None
    ratio = sizes[0] / sizes[1]
    return math.log(ratio) / math.log(factor) if _is(outcome, plain * ratio) else None


def _is(outcome: CallOutcome, other: torch.Tensor | None) -> bool:
    """True if the value that was made is another one, up to rounding."""
    if not outcome.comparable or outcome.made is None or other is None or outcome.made.shape != other.shape:
        return False
    made, expected = outcome.made.double(), other.double().to(outcome.made.device)
    return float((made - expected).norm()) <= _ALIKE * float(expected.norm())
