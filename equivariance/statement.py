"""The statement inside a layer that breaks a symmetry, found by comparing recordings and proven by intervention.

The layer's own code is recorded on the reference inputs and on exactly transformed ones. The operations that made
something unlawful of lawful values are suspects, in their order. Each is tried: what its statement makes is replaced
by what a law would make of the reference values, and the layer runs on. Where the error of the output vanishes, and
comes back when the replacement is left out again, the statement is confirmed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torch import Tensor

from equivariance.alone import judge
from equivariance.bench import Bench
from equivariance.dataflow import Dataflow, Unit, divergence
from equivariance.elements import Transform, samples
from equivariance.frames import Place, is_own
from equivariance.groups import Group
from equivariance.handlers import Introduced, Site
from equivariance.laws import Law, Mixed, Unchanged
from equivariance.matching import Matcher, Sizes
from equivariance.measure import PartKey
from equivariance.survey import Surveyor
from equivariance.surveyed import Trial
from equivariance.tape import Patch, Tape
from equivariance.traced import CallSite, Traced
from equivariance.trees import leaves

if TYPE_CHECKING:
    from equivariance.localize import Suspect

_MOST_ROUNDS = 6
_MOST_TRIES = 12
"""Statements that are tried in turn, and replacements per statement."""

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
    """

    place: Place | None
    layer: str
    confirmed: bool
    error: float = 0.0


def statements_of(surveyor: Surveyor, group: Group, suspect: Suspect) -> list[Statement]:
    """The statements at fault in a suspect's own code, the one with the largest error first."""
    found = tracer_of(surveyor, group, suspect).statements()
    if any(s.place is None or not is_own(s.place) for s in found):
        call = _call_site(surveyor.bench, suspect)
        found = [s if call is None or (s.place and is_own(s.place)) else replace(s, place=call) for s in found]
    return sorted(found, key=lambda s: s.error, reverse=True)


def tracer_of(surveyor: Surveyor, group: Group, suspect: Suspect) -> Tracer:
    """A tracer for a suspect, with elements that tell chance from law."""
    setting = surveyor.setting
    suspect = _with_full_batch(surveyor, suspect)
    more = [e for e in _more(surveyor, group) if _comparable(e, suspect.trial.element)]
    root = surveyor.bench.contracts[""]
    given = [leaf for k, v in surveyor.bench.arguments.items() for leaf in leaves(v, root.inputs.get(k))]
    segments = {r.concatenated.sizes for _, _, r in given if r.concatenated and r.concatenated.sizes}
    sizes = Sizes(setting.nodes, setting.samples, tuple(segments))
    return Tracer(surveyor.bench, sizes, suspect, more, group.symmetry)


def _more(surveyor: Surveyor, group: Group) -> list[Transform]:
    """Further elements; of selections those of as many samples as there are."""
    count = surveyor.setting.samples or 0
    if group.symmetry == "batch" and count > 1:
        return [samples(range(count - 1, -1, -1), of=count), samples([count - 1] * count, of=count)]
    return list(group.draw(3, surveyor.seed + 1, surveyor.setting)[::2])


def _call_site(bench: Bench, suspect: Suspect) -> Place | None:
    """The statement of the reader's own that calls a library's layer."""
    handler = CallSite(suspect.owner)
    bench.run(suspect.trial.state, bench.main, bench.arguments, handler)
    return handler.place


def _with_full_batch(surveyor: Surveyor, suspect: Suspect) -> Suspect:
    """The suspect with as many samples in the transformed run as in the reference run, where that shows the break.

    Code that goes from sample to sample takes another course for fewer of them.
    """
    element = suspect.trial.element
    if element.samples is None or len(element.samples) == element.of:
        return suspect
    for repeated in (samples([i] * element.of, of=element.of) for i in range(element.of)):
        trial = Trial(repeated, suspect.trial.state)
        if _error_at(surveyor.judged(trial, suspect.owner), suspect.site, suspect.key) > suspect.reading.limit:
            return replace(suspect, trial=trial)
    return suspect


def _comparable(element: Transform, other: Transform) -> bool:
    return element != other and len(element.samples or ()) == len(other.samples or ())


class Tracer:
    """Looks for the statements at fault in one call's own code, at one of its sites."""

    def __init__(self, bench: Bench, sizes: Sizes, suspect: Suspect, more: Sequence[Transform], symmetry: str) -> None:
        """``more`` elements tell chance from law."""
        self.bench, self.trial, self.owner = bench, suspect.trial, suspect.owner
        self.site, self.key, self.limit = suspect.site, suspect.key, suspect.reading.limit
        self.elements = [self.trial.element, *more]
        tolerance = math.sqrt(min(suspect.reading.error, 1.0) * self.limit)
        self.matcher = Matcher(symmetry, sizes, tolerance)
        self.reference, handler = self._record(Transform(), {})
        self._laws: dict[int, Law] = {}
        self.repeats = _error_at(handler, self.site, self.key) <= self.limit

    def statements(self) -> list[Statement]:
        """Those at fault, in the order in which they run; the first suspect where none can be confirmed."""
        if not self.repeats:  # random numbers are drawn otherwise than in the reference run
            return []
        laws: dict[Unit, Laws] = {}
        suspects: list[int] | None = None
        tried: set[int] = set()
        for _ in range(_MOST_ROUNDS):
            flow = self._flow(_merged(laws))
            if flow is None and not laws:
                return self._diverged()
            if flow is None:
                break
            involved, drops = self._suspects(flow)
            suspects = drops if suspects is None else suspects
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
        event = self.reference.events[suspects[0]]
        return [Statement(event.place, event.layer, False)]

    @property
    def size(self) -> int:
        """Bytes of all values in the reference run."""
        return sum(v.numel() * v.element_size() for v in self.reference.values)

    def healed(self) -> Dataflow | None:
        """The recordings with the statements at fault put right, as far as :meth:`statements` found them."""
        return self._flow(self._laws)

    def _earlier(self, flow: Dataflow, found: Unit, laws: Mapping[Unit, Laws]) -> dict[Unit, Laws]:
        """The first statement before the one that was found whose replacement heals as well."""
        for number, law in flow.sources(found):
            unit = flow.unit(flow.producers[number])
            if unit.first < found.first and self._attempt({**_merged(laws), number: law})[1] <= self.limit:
                return self._earlier(flow, unit, laws) or {unit: {number: law}}
        return {}

    def _suspects(self, flow: Dataflow) -> tuple[set[int], list[int]]:
        """The values that take part in the break, and the events that may be at fault, in their order."""
        targets = self._targets()
        involved = flow.involved(targets)
        drops = flow.drops(involved)
        if drops:
            return involved, drops
        source = flow.arising(targets[0])
        return {*involved, source}, [flow.producers[source]]

    def _try(self, flow: Dataflow, unit: Unit, involved: set[int], known: Laws, count: int) -> tuple[Laws, bool]:
        """The replacement after which the fewest suspects are left, fewer than before, and whether it heals."""
        best: tuple[int, Laws] = (count, {})
        values = flow.escaping(unit, involved, self._targets())
        for laws in self._replacements(flow, values):
            tape, error = self._attempt({**known, **laws})
            if error <= self.limit:
                return laws, True
            if tape is not None and divergence(self.reference, tape) is None:
                left = Dataflow(self.reference, [(self.trial.element, tape)], self.matcher)
                best = min(best, (len(self._suspects(left)[1]), laws), key=lambda b: b[0])
        return best[1], False

    def _replacements(self, flow: Dataflow, values: Sequence[int]) -> Iterator[Laws]:
        choices = [list(self.matcher.candidates(self.reference.values[n], flow.laws_near(n))) for n in values]
        for n, laws in zip(values, choices, strict=True):  # what turns in another basis was not meant to be invariant
            if isinstance(flow.law(n), Mixed) and len(laws) > 1:
                laws[:] = [law for law in laws if law != Unchanged()]
        if values:
            for chosen in itertools.islice(_diagonal_first(choices), _MOST_TRIES):
                yield dict(zip(values, chosen, strict=True))

    def _necessary(self, laws: dict[Unit, Laws]) -> list[Statement]:
        """Those whose break comes back when only they are left as they are."""
        kept = dict(laws)
        for unit in reversed(laws):  # what an earlier one heals too, was not at fault
            _, error = self._attempt(_merged({u: v for u, v in kept.items() if u != unit}))
            if error <= self.limit:
                del kept[unit]
        self._laws = _merged(kept)
        errors = {u: self._attempt(_merged({o: v for o, v in kept.items() if o != u}))[1] for u in kept}
        return [Statement(unit.place, unit.layer, True, error) for unit, error in errors.items()]

    def _diverged(self) -> list[Statement]:
        """The statement whose data decides the course: the last Python number that was read before."""
        tape, _ = self._record(self.trial.element, {})
        index = divergence(self.reference, tape)
        if index is None:
            return []
        events = self.reference.events[: index + 1]
        reads = [i for i, e in enumerate(events[:index]) if e.result is not None and e.result != tape.events[i].result]
        chosen = events[reads[-1]] if reads else events[-1]
        return [Statement(chosen.place, chosen.layer, False)]

    def _targets(self) -> list[int]:
        return [self.reference.marks[self.site][self.key[0]]]

    def _flow(self, laws: Laws) -> Dataflow | None:
        """Recordings under the elements with values replaced; None where they take another course."""
        try:
            under = [(element, self._record(element, laws)[0]) for element in self.elements]
        except (RuntimeError, ValueError, IndexError):  # a replacement that does not fit under every element
            return None
        if any(divergence(self.reference, tape) is not None for _, tape in under):
            return None
        return Dataflow(self.reference, under, self.matcher)

    def _attempt(self, laws: Laws) -> tuple[Tape | None, float]:
        """The recording with values replaced, and what is left of the error at the site."""
        try:
            tape, handler = self._record(self.trial.element, laws)
        except (RuntimeError, ValueError, IndexError):  # a replacement that does not fit what comes after
            return None, math.inf
        return tape, _error_at(handler, self.site, self.key)

    def _record(self, element: Transform, laws: Laws) -> tuple[Tape, Traced]:
        state, dtype = self.trial.state, self.bench.main
        patches = {n: _patch(law, self.reference.values[n], element) for n, law in laws.items()}
        tape = Tape(patches)
        handler = Traced(self.bench.reference(state), element, dtype, self.owner, tape)
        others = [name for name in self.bench.contracts if name != self.owner.layer]
        with tape.following(self.bench.module(state, dtype), self.owner.layer, others), tape:
            judge(self.bench, state, self.owner, handler, dtype)
        return tape, handler


def _error_at(handler: Introduced, site: Site, key: PartKey) -> float:
    errors = handler.errors.get(site, {})
    return errors[key].relative if key in errors else math.inf


def _patch(law: Law, value: Tensor, element: Transform) -> Patch:
    return lambda made: law.apply(value, element).to(made.dtype)


def _merged(laws: Mapping[Unit, Laws]) -> dict[int, Law]:
    return {number: law for found in laws.values() for number, law in found.items()}


def _diagonal_first(choices: Sequence[Sequence[Law]]) -> Iterator[tuple[Law, ...]]:
    """Combinations, those first in which all values obey the like-placed law."""
    diagonal = list(itertools.zip_longest(*choices, fillvalue=None))
    alike = [tuple(law or choices[i][-1] for i, law in enumerate(row)) for row in diagonal]
    yield from dict.fromkeys([*alike, *itertools.islice(itertools.product(*choices), _MOST_TRIES)])
