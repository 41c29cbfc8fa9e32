"""Whether what should be zero is zero to rounding.

Where the reference is zero everywhere (differences of points that lie at one place, cross products of parallel vectors)
an error has no size to be measured by, and every last bit of another run would count as an infinite one. There the run
is repeated with last-bit noise on its inputs: what moves about as much as it is large is rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from equivariance._engine.instrumentation.perturbations import perturbed_inputs, with_last_bit_noise
from equivariance._engine.instrumentation.reference import ReferenceRun, Site
from equivariance._engine.instrumentation.testbed import Runner
from equivariance._engine.measurement.comparisons import AccumulatedErrors, Errors, IntroducedErrors
from equivariance._engine.measurement.relative_error import PartError, PartKey
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.verdict import CONFIDENCE
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation


class Zeros:
    """Runs with noise, made where they are asked for."""

    def __init__(self, bench: Runner, seed: int, inputs: Callable[[Transform], Mapping[str, Any]]) -> None:
        """`inputs`: the root's arguments under an element, in float64."""
        self.bench, self.seed, self.inputs = bench, seed, inputs
        self._moved: dict[tuple[Trial, bool], Mapping[Site, Errors]] = {}

    def holds(self, error: PartError, trial: Trial, site: Site, key: PartKey, patched: bool) -> bool:
        """Whether an error at a part that should be zero is rounding; `patched`: of the owner's own code."""
        if error.scale or error.discrete or not error.difference:
            return False
        alone = patched and len(self.bench.contracts) > 1
        if (trial, alone) not in self._moved:
            self._moved[trial, alone] = self._differences(trial, alone)
        moved = self._moved[trial, alone].get(site, {}).get(key)
        return moved is not None and error.difference <= CONFIDENCE * moved.difference

    def _differences(self, trial: Trial, alone: bool) -> Mapping[Site, Errors]:
        """How far noise in the last bits moves each place under the element of a trial."""
        reference, epsilon = self.bench.reference(trial.state), self.bench.capabilities.epsilon
        generator = torch.Generator().manual_seed(self.seed)
        exact = self.inputs(trial.element)
        if alone:
            noisy: AccumulatedErrors | IntroducedErrors = _Perturbed(
                reference, trial.element, self.bench.reference_dtype, epsilon, generator
            )
        else:
            noisy = AccumulatedErrors(reference, trial.element, keep=True)
        self.bench.run(trial.state, self.bench.reference_dtype, perturbed_inputs(exact, epsilon, generator), noisy)
        if alone:
            plain: AccumulatedErrors | IntroducedErrors = IntroducedErrors(
                reference, trial.element, self.bench.reference_dtype, against=noisy.kept
            )
        else:
            plain = AccumulatedErrors(reference, trial.element, against=noisy.kept)
        self.bench.run(trial.state, self.bench.reference_dtype, exact, plain)
        return plain.distances


class _Perturbed(IntroducedErrors):
    """Every layer is given exact values with noise."""

    def __init__(
        self,
        reference: ReferenceRun,
        element: Transform,
        dtype: torch.dtype,
        epsilon: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__(reference, element, dtype, keep=True)
        self._epsilon, self._generator = epsilon, generator

    def handed_on(self, tensor: torch.Tensor, representation: Representation) -> torch.Tensor:
        return with_last_bit_noise(super().handed_on(tensor, representation), self._epsilon, self._generator)
