"""Explains layers that respect the 24 rotations of the cube and no others: they treat x, y and z alike, one by one.

`rotation` calls it after the statement at fault has been searched for a norm. A norm that is not Euclid's and a
nonlinear function of single components break rotations in the same way. The size of the input and the operations tell
them apart.
"""

from __future__ import annotations

import torch

from equivariance._engine.causes.components.component_axis import degree_of
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.operation_words import NONLINEAR
from equivariance._engine.instrumentation.perturbations import scaled
from equivariance.groups.elements import Transform

_NORMS = ("_cdist_forward", "linalg_vector_norm", "norm", "abs", "amax", "max", "maximum")
"""Operations that measure a length, or a part of one."""

_FACTOR = 2.0
_MOST_POWER = 3


def explain_alike(experiment: Experiment, element: Transform, part: str) -> Explanation:
    """Returns the explanation: another norm, a function of single components, or both if nothing separates them.

    Args:
        experiment: The suspect under rotations; it respects the rotations of the cube.
        element: The shrunk counterexample.
        part: The part that shows the violation.
    """
    text = (
        f"the 24 rotations of the cube are respected and others are not ({element}: error "
        f"{experiment.outcome(element).error:.2g})"
    )
    power = None if degree_of(experiment.how, experiment.key[1]) else _power(experiment)
    if power is not None:
        return explained(
            "non-euclidean-norm", f"{text}, and {part} grows as the {_ordinal(power)} power of the size of the input: "
            "a length is measured by another norm than Euclid's (absolute values, a maximum)",
        )  # fmt: skip
    used = next((name for name in _NORMS if name in experiment.operations), None)
    bent = any(name in NONLINEAR and name not in _NORMS for name in experiment.operations)
    if used is not None and not bent:
        return explained(
            "non-euclidean-norm", f"{text}, and the statement measures by {used}: another norm than Euclid's (absolute "
            "values, a maximum)",
        )  # fmt: skip
    means = "treats the components alike, but one by one (a norm of absolute values, a maximum, an odd function)"
    return Explanation("component-mixing", f"{text}: {part} {means}")


def _power(experiment: Experiment) -> int | None:
    """Returns k if an input of twice the size makes 2^k of the output; None if no whole k from 1 on does."""
    larger, plain = experiment.with_inputs(scaled(_FACTOR)), experiment.plain
    if larger is None or larger.plain is None or plain is None or larger.plain.shape != plain.shape:
        return None
    limit = max(1e-9, 10 * experiment.tolerance) * float(torch.as_tensor(plain).double().norm())
    powers = (k for k in range(1, _MOST_POWER + 1) if float((larger.plain - _FACTOR**k * plain).norm()) <= limit)
    return next(powers, None)


def _ordinal(power: int) -> str:
    return {1: "first", 2: "second", 3: "third"}[power]
