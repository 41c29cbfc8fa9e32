"""Records one call's own code, with some of its values replaced, on given inputs.

`intervention` records to find the statement at fault; `causes` use an `Intervention` to see one statement without the
errors of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.operations import Number
from equivariance._engine.instrumentation.reference import ReferenceRun, Site
from equivariance._engine.instrumentation.tape import Patch, Tape
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.instrumentation.transform_cache import TransformCache
from equivariance._engine.laws.forms import Law
from equivariance._engine.measurement.comparisons import IntroducedErrors
from equivariance._engine.measurement.isolation import run_isolated
from equivariance.contracts.nested import cast, leaves, map_tensors
from equivariance.groups.elements import Transform


@dataclass(frozen=True, eq=False)
class Intervention:
    """Replaces values of a call by the reference values, transformed by laws.

    Attributes:
        runner, state: The copy of the network that runs.
        laws: Number of a value in the recording of the call -> its law.
    """

    runner: Runner
    state: ModelState
    laws: Mapping[int, Law]

    def run(self, reference: ReferenceRun, owner: LayerCall, element: Transform) -> IntroducedErrors:
        """Runs the code of `owner` on the inputs of `reference` under an element, with the values replaced."""
        return self.record(reference, owner, element)[1]

    def record(self, reference: ReferenceRun, owner: LayerCall, element: Transform) -> tuple[Tape, Traced]:
        """Records the code of `owner` as `run` runs it."""
        plain, _ = record_call(self.runner, self.state, owner, reference, Transform(), {})
        patches = {number: patch(law, plain.values[number], element) for number, law in self.laws.items()}
        return record_call(self.runner, self.state, owner, reference, element, patches)


def record_call(
    runner: Runner, state: ModelState, owner: LayerCall, reference: ReferenceRun, element: Transform,
    patches: Mapping[int, Patch], decisions: Mapping[int, Number] | None = None,
) -> tuple[Tape, Traced]:  # fmt: skip
    """Returns the recording of one call on inputs that `element` acted on, with values replaced, and its errors.

    Args:
        runner: The copies of the network.
        state: Weights and mode.
        owner: The call that is recorded.
        reference: The run whose values the call receives, transformed.
        element: The group element.
        patches: Number of a value -> its replacement.
        decisions: Number of an operation -> the Python number that it gives in place of its own.
    """
    tape = Tape(runner.memory, patches, decisions or {})
    handler = Traced(reference, element, runner.reference_dtype, owner, tape)
    others = [name for name in runner.contracts if name != owner.layer]
    with tape.following(runner.module(state, runner.reference_dtype), owner.layer, others), tape:
        run_isolated(runner, state, owner, handler, runner.reference_dtype)
    return tape, handler


def patch(law: Law, value: Tensor, element: Transform) -> Patch:
    """Returns the patch that replaces a value by that of the reference run, transformed by its law."""
    return lambda made, _: law.apply(value, element).to(made.dtype)


class Traced(IntroducedErrors):
    """Records what the owner's own code does with exact values."""

    def __init__(
        self, reference: ReferenceRun, element: Transform, dtype: torch.dtype, owner: LayerCall, tape: Tape
    ) -> None:
        """`owner` is the call that is recorded."""
        super().__init__(reference, element, dtype, keep=True)
        self.owner, self.tape = owner, tape
        self._exact = TransformCache(lambda t, r: cast(r.transform(t, element), dtype).clone(), reference.numbers)

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Marks the arguments that the owner gives to a layer."""
        if caller == self.owner:
            arguments = {name: self._mark(Site(call, name), value) for name, value in arguments.items()}
        with self.tape.paused():
            return super().enter(call, caller, arguments)

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Marks the output of the owner."""
        if call == self.owner:
            output = self._mark(Site(call), output)
        with self.tape.paused():
            return super().leave(call, output)

    def exact(self, site: Site) -> Any:
        """Returns the exact value at `site`; making it is not recorded as part of the layer's code."""
        with self.tape.paused():
            value = super().exact(site)
            self.tape.hand(value)
        return value

    def _mark(self, site: Site, value: Any) -> Any:
        """Marks a value that the owner's code made, and returns it with replaced tensors exchanged."""
        if not self.reference.has(site):
            return value
        with self.tape.paused():
            found = leaves(value, self.reference.spec(site))
        self.tape.mark(site, {path: t for path, t, _ in found})
        with self.tape.paused():
            return map_tensors(value, self.tape.current) if self.tape.replaces else value
