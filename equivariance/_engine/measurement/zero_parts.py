"""Decides whether a part that is zero in the reference run is zero up to rounding in another run.

If the reference is zero everywhere, as for cross products of parallel vectors, an error has no scale. Every last bit of
another run would count as an infinite error. The run is then repeated with last-bit noise on its inputs. If the noise
moves the value by about its size, the value is rounding.

`survey` calls it. Parts with a scale are compared with `rounding_floors`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from equivariance._engine.instrumentation.perturbations import perturbed_inputs, with_last_bit_noise
from equivariance._engine.instrumentation.reference import ReferenceRun, Site
from equivariance._engine.measurement.comparisons import AccumulatedErrors, Errors, IntroducedErrors
from equivariance._engine.measurement.relative_error import PartError, PartKey
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import CONFIDENCE
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation


class ZeroParts:
    """The effects of last-bit noise under an element, measured at their first use.

    Args:
        runs: Runs the network.
        seed: The seed of the noise.
    """

    def __init__(self, runs: TransformedRuns, seed: int) -> None:
        """Runs nothing yet."""
        self.runs, self.runner, self.seed = runs, runs.runner, seed
        self._moved: dict[tuple[Trial, bool], Mapping[Site, Errors]] = {}

    def explains(self, error: PartError, trial: Trial, site: Site, key: PartKey, patched: bool) -> bool:
        """True if a part that should be zero is zero up to rounding.

        Args:
            error: The error of the part.
            trial: The element and the state that gave it.
            site: The site where the value passed.
            key: The part of the value there.
            patched: True for an error of one call's own code, False for the whole run.
        """
        if error.scale or error.discrete or not error.difference:
            return False
        isolated = patched and len(self.runner.contracts) > 1
        if (trial, isolated) not in self._moved:
            self._moved[trial, isolated] = self._differences(trial, isolated)
        moved = self._moved[trial, isolated].get(site, {}).get(key)
        return moved is not None and error.difference <= CONFIDENCE * moved.difference

    def _differences(self, trial: Trial, isolated: bool) -> Mapping[Site, Errors]:
        """Returns how far noise in the last bits moves each site under the element of a trial."""
        reference, epsilon = self.runner.reference(trial.state), self.runner.capabilities.epsilon
        generator = torch.Generator().manual_seed(self.seed)
        exact = self.runs.inputs(trial.element)
        if isolated:
            noisy: AccumulatedErrors | IntroducedErrors = _Perturbed(
                reference, trial.element, self.runner.reference_dtype, epsilon, generator
            )
        else:
            noisy = AccumulatedErrors(reference, trial.element, keep=True)
        self.runner.run(trial.state, self.runner.reference_dtype, perturbed_inputs(exact, epsilon, generator), noisy)
        if isolated:
            plain: AccumulatedErrors | IntroducedErrors = IntroducedErrors(
                reference, trial.element, self.runner.reference_dtype, against=noisy.kept
            )
        else:
            plain = AccumulatedErrors(reference, trial.element, against=noisy.kept)
        self.runner.run(trial.state, self.runner.reference_dtype, exact, plain)
        return plain.distances


class _Perturbed(IntroducedErrors):
    """Gives every layer exact values with last-bit noise."""

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

    def transform_value(self, tensor: torch.Tensor, representation: Representation) -> torch.Tensor:
        return with_last_bit_noise(super().transform_value(tensor, representation), self._epsilon, self._generator)
