"""Runs one layer call again with values replaced by the predictions of their laws.

A prediction is the value of the reference run, transformed by a law. `search` and `ablation` ask which replacements
remove the error; `locate_statement` turns the answer into statements. This module does not decide which statement is at
fault.
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
from equivariance._engine.localization.recording import Traced, patch, record_call
from equivariance._engine.localization.slicing import Laws, Slicer, divergence
from equivariance._engine.localization.suspects import SuspectLayer
from equivariance._engine.measurement.comparisons import IntroducedErrors
from equivariance._engine.measurement.relative_error import PartKey
from equivariance.errors import ForeignElementError
from equivariance.groups.elements import Transform


class InterventionRunner:
    """Runs one call's own code with recorded values replaced, and measures the remaining error at one site."""

    def __init__(
        self, model_runner: Runner, sizes: AxisLengths, suspect: SuspectLayer, more: Sequence[Transform], symmetry: str
    ) -> None:
        """Records the call on the reference inputs.

        Args:
            model_runner: Runs the model.
            sizes: The lengths of the network's axes.
            suspect: The layer, its call and its worst site.
            more: Further elements, which exclude coincidental laws.
            symmetry: The symmetry.
        """
        self.model_runner, self.trial, self.owner = model_runner, suspect.trial, suspect.owner
        self.site, self.key, self.limit = suspect.site, suspect.key, suspect.measurement.tolerance
        self.residual = suspect.measurement.residual
        self.elements = [self.trial.element, *more]
        tolerance = max(math.sqrt(min(suspect.measurement.error, 1.0) * self.limit), suspect.measurement.stored)
        self.matcher = LawMatcher(symmetry, sizes, tolerance)
        self.reference, self.handler = self.record(Transform(), {})
        self.repeats = self.residual_error(self.handler) <= self.limit

    @property
    def size_elsewhere(self) -> int:
        """Bytes of the reference run's values on devices other than the CPU, which cannot be moved to files."""
        return sum(v.numel() * v.element_size() for v in self.reference.values if v.device.type != "cpu")

    def suspects(self, flow: Slicer) -> tuple[set[int], list[int]]:
        """Returns the backward slice of the violation, and the events that may be at fault, in order of execution."""
        targets = self.targets
        backward_slice = flow.backward_slice(targets)
        first_broken_operations = flow.first_broken_operations(backward_slice)
        if first_broken_operations:
            return backward_slice, first_broken_operations
        path = flow.trace_back(targets[0])
        return {*backward_slice, *path}, list(dict.fromkeys(flow.producers[n] for n in path))

    def residual_error(self, handler: IntroducedErrors) -> float:
        """Returns the relative error at the site; infinite if the site is the control flow and it differs."""
        if self.site.slot == CONTROL_FLOW:
            return math.inf if self.site in handler.errors else 0.0
        return error_at(handler, self.site, self.key)

    @property
    def targets(self) -> list[int]:
        """Numbers of the values that show the violation."""
        return [self.reference.marks[self.site][self.key[0]]]

    def flow(self, laws: Laws, patches: Mapping[int, Patch] | None = None) -> Slicer | None:
        """Returns recordings under the elements with values replaced; None if their control flow differs.

        Args:
            laws: The values to replace, with their laws.
            patches: Other replacements, which are also made in the reference run.
        """
        if not laws and not patches:
            return self.unpatched_slicer
        try:
            plain = self.record(Transform(), patches)[0] if patches else self.reference
            tapes = [self.intervene(element, laws, patches, plain)[0] for element in self.elements]
        except ForeignElementError:
            raise
        except Exception:  # a replacement that does not fit under every element; the code may raise any error then
            return None
        return self._make_slicer(tapes, None if patches else self.unpatched_slicer, plain)

    @cached_property
    def unpatched_slicer(self) -> Slicer | None:
        """Recordings under the elements with nothing replaced; None if their control flow differs."""
        return self._make_slicer([tape for tape, _ in self.unpatched])

    def slice_first_element(self, tape: Tape) -> Slicer | None:
        """Returns the comparison of one recording, made under the first element, with the reference run."""
        return self._make_slicer([tape], self._first_slicer)

    @cached_property
    def _first_slicer(self) -> Slicer | None:
        return self._make_slicer([self.unpatched[0][0]])

    def _make_slicer(
        self, tapes: Sequence[Tape], before: Slicer | None = None, reference: Tape | None = None
    ) -> Slicer | None:
        """Returns the comparison of recordings under the first elements; None if their control flow differs."""
        plain = reference or self.reference
        if any(divergence(plain, tape) is not None for tape in tapes):
            return None
        return Slicer(plain, list(zip(self.elements, tapes, strict=False)), self.matcher, before)

    def try_replacement(self, laws: Laws) -> tuple[Tape | None, float]:
        """Returns the recording with values replaced, and the remaining error.

        The error is infinite if a replacement does not fit the code after it. New errors at other sites count too.
        """
        try:
            tape, handler = self.intervene(self.trial.element, laws)
        except ForeignElementError:
            raise
        except Exception:  # the replacement does not fit the code after it, which may raise any error
            return None, math.inf
        return tape, max(error_at(handler, self.site, self.key), self._largest_new_error(handler))

    def _largest_new_error(self, handler: IntroducedErrors) -> float:
        """Returns the largest new error at other sites. A replacement must not cause an error elsewhere."""
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
        """Records the call on inputs transformed by `element`, with values replaced.

        Args:
            element: The group element.
            laws: The values to replace, with their laws.
            patches: Further replacements.
            plain: The recording whose values the laws transform; the reference run by default.
        """
        values = (plain or self.reference).values
        lawful = {n: patch(law, values[n], element) for n, law in laws.items()}
        return self.record(element, {**lawful, **(patches or {})})

    def record(
        self, element: Transform, patches: Mapping[int, Patch], decisions: Mapping[int, Number] | None = None
    ) -> tuple[Tape, Traced]:
        """Records the call on inputs transformed by `element`, with values and decisions replaced.

        Args:
            element: The group element.
            patches: Number of a value -> its replacement.
            decisions: Event -> the Python number that replaces its result.
        """
        state = self.trial.state
        reference = self.model_runner.reference(state)
        return record_call(self.model_runner, state, self.owner, reference, element, patches, decisions)


def error_at(handler: IntroducedErrors, site: Site, key: PartKey) -> float:
    """Returns the relative error of one part at a site; infinite if no value of this kind passed there."""
    errors = handler.errors.get(site)
    if errors == {}:  # the expected tensor itself passed
        return 0.0
    return math.inf if errors is None or key not in errors else errors[key].relative
