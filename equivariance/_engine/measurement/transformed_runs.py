"""Runs the network, or one layer call in isolation, on transformed inputs.

`survey` and `rounding_floors` compare the values of these runs; `localization` and `causes` run single calls again.
This module gives no verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import ROOT, UNWATCHED, LayerCall, RunHandler
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import Runner
from equivariance._engine.measurement.comparisons import AccumulatedErrors, Errors, IntroducedErrors
from equivariance._engine.measurement.isolation import run_isolated
from equivariance._engine.measurement.survey_results import Trial
from equivariance.contracts.nested import cast, transform
from equivariance.errors import ArgumentError, TransformedInputError
from equivariance.groups.elements import Transform
from equivariance.groups.sampling import InputSizes


class TransformedRuns:
    """The runs of one network under elements, in the reference precision unless a dtype is given.

    Attributes:
        runner: The copies of the network.
        sizes: The sizes of the inputs, for which elements are drawn.
        reached: Trial -> the errors at the output in the reference precision, for the plain runs made so far.
    """

    def __init__(self, runner: Runner, sizes: InputSizes) -> None:
        """Runs nothing yet."""
        self.runner, self.sizes = runner, sizes
        self.reached: dict[Trial, Errors] = {}
        self._latest: tuple[Trial, LayerCall, IntroducedErrors] | None = None

    def inputs(self, element: Transform) -> dict[str, Any]:
        """Returns the network's arguments, transformed exactly in float64."""
        contract = self.runner.contracts[""]
        return {
            name: transform(cast(value, torch.float64), contract.inputs.get(name), element, name)
            for name, value in self.runner.arguments.items()
        }

    def output(self, trial: Trial) -> Any:
        """Returns the network's output for transformed inputs."""
        return self._run(trial, self.runner.reference_dtype, UNWATCHED)

    def plain_run(
        self,
        trial: Trial,
        dtype: torch.dtype | None = None,
        keep: bool = False,
        against: dict[Site, Any] | None = None,
        layers: Collection[str] | None = None,
    ) -> AccumulatedErrors:
        """Runs the network on transformed inputs; `keep`, `against` and `layers` as for `AccumulatedErrors`."""
        handler = AccumulatedErrors(self.runner.reference(trial.state), trial.element, keep, against, layers)
        self._run(trial, dtype or self.runner.reference_dtype, handler)
        if dtype in (None, self.runner.reference_dtype):
            self.reached[trial] = handler.errors.get(Site(ROOT), {})
        return handler

    def patched_run(
        self,
        trial: Trial,
        dtype: torch.dtype | None = None,
        keep: bool | Collection[Site] = False,
        against: dict[Site, Any] | None = None,
    ) -> IntroducedErrors:
        """Runs the network with every layer given exact values; `keep` and `against` as for `IntroducedErrors`.

        Raises:
            TransformedInputError: If the network does not run on transformed inputs.
        """
        dtype = dtype or self.runner.reference_dtype
        handler = IntroducedErrors(self.runner.reference(trial.state), trial.element, dtype, keep, against)
        self._run(trial, dtype, handler)
        handler.finish()
        return handler

    def isolated_runs(
        self,
        trial: Trial,
        dtype: torch.dtype | None = None,
        keep: bool = False,
        against: dict[Site, Any] | None = None,
        layers: Collection[str] = (),
    ) -> IntroducedErrors:
        """Returns the part of a `patched_run` at sites that the code of some layers produced.

        In evaluation mode only these layers run, each call in isolation.
        """
        dtype, reference = dtype or self.runner.reference_dtype, self.runner.reference(trial.state)
        if trial.state.mode == "train":
            return self.patched_run(trial, dtype, keep, against)
        found = IntroducedErrors(reference, trial.element, dtype)
        for owner in [call for call in reference.inputs if call.layer in layers]:
            handler = IntroducedErrors(reference, trial.element, dtype, keep, against)
            with _name_rejections(trial):
                run_isolated(self.runner, trial.state, owner, handler, dtype)
            found.errors |= handler.errors
            found.distances |= handler.distances
            found.kept |= handler.kept
        return found

    def isolated_run(self, trial: Trial, owner: LayerCall) -> IntroducedErrors:
        """Returns errors and values of one call that runs on exact values. The latest run is kept.

        In training mode the whole network is run, so that random numbers are drawn as in the reference run. A call that
        the reference run does not have needs the whole network too.
        """
        if self._latest is None or self._latest[:2] != (trial, owner):
            reference, dtype = self.runner.reference(trial.state), self.runner.reference_dtype
            if trial.state.mode == "eval" and owner in reference.inputs:
                handler = IntroducedErrors(reference, trial.element, dtype, keep=True)
                with _name_rejections(trial):
                    run_isolated(self.runner, trial.state, owner, handler, dtype)
            else:
                handler = self.patched_run(trial, keep=True)
            self._latest = (trial, owner, handler)
        return self._latest[2]

    def _run(self, trial: Trial, dtype: torch.dtype, handler: RunHandler) -> Any:
        inputs = self.inputs(trial.element)
        with _name_rejections(trial):
            return self.runner.run(trial.state, dtype, inputs, handler)


@contextmanager
def _name_rejections(trial: Trial) -> Iterator[None]:
    """Runs a callable on transformed inputs.

    Raises:
        TransformedInputError: If the callable raises an error on them.
    """
    try:
        yield
    except ArgumentError:
        raise
    except Exception as error:
        raise TransformedInputError(trial.element, error) from error
