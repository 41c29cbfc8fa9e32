"""Finds the statement at which an output loses information: it reads what changes and makes what does not.

The whole network is recorded in the reference run and under some elements. From an output that does not respond, the
search goes back through values that do not respond. An operation that makes such a value from one that responds has
lost the information. The statement is confirmed if it is the only one, and if a change of its result alone reaches the
output. If several statements lose it, each on a path of its own, all are named.

`sensitivity` calls it. Violations of laws are located in `localization`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.operations import Operation
from equivariance._engine.instrumentation.perturbations import noise_like
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.source_lines import SourceLine, is_own
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.instrumentation.testbed import ModelState
from equivariance._engine.localization.recording import record_call
from equivariance._engine.localization.slicing import divergence
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance.groups.elements import Transform

_NUDGE = 0.1
"""Relative change of a result that must reach the output."""


@dataclass(frozen=True)
class Place:
    """The statement that loses the information.

    Attributes:
        line: The statement; None if there is no Python source.
        layer: Dotted path of the innermost module that runs it.
        words: What it does, for the evidence.
        transmits: True if a change of its result alone reaches the output.
        alternatives: Other statements that lose the information on other paths.
    """

    line: SourceLine | None
    layer: str
    words: str
    transmits: bool
    alternatives: tuple[SourceLine, ...] = ()


class LostInformation:
    """The recordings of a network under elements that do not change an output.

    Args:
        runs: Runs the network.
        state: Weights and mode.
        path: The path of the output's tensor.
        elements: The elements.
        least: Relative change up to which a value does not respond.
    """

    def __init__(
        self, runs: TransformedRuns, state: ModelState, path: str, elements: Sequence[Transform], least: float
    ) -> None:
        """Records the network."""
        whole = {"": runs.runner.contracts[""]}
        self.runner, self.state, self.path, self.least = runs.runner.with_contracts(whole), state, path, least
        self.reference = self._record(Transform(), {})
        self.under = [self._record(element, {}) for element in elements]

    def place(self) -> Place | None:
        """Returns the first statement that loses the information; None if the recordings do not compare."""
        output = self.reference.marks.get(Site(ROOT), {}).get(self.path)
        if output is None or any(divergence(self.reference, tape) is not None for tape in self.under):
            return None
        losing = self._losing(output)
        if not losing:
            return None
        units = dict[SourceLine | None, list[Operation]]()
        for event in sorted(losing, key=self.reference.events.index):
            units.setdefault(event.place, []).append(event)
        reaching = {line: own for line, own in units.items() if self._reaches(own, output)} or dict(
            itertools.islice(units.items(), 1)
        )
        (line, own), *others = reaching.items()
        first, alternatives = own[0], tuple(p for p, _ in others if p is not None)
        transmits = self._reaches(own, output)
        if line is not None and not is_own(line):
            line = next((p for p in first.places if is_own(p)), line)
        words = f"{', '.join(dict.fromkeys(e.name for e in own))} reads what changes and makes what does not"
        return Place(line, first.layer, words, transmits, alternatives)

    def _record(self, element: Transform, patches: dict[int, object]) -> Tape:
        reference = self.runner.reference(self.state)
        return record_call(self.runner, self.state, ROOT, reference, element, patches)[0]  # type: ignore[arg-type]

    def _losing(self, output: int) -> list[Operation]:
        """Returns the operations on the way back from the output that read a value that responds and make none."""
        producers = {n: event for event in self.reference.events for n in event.writes}
        waiting, seen, found = [output], {output}, list[Operation]()
        while waiting:
            event = producers.get(waiting.pop())
            if event is None or event.name in ("given", "brought"):
                continue
            if any(self._responds(n) for n in event.reads):
                found.append(event)
                continue
            new = [n for n in event.reads if n not in seen]
            seen.update(new)
            waiting += new
        return found

    def _responds(self, number: int) -> bool:
        """True if a value changes under an element."""
        before = self.reference.values[number]
        return any(relative_change(before, tape.values[number]) > self.least for tape in self.under)

    def _reaches(self, events: Sequence[Operation], output: int) -> bool:
        """True if a change of the results of a statement changes the output."""
        generator = torch.Generator().manual_seed(0)

        def nudged(value: Tensor, _: Sequence[Tensor]) -> Tensor:
            if not value.is_floating_point():
                return value
            size = float(value.double().square().mean().sqrt()) or 1.0
            return value + _NUDGE * size * noise_like(value, generator)

        tape = self._record(Transform(), dict.fromkeys((n for e in events for n in e.writes), nudged))
        if divergence(self.reference, tape) is not None:
            return True
        return relative_change(self.reference.values[output], tape.values[output]) > self.least


def relative_change(before: Tensor, after: Tensor) -> float:
    """Returns the change of a value, relative to its norm; of whole numbers, the share of entries that differ.

    It is infinite if the shape changes, or if a value that is zero changes.
    """
    if before.shape != after.shape:
        return math.inf
    if not before.is_floating_point():
        return float((before != after).double().mean()) if before.numel() else 0.0
    size, change = float(before.double().norm()), float((after.double() - before.double()).norm())
    return change / size if size else (math.inf if change else 0.0)
