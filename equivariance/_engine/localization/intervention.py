"""Runs one layer call again with values replaced by those that a law makes of the reference values.

`search` and `ablation` ask it which replacements remove the error; `locate_statement` makes statements of the answer.
Nothing here decides which statement is at fault.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

from equivariance._engine.instrumentation.operations import Number
from equivariance._engine.instrumentation.reference import CONTROL_FLOW, Site
from equivariance._engine.instrumentation.tape import Patch, Tape
from equivariance._engine.instrumentation.testbed import Runner
from equivariance._engine.laws.candidates import AxisLengths
from equivariance._engine.laws.matching import LawMatcher
from equivariance._engine.localization.recording import Traced, patch, recorded
from equivariance._engine.localization.slicing import Laws, Slicer, divergence
from equivariance._engine.localization.suspects import SuspectLayer
from equivariance._engine.measurement.comparisons import IntroducedErrors
from equivariance._engine.measurement.relative_error import PartKey
from equivariance.groups.elements import Transform


class InterventionRunner:
    """Runs one call's own code with recorded values replaced, and measures the error that is left at one site."""

    def __init__(
        self, bench: Runner, sizes: AxisLengths, suspect: SuspectLayer, more: Sequence[Transform], symmetry: str
    ) -> None:
        """`more` elements tell chance from law."""
        self.bench, self.trial, self.owner = bench, suspect.trial, suspect.owner
        self.site, self.key, self.limit = suspect.site, suspect.key, suspect.reading.tolerance
        self.residual = suspect.reading.residual
        self.elements = [self.trial.element, *more]
        tolerance = max(math.sqrt(min(suspect.reading.error, 1.0) * self.limit), suspect.reading.stored)
        self.matcher = LawMatcher(symmetry, sizes, tolerance)
        self.reference, self.handler = self.record(Transform(), {})
        self.repeats = self.left(self.handler) <= self.limit

    @property
    def size_elsewhere(self) -> int:
        """Bytes of the reference run's values that lie on a device, where no file takes them."""
        return sum(v.numel() * v.element_size() for v in self.reference.values if v.device.type != "cpu")

    def suspects(self, flow: Slicer) -> tuple[set[int], list[int]]:
        """The values that take part in the break, and the events that may be at fault, in their order."""
        targets = self.targets
        backward_slice = flow.backward_slice(targets)
        first_broken_operations = flow.first_broken_operations(backward_slice)
        if first_broken_operations:
            return backward_slice, first_broken_operations
        way = flow.trace_back(targets[0])
        return {*backward_slice, *way}, list(dict.fromkeys(flow.producers[n] for n in way))

    def left(self, handler: IntroducedErrors) -> float:
        """The error at the site; another course is one."""
        if self.site.slot == CONTROL_FLOW:
            return math.inf if self.site in handler.errors else 0.0
        return error_at(handler, self.site, self.key)

    @property
    def targets(self) -> list[int]:
        """The values that show the break."""
        return [self.reference.marks[self.site][self.key[0]]]

    def flow(self, laws: Laws, patches: Mapping[int, Patch] | None = None) -> Slicer | None:
        """Recordings under the elements with values replaced; None where they take another course.

        `patches` are part of the reference run too.
        """
        if not laws and not patches:
            return self.unhealed
        try:
            plain = self.record(Transform(), patches)[0] if patches else self.reference
            tapes = [self.intervene(element, laws, patches, plain)[0] for element in self.elements]
        except (RuntimeError, ValueError, IndexError):  # a replacement that does not fit under every element
            return None
        return self._compared(tapes, None if patches else self.unhealed, plain)

    @cached_property
    def unhealed(self) -> Slicer | None:
        """Recordings under the elements with nothing replaced; None where they take another course."""
        return self._compared([tape for tape, _ in self.unpatched])

    def under_the_first(self, tape: Tape) -> Slicer | None:
        """A recording under the first element alone; None where it takes another course."""
        return self._compared([tape], self._first)

    @cached_property
    def _first(self) -> Slicer | None:
        return self._compared([self.unpatched[0][0]])

    def _compared(
        self, tapes: Sequence[Tape], before: Slicer | None = None, reference: Tape | None = None
    ) -> Slicer | None:
        """Recordings under as many of the elements; None where they take another course than the reference."""
        plain = reference or self.reference
        if any(divergence(plain, tape) is not None for tape in tapes):
            return None
        return Slicer(plain, list(zip(self.elements, tapes, strict=False)), self.matcher, before)

    def try_replacement(self, laws: Laws) -> tuple[Tape | None, float]:
        """The recording with values replaced, and what is left of the error at the site."""
        try:
            tape, handler = self.intervene(self.trial.element, laws)
        except (RuntimeError, ValueError, IndexError):  # a replacement that does not fit what comes after
            return None, math.inf
        return tape, max(error_at(handler, self.site, self.key), self._spoiled(handler))

    def _spoiled(self, handler: IntroducedErrors) -> float:
        """The largest error where there was none before: what heals one place must not break another."""
        before = self.unpatched[0][1].errors
        new = [
            error.relative
            for site, errors in handler.errors.items()
            for key, error in errors.items()
            if (site not in before or key not in before[site] or before[site][key].relative <= self.limit)
        ]
        return max((e for e in new if e > self.matcher.close.tolerance), default=0.0)

    @cached_property
    def unpatched(self) -> list[tuple[Tape, Traced]]:
        """The recordings under the elements with nothing replaced."""
        return [self.record(element, {}) for element in self.elements]

    def intervene(
        self, element: Transform, laws: Laws, patches: Mapping[int, Patch] | None = None, plain: Tape | None = None
    ) -> tuple[Tape, Traced]:
        """The call on inputs that `element` acted on, with what laws make of the values of `plain`, and patches."""
        values = (plain or self.reference).values
        lawful = {n: patch(law, values[n], element) for n, law in laws.items()}
        return self.record(element, {**lawful, **(patches or {})})

    def record(
        self, element: Transform, patches: Mapping[int, Patch], decisions: Mapping[int, Number] | None = None
    ) -> tuple[Tape, Traced]:
        """The call on inputs that `element` acted on, with values and decisions replaced."""
        state = self.trial.state
        return recorded(self.bench, state, self.owner, self.bench.reference(state), element, patches, decisions)


def error_at(handler: IntroducedErrors, site: Site, key: PartKey) -> float:
    """The error of one part of what passed at a site; infinite where nothing passed, or nothing like it."""
    errors = handler.errors.get(site)
    if errors == {}:  # the very tensor that was expected
        return 0.0
    return math.inf if errors is None or key not in errors else errors[key].relative
