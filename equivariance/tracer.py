"""Tries statements of one layer: what they make is replaced by what a law would make of the reference values.

Where the error of the output vanishes, nothing else breaks, and the error comes back when the replacement is left out
again, the statement is confirmed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from equivariance.bench import Bench
from equivariance.bypass import LeftOut, depends_on_frame
from equivariance.combinations import diagonal_first
from equivariance.dataflow import Dataflow, Unit, divergence
from equivariance.elements import Transform
from equivariance.frames import Place
from equivariance.handlers import COURSE, Introduced, Site
from equivariance.healing import patch, recorded
from equivariance.laws import Law, Mixed, Unchanged
from equivariance.matching import Matcher
from equivariance.measure import PartKey
from equivariance.suggestions import Sizes
from equivariance.suspects import Suspect
from equivariance.tape import Number, Patch, Tape
from equivariance.traced import Traced

_MOST_ALONE = 12
_MOST_ROUNDS = 6
_MOST_TRIES = 12
"""Statements that are tried by themselves, statements that are tried in turn, and replacements per statement."""

Laws = Mapping[int, Law]
"""Value -> the law that replaces it."""


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
    """

    place: Place | None
    layer: str
    confirmed: bool
    error: float = 0.0
    beside: Laws = field(default_factory=dict)
    frame: Place | None = None


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
        laws: dict[Unit, Laws] = {}
        suspects: list[int] | None = None
        tried: set[int] = set()
        for _ in range(_MOST_ROUNDS):
            flow = self._flow(_merged(laws))
            if flow is None and not laws:
                return self._diverged()
            if flow is None:
                break
            involved, drops = self.suspects(flow)
            if suspects is None:
                suspects = drops
                alone = self._alone(flow, involved, drops)
                if alone:
                    return self._necessary(alone)
            left = [i for i in drops if i in suspects and i not in tried]
            if not left:
                break
            tried.add(left[0])
            for unit in flow.units(left[0]):
                found, healed = self._try(flow, unit, involved, _merged(laws), len(drops))
                if healed:
                    return self._necessary({**laws, **self._earlier(flow, unit, laws), unit: found})
                if found:
                    laws[unit] = found
                    break
        if not suspects:
            return []
        return [self._of_event(suspects[0], False)]

    def in_frames(self) -> list[Statement]:
        """As :meth:`statements`; where one at fault only chooses a frame, that which minds the choice."""
        found = self.statements()
        for index, unit in enumerate(self._found):
            flow = self._flow(found[index].beside)
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
        before, after = self._unpatched[0][1], self.put_right(self.trial.element, _merged(self._found))[1]
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
        laws = _merged({unit: found for unit, found in self._found.items() if unit not in self._left_out})
        return self._flow(laws, patches)

    def _earlier(self, flow: Dataflow, found: Unit, laws: Mapping[Unit, Laws]) -> dict[Unit, Laws]:
        """The first statement before the one that was found whose replacement heals as well."""
        for number, law in flow.sources(found):
            unit = flow.unit(flow.producers[number])
            if unit.first < found.first and self._attempt({**_merged(laws), number: law})[1] <= self.remainder:
                return self._earlier(flow, unit, laws) or {unit: {number: law}}
        return {}

    def suspects(self, flow: Dataflow) -> tuple[set[int], list[int]]:
        """The values that take part in the break, and the events that may be at fault, in their order."""
        targets = self.targets
        involved = flow.involved(targets)
        drops = flow.drops(involved)
        if drops:
            return involved, drops
        source = flow.arising(targets[0])
        return {*involved, source}, [flow.producers[source]]

    def _alone(self, flow: Dataflow, involved: set[int], drops: Sequence[int]) -> dict[Unit, Laws]:
        """The first suspect that heals everything by itself: the others may be local frames, put right later.

        By itself is wherever it runs: what it breaks first, it may break again.
        """
        for unit in itertools.islice(dict.fromkeys(flow.unit(index) for index in drops), _MOST_ALONE):
            once, all_times = ([n for u in units for n in flow.escaping(u, involved, self.targets)]
                               for units in ([unit], flow.executions(unit, involved)))  # fmt: skip
            for values in (once, all_times) if all_times != once else (once,):
                for laws in self._replacements(flow, values):
                    if self._attempt(laws)[1] <= self.remainder:
                        return {**self._earlier(flow, unit, {}), unit: laws}
        return {}

    def _try(self, flow: Dataflow, unit: Unit, involved: set[int], known: Laws, count: int) -> tuple[Laws, bool]:
        """The replacement after which the fewest suspects are left, fewer than before, and whether it heals."""
        best: tuple[int, Laws] = (count, {})
        values = flow.escaping(unit, involved, self.targets)
        for laws in self._replacements(flow, values):
            tape, error = self._attempt({**known, **laws})
            if error <= self.remainder:
                return laws, True
            left = None if tape is None else self._compared([tape], self._first)
            if left is not None:
                best = min(best, (len(self.suspects(left)[1]), laws), key=lambda b: b[0])
        return best[1], False

    def _replacements(self, flow: Dataflow, values: Sequence[int]) -> Iterator[Laws]:
        choices = [list(self.matcher.candidates(self.reference.values[n], flow.laws_near(n))) for n in values]
        # What turns in another basis was not meant to be invariant; one element alone may seem to turn anything.
        for n, laws in zip(values, choices, strict=True):
            if isinstance(flow.law(n), Mixed) and len(laws) > 1 and len(self.elements) > 1:
                laws[:] = [law for law in laws if law != Unchanged()]
        if values:
            for chosen in itertools.islice(diagonal_first(choices, _MOST_TRIES), _MOST_TRIES):
                yield dict(zip(values, chosen, strict=True))

    def _necessary(self, laws: dict[Unit, Laws]) -> list[Statement]:
        """Those whose break comes back when only they are left as they are."""
        kept = dict(laws)
        for unit in reversed(laws):  # what an earlier one heals too, was not at fault
            _, error = self._attempt(_merged({u: v for u, v in kept.items() if u != unit}))
            if error <= self.remainder:
                del kept[unit]
        self._found = kept
        beside = {u: _merged({o: v for o, v in kept.items() if o != u}) for u in kept}
        return [Statement(u.place, u.layer, True, self._attempt(laws)[1], laws) for u, laws in beside.items()]

    def _diverged(self) -> list[Statement]:
        """The statement whose data decides the course: the last Python number that was read before.

        It is confirmed where the error is gone once the numbers that decide are those of the reference run.
        """
        tape, handler = self._unpatched[0]
        decisions: dict[int, Number] = {}
        for _ in range(_MOST_ROUNDS):
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

    def _flow(self, laws: Laws, patches: Mapping[int, Patch] | None = None) -> Dataflow | None:
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

    @cached_property
    def _first(self) -> Dataflow | None:
        """The first of these alone."""
        return self._compared([self._unpatched[0][0]])

    def _compared(
        self, tapes: Sequence[Tape], before: Dataflow | None = None, reference: Tape | None = None
    ) -> Dataflow | None:
        """Recordings under as many of the elements; None where they take another course than the reference."""
        plain = reference or self.reference
        if any(divergence(plain, tape) is not None for tape in tapes):
            return None
        return Dataflow(plain, list(zip(self.elements, tapes, strict=False)), self.matcher, before)

    def _attempt(self, laws: Laws) -> tuple[Tape | None, float]:
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


def _merged(laws: Mapping[Unit, Laws]) -> dict[int, Law]:
    return {number: law for found in laws.values() for number, law in found.items()}
