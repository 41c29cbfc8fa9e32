"""Tries statements of one layer: what they make is replaced by what a law would make of the reference values.

Where the error of the output vanishes, nothing else breaks, and the error comes back when the replacement is left out
again, the statement is confirmed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from equivariance._engine.instrumentation.operations import Number
from equivariance._engine.instrumentation.reference import COURSE, Site
from equivariance._engine.instrumentation.source_lines import Place
from equivariance._engine.instrumentation.tape import Patch, Tape
from equivariance._engine.instrumentation.testbed import Bench
from equivariance._engine.laws.candidates import Sizes
from equivariance._engine.laws.matching import Matcher
from equivariance._engine.localization.ablation import LeftOut, depends_on_frame
from equivariance._engine.localization.recording import Traced, patch, recorded
from equivariance._engine.localization.search import Search, merged
from equivariance._engine.localization.slicing import Dataflow, Laws, Unit, divergence
from equivariance._engine.localization.suspects import Suspect
from equivariance._engine.measurement.comparisons import Introduced
from equivariance._engine.measurement.relative_error import PartKey
from equivariance.groups.elements import Transform

_MOST_DECISIONS = 6
"""Decisions of the program that are put right in turn."""


@dataclass(frozen=True)
class Statement:
    """A statement at fault.

    Attributes
    ----------
    place : file and line; None where there is no Python source
    layer : dotted path of the innermost module that runs it
    confirmed : whether the intervention proved it
    error : at the layer's output, with every other statement at fault put right
    beside : what puts these right
    frame : of a statement that works in a local frame and minds which, the one that chooses it
    hidden : whether a later statement breaks what it makes once more, so that it shows only when that is put right
    """

    place: Place | None
    layer: str
    confirmed: bool
    error: float = 0.0
    beside: Laws = field(default_factory=dict)
    frame: Place | None = None
    hidden: bool = False


class Tracer:
    """Looks for the statements at fault in one call's own code, at one of its sites."""

    def __init__(self, bench: Bench, sizes: Sizes, suspect: Suspect, more: Sequence[Transform], symmetry: str) -> None:
        """``more`` elements tell chance from law."""
        self.bench, self.trial, self.owner = bench, suspect.trial, suspect.owner
        self.site, self.key, self.limit = suspect.site, suspect.key, suspect.reading.limit
        self.remainder = suspect.reading.remainder
        self.elements = [self.trial.element, *more]
        tolerance = max(math.sqrt(min(suspect.reading.error, 1.0) * self.limit), suspect.reading.stored)
        self.matcher = Matcher(symmetry, sizes, tolerance)
        self.reference, self.handler = self.record(Transform(), {})
        self._found: dict[Unit, Laws] = {}
        self._left_out: dict[Unit, LeftOut] = {}
        self.repeats = self._left(self.handler) <= self.limit

    def statements(self) -> list[Statement]:
        """Those at fault, in the order in which they run; the first suspect where none can be confirmed."""
        if not self.repeats or self.site.place == COURSE:
            # Random numbers are drawn otherwise than in the reference run; or a decision is at fault, and no value.
            return self._diverged() if self.repeats else []
        if self._unhealed is None:
            return self._diverged()
        search = Search(self, self._unhealed)
        self._found = search.found()
        if not self._found:
            return [self._of_event(search.drops[0], False)] if search.drops else []
        beside = {u: merged({o: v for o, v in self._found.items() if o != u}) for u in self._found}
        errors = {u: self.attempt(laws)[1] for u, laws in beside.items()}
        return [Statement(u.place, u.layer, True, e, beside[u], hidden=e <= self.remainder) for u, e in errors.items()]

    def in_frames(self) -> list[Statement]:
        """As :meth:`statements`; where one at fault only chooses a frame, that which minds the choice."""
        found = self.statements()
        for index, unit in enumerate(self._found):
            flow = self.flow(found[index].beside)
            left_out = None if flow is None else depends_on_frame(self, flow, unit, found[index].beside)
            if left_out is not None:
                self._left_out[unit] = left_out
                at_fault = left_out.unit
                found[index] = replace(found[index], place=at_fault.place, layer=at_fault.layer, frame=unit.place)
        return found

    def heals(self, other: Suspect) -> bool:
        """Whether what puts this place right puts another one right that the same call breaks under this element."""
        if other.owner != self.owner or not self._found:
            return False
        before, after = self._unpatched[0][1], self.put_right(self.trial.element, merged(self._found))[1]
        limit = other.reading.remainder
        return error_at(after, other.site, other.key) <= limit < error_at(before, other.site, other.key)

    @property
    def size_elsewhere(self) -> int:
        """Bytes of the reference run's values that lie on a device, where no file takes them."""
        return sum(v.numel() * v.element_size() for v in self.reference.values if v.device.type != "cpu")

    def healed(self) -> Dataflow | None:
        """The recordings with the statements at fault put right, as far as :meth:`in_frames` found them.

        Those that mind the frame are left out: in it nothing obeys a law.
        """
        patches = {n: p for left_out in self._left_out.values() for n, p in left_out.patches(self.reference).items()}
        laws = merged({unit: found for unit, found in self._found.items() if unit not in self._left_out})
        return self.flow(laws, patches)

    def suspects(self, flow: Dataflow) -> tuple[set[int], list[int]]:
        """The values that take part in the break, and the events that may be at fault, in their order."""
        targets = self.targets
        involved = flow.involved(targets)
        drops = flow.drops(involved)
        if drops:
            return involved, drops
        way = flow.arising(targets[0])
        return {*involved, *way}, list(dict.fromkeys(flow.producers[n] for n in way))

    def _diverged(self) -> list[Statement]:
        """The statement whose data decides the course: the last Python number that was read before.

        It is confirmed where the error is gone once the numbers that decide are those of the reference run.
        """
        tape, handler = self._unpatched[0]
        decisions: dict[int, Number] = {}
        for _ in range(_MOST_DECISIONS):
            index = divergence(self.reference, tape)
            if index is None:
                break
            pairs = zip(self.reference.events[:index], tape.events, strict=False)
            reads = {i: a.result for i, (a, b) in enumerate(pairs) if a.result is not None and a.result != b.result}
            if not reads:
                return [self._of_event(next(iter(decisions), min(index, len(self.reference.events) - 1)), False)]
            last = max(reads)
            decisions[last] = reads[last]
            tape, handler = self.record(self.trial.element, {}, decisions)
        healed = divergence(self.reference, tape) is None and self._left(handler) <= self.remainder
        return [self._of_event(number, healed) for number in list(decisions)[:1]]

    def _of_event(self, number: int, confirmed: bool) -> Statement:
        event = self.reference.events[number]
        return Statement(event.place, event.layer, confirmed)

    def _left(self, handler: Introduced) -> float:
        """The error at the site; another course is one."""
        if self.site.place == COURSE:
            return math.inf if self.site in handler.errors else 0.0
        return error_at(handler, self.site, self.key)

    @property
    def targets(self) -> list[int]:
        """The values that show the break."""
        return [self.reference.marks[self.site][self.key[0]]]

    def flow(self, laws: Laws, patches: Mapping[int, Patch] | None = None) -> Dataflow | None:
        """Recordings under the elements with values replaced; None where they take another course.

        ``patches`` are part of the reference run too.
        """
        if not laws and not patches:
            return self._unhealed
        try:
            plain = self.record(Transform(), patches)[0] if patches else self.reference
            tapes = [self.put_right(element, laws, patches, plain)[0] for element in self.elements]
        except (RuntimeError, ValueError, IndexError):  # a replacement that does not fit under every element
            return None
        return self._compared(tapes, None if patches else self._unhealed, plain)

    @cached_property
    def _unhealed(self) -> Dataflow | None:
        """Recordings under the elements with nothing replaced; None where they take another course."""
        return self._compared([tape for tape, _ in self._unpatched])

    def under_the_first(self, tape: Tape) -> Dataflow | None:
        """A recording under the first element alone; None where it takes another course."""
        return self._compared([tape], self._first)

    @cached_property
    def _first(self) -> Dataflow | None:
        return self._compared([self._unpatched[0][0]])

    def _compared(
        self, tapes: Sequence[Tape], before: Dataflow | None = None, reference: Tape | None = None
    ) -> Dataflow | None:
        """Recordings under as many of the elements; None where they take another course than the reference."""
        plain = reference or self.reference
        if any(divergence(plain, tape) is not None for tape in tapes):
            return None
        return Dataflow(plain, list(zip(self.elements, tapes, strict=False)), self.matcher, before)

    def attempt(self, laws: Laws) -> tuple[Tape | None, float]:
        """The recording with values replaced, and what is left of the error at the site."""
        try:
            tape, handler = self.put_right(self.trial.element, laws)
        except (RuntimeError, ValueError, IndexError):  # a replacement that does not fit what comes after
            return None, math.inf
        return tape, max(error_at(handler, self.site, self.key), self._spoiled(handler))

    def _spoiled(self, handler: Introduced) -> float:
        """The largest error where there was none before: what heals one place must not break another."""
        before = self._unpatched[0][1].errors
        new = [
            error.relative
            for site, errors in handler.errors.items()
            for key, error in errors.items()
            if (site not in before or key not in before[site] or before[site][key].relative <= self.limit)
        ]
        return max((e for e in new if e > self.matcher.close.tolerance), default=0.0)

    @cached_property
    def _unpatched(self) -> list[tuple[Tape, Traced]]:
        """The recordings under the elements with nothing replaced."""
        return [self.record(element, {}) for element in self.elements]

    def put_right(
        self, element: Transform, laws: Laws, patches: Mapping[int, Patch] | None = None, plain: Tape | None = None
    ) -> tuple[Tape, Traced]:
        """The call on inputs that ``element`` acted on, with what laws make of the values of ``plain``, and patches."""
        values = (plain or self.reference).values
        lawful = {n: patch(law, values[n], element) for n, law in laws.items()}
        return self.record(element, {**lawful, **(patches or {})})

    def record(
        self, element: Transform, patches: Mapping[int, Patch], decisions: Mapping[int, Number] | None = None
    ) -> tuple[Tape, Traced]:
        """The call on inputs that ``element`` acted on, with values and decisions replaced."""
        state = self.trial.state
        return recorded(self.bench, state, self.owner, self.bench.reference(state), element, patches, decisions)


def error_at(handler: Introduced, site: Site, key: PartKey) -> float:
    """The error of one part of what passed at a site; infinite where nothing passed, or nothing like it."""
    errors = handler.errors.get(site)
    if errors == {}:  # the very tensor that was expected
        return 0.0
    return math.inf if errors is None or key not in errors else errors[key].relative
