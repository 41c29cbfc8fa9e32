"""One call's own code with some of its values put right, on whatever inputs: what the others of its statements do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from equivariance._engine.instrumentation.hooks import Call
from equivariance._engine.instrumentation.operations import Number
from equivariance._engine.instrumentation.reference import Introduced, Reference
from equivariance._engine.instrumentation.tape import Patch, Tape
from equivariance._engine.instrumentation.testbed import Bench, State
from equivariance._engine.laws.forms import Law
from equivariance._engine.localization.traced import Traced
from equivariance._engine.measurement.isolation import judge
from equivariance.groups.elements import Transform


@dataclass(frozen=True, eq=False)
class Healing:
    """Replaces values of a call by what laws make of those in the reference run.

    Attributes
    ----------
    bench, state : where it runs
    laws : number of a value in the recording of the call -> its law
    """

    bench: Bench
    state: State
    laws: Mapping[int, Law]

    def run(self, reference: Reference, owner: Call, element: Transform) -> Introduced:
        """What the code of ``owner`` makes of the inputs of ``reference`` under an element, these values put right."""
        plain, _ = recorded(self.bench, self.state, owner, reference, Transform(), {})
        patches = {number: patch(law, plain.values[number], element) for number, law in self.laws.items()}
        return recorded(self.bench, self.state, owner, reference, element, patches)[1]


def recorded(
    bench: Bench, state: State, owner: Call, reference: Reference, element: Transform, patches: Mapping[int, Patch],
    decisions: Mapping[int, Number] | None = None,
) -> tuple[Tape, Traced]:  # fmt: skip
    """The recording of one call on inputs that ``element`` acted on, with values replaced, and what it made.

    ``decisions`` : event -> the Python number that it gives in place of its own.
    """
    tape = Tape(bench.memory, patches, decisions or {})
    handler = Traced(reference, element, bench.main, owner, tape)
    others = [name for name in bench.contracts if name != owner.layer]
    with tape.following(bench.module(state, bench.main), owner.layer, others), tape:
        judge(bench, state, owner, handler, bench.main)
    return tape, handler


def patch(law: Law, value: Tensor, element: Transform) -> Patch:
    """Puts a value of the reference run, transformed by its law, in the place of what was made."""
    return lambda made, _: law.apply(value, element).to(made.dtype)
