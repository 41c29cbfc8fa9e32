"""Decides whether noise inside of a network breaks a symmetry that it keeps without noise.

Noise of a fixed seed does not move with the inputs, so that every symmetry breaks for a fixed seed. The law that should
hold is one of distributions, which is not tested. The network runs once more with the noise at its mean.

`examine` calls it for networks that draw random numbers in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from equivariance._engine.instrumentation.operations import describe_schema
from equivariance._engine.measurement.relative_error import compare, worst
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import CONFIDENCE
from equivariance._torch_private import TorchDispatchMode
from equivariance.contracts.nested import cast, transform
from equivariance.groups.sampling import Group

_MEANS = {
    "randn": 0.0, "randn_like": 0.0, "normal": 0.0, "normal_": 0.0, "normal_functional": 0.0,
    "rand": 0.5, "rand_like": 0.5, "uniform_": 0.5, "uniform": 0.5,
}  # fmt: skip
"""Operations that draw noise, and its mean for standard parameters."""

REASON = (
    "the network draws noise in evaluation mode, and keeps the symmetry without it; equality in distribution is not "
    "tested: pass the noise as an argument, with a representation of its own"
)


class _AtItsMean(TorchDispatchMode):
    """Replaces noise by its mean."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Runs the operation; what it draws is set to the mean."""
        made = func(*args, **(kwargs or {}))
        mean = _MEANS.get(describe_schema(func)[0])
        if mean is not None and isinstance(made, torch.Tensor) and made.is_floating_point():
            made.fill_(mean)
        return made


def holds_without_noise(runs: TransformedRuns, group: Group, seed: int) -> bool:
    """True if the network draws noise in evaluation mode and keeps a symmetry with the noise at its mean.

    Args:
        runs: Runs the network.
        group: The symmetry.
        seed: The seed of the elements.
    """
    runner = runs.runner
    state, dtype = runner.states[0], runner.reference_dtype
    drawn = runner.run(state, dtype, runner.arguments)
    plain = runner.run(state, dtype, runner.arguments, within=_AtItsMean())
    spec, limit = runner.contracts[""].output, CONFIDENCE * 4 * runner.capabilities.epsilon
    if worst(compare(drawn, plain, spec, group.draw(1, seed, runs.sizes)[0]))[1].relative <= limit:
        return False
    for element in group.draw(2, seed, runs.sizes):
        made = runner.run(state, dtype, runs.inputs(element), within=_AtItsMean())
        expected = transform(cast(plain, torch.float64), spec, element)
        if worst(compare(made, expected, spec, element))[1].relative > limit:
            return False
    return True
