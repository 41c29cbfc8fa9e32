"""Runs a suspect's own code under other elements, on other inputs and in other precisions.

The modules of the symmetries infer the cause from these experiments. Every experiment runs the code of one call. The
layers that it calls return values of a recorded run. If the inputs are changed, these layers run once more, to record
values for the changed inputs. This module knows no causes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import LayerCall, buffers_kept, call_with
from equivariance._engine.instrumentation.perturbations import Change
from equivariance._engine.instrumentation.random_states import resume
from equivariance._engine.instrumentation.reference import ReferenceRun, Site
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.localization.locate_statement import Statement
from equivariance._engine.localization.recording import Intervention, record_call
from equivariance._engine.localization.suspects import SuspectLayer
from equivariance._engine.measurement.comparisons import Errors, IntroducedErrors
from equivariance._engine.measurement.grid_floors import GridFloors
from equivariance._engine.measurement.isolation import run_isolated
from equivariance._engine.measurement.relative_error import PartKey
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import GRID
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import cast, cloned, leaves, walk
from equivariance.errors import ForeignElementError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation

DOMINANT = 1e-4
"""Share of the violation below which an error is ignored: a smaller second violation does not count."""


@dataclass(frozen=True)
class CallOutcome:
    """The value that the code made under one element, at the suspect's worst part.

    Attributes:
        error: Relative error; infinite if the two values cannot be compared.
        made: The whole leaf, float64 on the CPU (integers as they are); None if there is no leaf.
        wanted: The expected leaf, in the same form.
    """

    error: float
    made: torch.Tensor | None = None
    wanted: torch.Tensor | None = None

    @property
    def comparable(self) -> bool:
        """True if there are two leaves of one shape, without NaN and infinity."""
        return (
            self.made is not None
            and self.wanted is not None
            and self.made.shape == self.wanted.shape
            and bool(torch.isfinite(self.made).all())
        )


@dataclass(frozen=True, eq=False)
class Experiment:
    """A suspected call, ready to be run in isolation. Variants are made with `dataclasses.replace`.

    Invariants:
        `outcomes` belongs to one call on one set of inputs under one contract: a variant with others has its own.
        A variant never changes the experiment that it was made from.

    Attributes:
        runs: Runs the network and its calls.
        seed: The seed of changed inputs.
        state: Weights and mode.
        owner: The call whose code is suspected.
        site, key: The site and the part that show the violation.
        element: The element of the suspect's worst trial.
        error: The error under it.
        tolerance: The error that rounding and grids explain there.
        rounding: The error that rounding explains there, without grids.
        reference: The run that supplies the values of the call.
        operations: Operations of the statement at fault, if it is known; on whole numbers marked by `NUMBERED`.
        statement: The statement at fault; None if it is not known.
        intervention: Repairs the other violations of the code; None if there are no others.
        declaring_as: Path of an input, and the representation by which it transforms instead of the declared one.
        on_example: True if the call has the inputs of the example and its declared contract.
        symmetry: The violated symmetry, or "".
        outcomes: Element -> outcome, for the elements that were run.
    """

    runs: TransformedRuns
    seed: int
    state: ModelState
    owner: LayerCall
    site: Site
    key: PartKey
    element: Transform
    error: float
    tolerance: float
    rounding: float
    reference: ReferenceRun
    operations: tuple[str, ...] = ()
    statement: Statement | None = None
    intervention: Intervention | None = None
    declaring_as: tuple[str, Representation] | None = None
    on_example: bool = True
    symmetry: str = ""
    outcomes: dict[Transform, CallOutcome] = field(default_factory=dict)

    @classmethod
    def of_suspect(
        cls,
        runs: TransformedRuns,
        seed: int,
        suspect: SuspectLayer,
        intervention: Intervention | None = None,
        operations: tuple[str, ...] = (),
        statement: Statement | None = None,
    ) -> Experiment:
        """Returns the experiment on a suspect's worst part, on the inputs of the example."""
        state, measurement = suspect.trial.state, suspect.measurement
        return cls(
            runs=runs,
            seed=seed,
            state=state,
            owner=suspect.owner,
            site=suspect.site,
            key=suspect.key,
            element=suspect.trial.element,
            error=measurement.error,
            tolerance=measurement.tolerance,
            rounding=measurement.rounding,
            reference=runs.runner.reference(state),
            operations=operations,
            statement=statement,
            intervention=intervention if state.mode == "eval" else None,
        )

    @property
    def runner(self) -> Runner:
        """The copies of the network."""
        return self.runs.runner

    @property
    def extent(self) -> float:
        """The extent of the input's cloud, in the units of the positions."""
        return self.runs.sizes.extent

    @property
    def how(self) -> Representation | None:
        """The representation of the leaf; None if the leaf is not in the reference run."""
        return next((how for path, _, how in self._leaves(self._reference_value()) if path == self.key[0]), None)

    @property
    def repaired(self) -> bool:
        """True if other statements are repaired, by laws that are valid for this symmetry only."""
        return self.intervention is not None

    @property
    def plain(self) -> torch.Tensor | None:
        """The leaf in the reference run."""
        return self._leaf(self._reference_value())

    def outcome(self, element: Transform) -> CallOutcome:
        """Runs the code on exactly transformed inputs; an element is run once."""
        if element not in self.outcomes:
            self.outcomes[element] = self._outcome(self._run_under(element), element)
        return self.outcomes[element]

    def respects(self, element: Transform) -> bool:
        """True if the suspected part keeps its law under `element`."""
        return self.outcome(element).error <= max(self._allowed_error(element), DOMINANT * self.error)

    def inputs(self) -> Iterator[tuple[str, torch.Tensor, Representation]]:
        """Yields path, tensor and representation of every input of the call."""
        specs = self.runner.contracts[self.owner.layer].inputs
        for name, value in self.reference.inputs.get(self.owner, {}).items():
            yield from leaves(value, specs.get(name), name)

    def with_inputs(self, change: Change) -> Experiment | None:
        """Returns the same call on changed inputs; None if it does not run on them, or its control flow differs."""
        if self.owner not in self.reference.inputs:
            return None
        specs = self.runner.contracts[self.owner.layer].inputs
        values = {k: walk(v, specs.get(k), k, change) for k, v in self.reference.inputs[self.owner].items()}
        return self._with_values(values, self.runner.contracts, self.intervention)

    def with_argument(self, name: str, value: Any, how: Representation) -> Experiment | None:
        """Returns the same call with one more argument, nothing repaired; None if it does not run with it."""
        if self.owner not in self.reference.inputs:
            return None
        contract = self.runner.contracts[self.owner.layer]
        contract = replace(contract, inputs={**contract.inputs, name: how})
        values = {**self.reference.inputs[self.owner], name: value}
        return self._with_values(values, {**self.runner.contracts, self.owner.layer: contract}, None)

    def _with_values(
        self, values: dict[str, Any], contracts: Mapping[str, Contract], intervention: Intervention | None
    ) -> Experiment | None:
        """Returns the same call on other arguments; None if it does not run on them, or its control flow differs."""
        recording = ReferenceRun(contracts, {*self.reference.given, *values}, True, self.runner.memory)
        try:
            self._run({k: cast(cloned(v), self.runner.reference_dtype) for k, v in values.items()}, recording)
        except ForeignElementError:
            raise
        except Exception:  # a layer may reject changed inputs in any way
            return None
        site = self._site_in(recording)
        if site is None or not recording.has(site):
            return None
        owner = LayerCall(self.owner.layer)
        return replace(
            self, owner=owner, site=site, reference=recording, intervention=intervention, on_example=False, outcomes={}
        )

    def by_itself(self) -> Experiment | None:
        """Returns the call on its own inputs, run as `with_inputs` does: with its own random numbers."""
        return self.with_inputs(lambda tensor, how, path: tensor)

    def recorded(self, element: Transform) -> Tape | None:
        """Records the operations of the call on exactly transformed inputs, with other violations repaired.

        Returns None if the call does not run, or if it draws other random numbers than in the run of the network.
        """
        repeats = self.state.mode == "eval" or (self.statement is not None and self.statement.confirmed)
        if not repeats or self.owner not in self.reference.inputs:
            return None
        try:
            if self.intervention:
                return self.intervention.record(self._given(element), self.owner, element)[0]
            return record_call(self.runner, self.state, self.owner, self._given(element), element, {})[0]
        except ForeignElementError:
            raise
        except Exception:  # a layer may reject changed inputs in any way
            return None

    def declaring(self, path: str, instead: Representation) -> Experiment:
        """Returns the same call with the input at `path`, declared unchanged, transforming by `instead`."""
        return replace(self, declaring_as=(path, instead), on_example=False, outcomes={})

    def for_element(self, element: Transform) -> Experiment:
        """Returns the same call with `element` as the element that shows the violation; the outcomes stay valid."""
        return replace(self, element=element, error=self.outcome(element).error)

    def in_precision(self, dtype: torch.dtype) -> float:
        """Returns the error in another precision; NaN if the code does not run in it."""
        handler = IntroducedErrors(self.reference, self.element, dtype)
        try:
            run_isolated(self.runner, self.state, self.owner, handler, dtype)
        except ForeignElementError:
            raise
        except Exception:  # a layer may reject an unknown dtype in any way
            return math.nan
        found = handler.errors.get(self.site)
        return math.nan if found is None else found[self.key].relative if self.key in found else 0.0

    def expected(self, element: Transform) -> torch.Tensor | None:
        """Returns the leaf of the reference run, transformed by `element`."""
        if not self.reference.has(self.site):
            return None
        return self._leaf(self.reference.expected(self.site, element, torch.float64))

    def _allowed_error(self, element: Transform) -> float:
        """Returns the error that rounding and, under `element`, grids explain."""
        if self.runs.sizes.grid is None:
            return self.tolerance
        return self.rounding + GRID * GridFloors(self.reference).introduced(self.site, element, self.key)

    def _site_in(self, recording: ReferenceRun) -> Site | None:
        """Returns the site in another recording of the call, with calls counted anew; None if no site fits."""
        owner = LayerCall(self.owner.layer)
        if self.site.call == self.owner:
            return Site(owner, self.site.slot)
        before = _calls_by(self.owner, self.site.call.layer, self.reference)
        after = _calls_by(owner, self.site.call.layer, recording)
        if len(before) != len(after) or self.site.call not in before:
            return None
        return Site(after[before.index(self.site.call)], self.site.slot)

    def _run_under(self, element: Transform) -> IntroducedErrors | None:
        """Runs the call under `element`; None if it does not run."""
        try:
            if self.intervention:
                return self.intervention.run(self._given(element), self.owner, element)
            if self.on_example:
                return self.runs.isolated_run(Trial(element, self.state), self.owner)
            reference = self._given(element)
            handler = IntroducedErrors(reference, element, self.runner.reference_dtype, keep=True)
            if self.state.mode == "eval":
                run_isolated(self.runner, self.state, self.owner, handler, self.runner.reference_dtype)
            else:
                self._run({n: handler.exact(Site(self.owner, n)) for n in reference.inputs[self.owner]}, handler)
        except ForeignElementError:
            raise
        except Exception:  # a layer may reject changed inputs in any way
            return None
        return handler

    def _given(self, element: Transform) -> ReferenceRun:
        """Returns the reference run; an input with another declaration is already transformed in it."""
        if self.declaring_as is None:
            return self.reference
        specs, (path, instead) = self.runner.contracts[self.owner.layer].inputs, self.declaring_as

        def change(tensor: torch.Tensor, how: Representation, where: str) -> torch.Tensor:
            return instead.transform(tensor, element) if where == path else tensor

        given = {k: walk(v, specs.get(k), k, change) for k, v in self.reference.inputs[self.owner].items()}
        return replace(self.reference, inputs={**self.reference.inputs, self.owner: given})

    def _run(self, arguments: dict[str, Any], handler: Any) -> None:
        """Runs the call with all layers that it calls, on the random numbers of the reference run."""
        module = self.runner.module(self.state, self.runner.reference_dtype)
        watch = self.runner.watched(self.state, self.runner.reference_dtype, handler)
        states = self.reference.random_states
        conditions = self.runner.conditions(self.runner.reference_dtype, draws=states.moved or None)
        with conditions, buffers_kept(module), watch:
            resume(states.begun, self.owner)
            call_with(module.get_submodule(self.owner.layer), arguments)

    def _outcome(self, handler: IntroducedErrors | None, element: Transform) -> CallOutcome:
        if handler is None or self.site not in handler.errors:
            return CallOutcome(math.inf)
        errors = handler.errors[self.site]
        made = self._leaf(handler.kept.get(self.site))
        if made is None and not errors:  # the handler recognized the expected tensor
            made = self.expected(element)
        return CallOutcome(_error_of(errors, self.key), made, self.expected(element))

    def _reference_value(self) -> Any:
        return self.reference.value(self.site) if self.reference.has(self.site) else None

    def _leaves(self, value: Any) -> list[tuple[str, torch.Tensor, Representation]]:
        return [] if value is None else leaves(value, self.reference.spec(self.site))

    def _leaf(self, value: Any) -> torch.Tensor | None:
        found = next((tensor for path, tensor, _ in self._leaves(value) if path == self.key[0]), None)
        if found is None:
            return None
        found = found.detach().cpu()
        return found.double() if found.is_floating_point() else found


def _calls_by(owner: LayerCall, layer: str, reference: ReferenceRun) -> list[LayerCall]:
    return [c for c, caller in reference.callers.items() if c.layer == layer and caller == owner]


def _error_of(errors: Errors, key: PartKey) -> float:
    """Returns the error of one part; infinite if the whole value could not be compared."""
    if key in errors:
        return float(errors[key].relative)
    return max((float(e.relative) for e in errors.values() if math.isinf(e.relative)), default=0.0)
