"""A suspect's own code under other elements, on other inputs and in other precisions: what its cause is told by.

Every experiment runs the code of one call. The layers that it calls answer from a recorded run; where the inputs are
changed, they are run once more to have answers to these.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import LayerCall, buffers_kept, call_with
from equivariance._engine.instrumentation.perturbations import Change
from equivariance._engine.instrumentation.reference import ReferenceRun, Site
from equivariance._engine.localization.recording import Intervention
from equivariance._engine.localization.suspects import SuspectLayer
from equivariance._engine.measurement.comparisons import IntroducedErrors
from equivariance._engine.measurement.grid_floors import GridFloors
from equivariance._engine.measurement.isolation import run_isolated
from equivariance._engine.measurement.relative_error import PartKey
from equivariance._engine.measurement.survey import SymmetrySurvey
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.verdict import GRID
from equivariance.contracts.nested import cast, cloned, leaves, walk
from equivariance.errors import ForeignElementError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints

DOMINANT = 1e-4
"""An element is respected where its error is below this share of the break: a smaller second break does not count."""


@dataclass(frozen=True)
class Outcome:
    """What the code made of one element at the suspect's worst part.

    Attributes:
        error: Relative error; infinite where the two cannot be compared
        made, wanted: The whole leaf, float64 on the CPU (integers as they are); None where there is none to compare
    """

    error: float
    made: torch.Tensor | None = None
    wanted: torch.Tensor | None = None

    @property
    def comparable(self) -> bool:
        """Whether there are two leaves of one shape, without NaN and infinity."""
        return (
            self.made is not None
            and self.wanted is not None
            and self.made.shape == self.wanted.shape
            and bool(torch.isfinite(self.made).all())
        )


class Experiment:
    """The call that is suspected, ready to be run alone.

    Attributes:
        element: The element of the suspect's worst trial
        error, limit: The error there, and what rounding explains
        how: The representation of the leaf that breaks
        operations: Of the statement at fault, where it is known; on whole numbers marked by `NUMBERED`
    """

    def __init__(
        self,
        surveyor: SymmetrySurvey,
        suspect: SuspectLayer,
        healing: Intervention | None = None,
        operations: tuple[str, ...] = (),
    ) -> None:
        """On the inputs of the example; `healing` puts right what else the code breaks."""
        self.surveyor, self.bench, self.state = surveyor, surveyor.bench, suspect.trial.state
        self.owner: LayerCall = suspect.owner
        self.site: Site = suspect.site
        self.key: PartKey = suspect.key
        self.element = suspect.trial.element
        self.error, self.limit = suspect.reading.error, suspect.reading.tolerance
        self.rounding = suspect.reading.rounding
        self.extent = surveyor.setting.extent
        self.reference: ReferenceRun = self.bench.reference(self.state)
        self.operations = operations
        self._healing = healing if self.state.mode == "eval" else None
        self._recorded = True
        self._instead: tuple[str, Representation] | None = None
        self._known: dict[Transform, Outcome] = {}

    @property
    def how(self) -> Representation | None:
        """The representation of the leaf, None where it is not in the reference run."""
        return next((how for path, _, how in self._leaves(self._reference_value()) if path == self.key[0]), None)

    @property
    def repaired(self) -> bool:
        """Whether something else is put right: by laws of the symmetry at hand, which tell nothing of others."""
        return self._healing is not None

    @property
    def plain(self) -> torch.Tensor | None:
        """The leaf in the reference run."""
        return self._leaf(self._reference_value())

    def outcome(self, element: Transform) -> Outcome:
        """What the code makes of exactly transformed inputs."""
        if element not in self._known:
            self._known[element] = self._outcome(self._introduced(element), element)
        return self._known[element]

    def respects(self, element: Transform) -> bool:
        """Whether what breaks does not break under `element`."""
        return self.outcome(element).error <= max(self._allowed(element), DOMINANT * self.error)

    def inputs(self) -> Iterator[tuple[str, torch.Tensor, Representation]]:
        """Tensors that the call is given."""
        specs = self.bench.contracts[self.owner.layer].inputs
        for name, value in self.reference.inputs.get(self.owner, {}).items():
            yield from leaves(value, specs.get(name), name)

    def with_inputs(self, change: Change) -> Experiment | None:
        """The same call on changed inputs; None where it does not run on them, or takes another course."""
        if self.owner not in self.reference.inputs:
            return None
        specs = self.bench.contracts[self.owner.layer].inputs
        values = {k: walk(v, specs.get(k), k, change) for k, v in self.reference.inputs[self.owner].items()}
        recording = ReferenceRun(self.bench.contracts, copying=True, memory=self.bench.memory)
        try:
            self._run({k: cast(cloned(v), self.bench.reference_dtype) for k, v in values.items()}, recording)
        except ForeignElementError:
            raise
        except Exception:  # whatever a layer says to inputs that nobody promised it
            return None
        return self._moved(recording)

    def declaring(self, path: str, instead: Representation) -> Experiment:
        """The same call where the input at `path`, declared unchanged, transforms by `instead`."""
        found = self._copy()
        found._instead, found._recorded = (path, instead), False
        return found

    def for_element(self, element: Transform) -> Experiment:
        """The same call, with `element` as the one that breaks it."""
        found = self._copy()
        found._known, found.element, found.error = self._known, element, self.outcome(element).error
        return found

    def in_precision(self, dtype: torch.dtype) -> float:
        """The error in another precision; NaN where the code does not run in it."""
        handler = IntroducedErrors(self.reference, self.element, dtype)
        try:
            run_isolated(self.bench, self.state, self.owner, handler, dtype)
        except ForeignElementError:
            raise
        except Exception:  # whatever a layer says to a dtype that it does not know
            return math.nan
        found = handler.errors.get(self.site)
        return math.nan if found is None else found[self.key].relative if self.key in found else 0.0

    def expected(self, element: Transform) -> torch.Tensor | None:
        """The leaf of the reference run, transformed by `element`."""
        if not self.reference.has(self.site):
            return None
        return self._leaf(self.reference.expected(self.site, element, torch.float64))

    def _allowed(self, element: Transform) -> float:
        """Rounding, and what grids leave open under `element`."""
        if self.surveyor.setting.grid is None:
            return self.limit
        return self.rounding + GRID * GridFloors(self.reference).own(self.site, element, self.key)

    def _copy(self) -> Experiment:
        found = object.__new__(Experiment)
        found.__dict__.update(self.__dict__)
        found._known = {}
        return found

    def _moved(self, recording: ReferenceRun) -> Experiment | None:
        """On another recording of the same call, in which calls are counted anew."""
        found, owner = self._copy(), LayerCall(self.owner.layer)
        found.owner, found.reference, found._recorded = owner, recording, False
        if self.site.call == self.owner:
            found.site = Site(owner, self.site.slot)
        else:
            calls = [_calls(r, o, self.site.call.layer) for r, o in ((self.reference, self.owner), (recording, owner))]
            if len(calls[0]) != len(calls[1]) or self.site.call not in calls[0]:
                return None
            found.site = Site(calls[1][calls[0].index(self.site.call)], self.site.slot)
        return found if recording.has(found.site) else None

    def _introduced(self, element: Transform) -> IntroducedErrors | None:
        try:
            if self._healing:
                return self._healing.run(self._given(element), self.owner, element)
            if self._recorded:
                return self.surveyor.judged(Trial(element, self.state), self.owner)
            reference = self._given(element)
            handler = IntroducedErrors(reference, element, self.bench.reference_dtype, keep=True)
            if self.state.mode == "eval":
                run_isolated(self.bench, self.state, self.owner, handler, self.bench.reference_dtype)
            else:
                self._run({n: handler.exact(Site(self.owner, n)) for n in reference.inputs[self.owner]}, handler)
        except ForeignElementError:
            raise
        except Exception:  # whatever a layer says to inputs that nobody promised it
            return None
        return handler

    def _given(self, element: Transform) -> ReferenceRun:
        """The reference, in which an input that is to transform otherwise than declared has done so already."""
        if self._instead is None:
            return self.reference
        specs, (path, instead) = self.bench.contracts[self.owner.layer].inputs, self._instead

        def change(tensor: torch.Tensor, how: Representation, where: str) -> torch.Tensor:
            return instead.transform(tensor, element) if where == path else tensor

        given = {k: walk(v, specs.get(k), k, change) for k, v in self.reference.inputs[self.owner].items()}
        return replace(self.reference, inputs={**self.reference.inputs, self.owner: given})

    def _run(self, arguments: dict[str, Any], handler: Any) -> None:
        """The call with all that it calls."""
        module = self.bench.module(self.state, self.bench.reference_dtype)
        watch = self.bench.watched(self.state, self.bench.reference_dtype, handler)
        with self.bench.conditions(self.bench.reference_dtype), buffers_kept(module), watch:
            call_with(module.get_submodule(self.owner.layer), arguments)

    def _outcome(self, handler: IntroducedErrors | None, element: Transform) -> Outcome:
        if handler is None or self.site not in handler.errors:
            return Outcome(math.inf)
        errors = handler.errors[self.site]
        made = self._leaf(handler.kept.get(self.site))
        if made is None and not errors:  # the very tensor that was expected
            made = self.expected(element)
        return Outcome(_relative(errors, self.key), made, self.expected(element))

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


def degree_of(how: Representation | None, label: str) -> int | None:
    """Degree l of a part: 1 for points; None where the part does not turn as one irrep."""
    if isinstance(how, CartesianPoints):
        return 1
    if isinstance(how, Irreps):
        return next((d for known, (_, d, _) in zip(how.labels, how.blocks, strict=True) if label == known), None)
    return None


def part_of(tensor: torch.Tensor, how: Representation, label: str) -> torch.Tensor:
    """The values of one part of a leaf."""
    return next((p.values for p in how.parts(tensor) if p.label == label), tensor)


def _calls(reference: ReferenceRun, owner: LayerCall, layer: str) -> list[LayerCall]:
    return [c for c, caller in reference.callers.items() if c.layer == layer and caller == owner]


def _relative(errors: Any, key: PartKey) -> float:
    if key in errors:
        return float(errors[key].relative)
    return max((float(e.relative) for e in errors.values() if math.isinf(e.relative)), default=0.0)
