"""Explains an error at a place where last-bit noise makes a value jump, for generic inputs.

`explain` calls it if the measurement says so. Whether the jump is generic is decided in `measurement.jumps`.
"""

from __future__ import annotations

import itertools
import math

import torch

from equivariance._engine.causes.components.component_axis import part_of
from equivariance._engine.causes.experiment import CallOutcome, Experiment
from equivariance._engine.causes.explanation import Explanation
from equivariance._engine.instrumentation.perturbations import Change, generator_of, with_last_bit_noise
from equivariance.findings import MORE_THAN_A_JUMP

_RUNS = 8
"""Number of runs with last-bit noise, under the element and without it."""

_NOISE = 4 * torch.finfo(torch.float64).eps

_AGREE = 1e-6
"""Relative distance below which two runs made the same selections."""


def explain_jump(experiment: Experiment, jump: float, part: str) -> Explanation:
    """Returns the explanation, and says if the jump does not account for the whole error.

    Args:
        experiment: The suspected call in isolation.
        jump: The change that last-bit noise makes.
        part: The part that shows the violation.
    """
    size = f"by {jump:.2g}" if math.isfinite(jump) else "to another shape or course of the program"
    text = (
        f"noise in the last bit of the inputs changes {part} {size} without any transformation, at the example and at "
        "other inputs near it: generic inputs lie on a jump"
    )
    rest = _unexplained(experiment)
    if rest is not None:
        pairs = _RUNS * _RUNS
        text += f"; {MORE_THAN_A_JUMP}: of {pairs} pairs of runs with noise none agrees (by {rest:.2g} at best)"
    return Explanation("discontinuous", text)


def _unexplained(experiment: Experiment) -> float | None:
    """Returns the least distance between a transformed run and a transformed result; None if two agree."""
    found = [_outcome(experiment, number) for number in range(_RUNS)]
    outcomes = [o for o in found if o is not None and o.comparable]
    distances = [_distance(experiment, one, other) for one, other in itertools.product(outcomes, outcomes)]
    least = min(distances, default=0.0)
    return least if least > _AGREE else None


def _outcome(experiment: Experiment, number: int) -> CallOutcome | None:
    other = experiment.with_inputs(_noise(experiment.seed + number))
    return None if other is None else other.outcome(experiment.element)


def _noise(seed: int) -> Change:
    generator = generator_of(seed)
    return lambda tensor, how, path: with_last_bit_noise(tensor, _NOISE, generator)


def _distance(experiment: Experiment, one: CallOutcome, other: CallOutcome) -> float:
    """Returns the relative distance between the value made in one run and the value expected from another."""
    if one.made is None or other.wanted is None or one.made.shape != other.wanted.shape or experiment.how is None:
        return math.inf
    made, wanted = (part_of(t, experiment.how, experiment.key[1]).double() for t in (one.made, other.wanted))
    size = float(wanted.norm())
    return float((made - wanted).norm()) / size if size else math.inf
