"""The statement inside a layer that breaks a symmetry, found by comparing recordings and proven by intervention.

The layer's own code is recorded on the reference inputs and on exactly transformed ones. The operations that made
something unlawful of lawful values are suspects, in their order, and are tried
(`equivariance._engine.localization.intervention`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from equivariance._engine.instrumentation.operations import Number
from equivariance._engine.instrumentation.reference import CONTROL_FLOW
from equivariance._engine.instrumentation.source_lines import SourceLine, is_own
from equivariance._engine.instrumentation.testbed import Runner
from equivariance._engine.laws.candidates import AxisLengths
from equivariance._engine.laws.grid import known_grids
from equivariance._engine.localization.ablation import Ablation, frame_dependent_statement
from equivariance._engine.localization.intervention import InterventionRunner, error_at
from equivariance._engine.localization.recording import CallSite
from equivariance._engine.localization.search import Search, merged
from equivariance._engine.localization.slicing import Laws, Slicer, StatementRun, divergence
from equivariance._engine.localization.suspects import SuspectLayer
from equivariance._engine.measurement.survey import SymmetrySurvey
from equivariance._engine.measurement.survey_results import Trial
from equivariance._ranking import ordered
from equivariance.contracts.nested import leaves
from equivariance.groups.elements import Transform, permutation, samples
from equivariance.groups.sampling import Group

_MOST_DECISIONS = 6
"""Decisions of the program that are put right in turn."""


@dataclass(frozen=True)
class Statement:
    """A statement at fault.

    Attributes:
        place: File and line; None where there is no Python source
        layer: Dotted path of the innermost module that runs it
        confirmed: Whether the intervention proved it
        error: At the layer's output, with every other statement at fault put right
        beside: What puts these right
        frame: Of a statement that works in a local frame and minds which, the one that chooses it
        hidden: Whether a later statement breaks what it makes once more, so that it shows only when that is put right
    """

    place: SourceLine | None
    layer: str
    confirmed: bool
    error: float = 0.0
    beside: Laws = field(default_factory=dict)
    frame: SourceLine | None = None
    hidden: bool = False


class StatementLocator:
    """Finds the statements at fault in one call's own code, by interventions at one of its sites."""

    def __init__(self, runner: InterventionRunner) -> None:
        """Nothing is searched before `statements` or `in_frames` is called."""
        self.runner = runner
        self._found: dict[StatementRun, Laws] = {}
        self._left_out: dict[StatementRun, Ablation] = {}

    def statements(self) -> list[Statement]:
        """Those at fault, in the order in which they run; the first suspect where none can be confirmed."""
        if not self.runner.repeats or self.runner.site.slot == CONTROL_FLOW:
            # Random numbers are drawn otherwise than in the reference run; or a decision is at fault, and no value.
            return self._diverged() if self.runner.repeats else []
        if self.runner.unhealed is None:
            return self._diverged()
        search = Search(self.runner, self.runner.unhealed)
        self._found = search.run()
        if not self._found:
            return [self._of_event(search.first_broken_operations[0], False)] if search.first_broken_operations else []
        beside = {u: merged({o: v for o, v in self._found.items() if o != u}) for u in self._found}
        errors = {u: self.runner.try_replacement(laws)[1] for u, laws in beside.items()}
        return [
            Statement(u.place, u.layer, True, e, beside[u], hidden=e <= self.runner.residual) for u, e in errors.items()
        ]

    def in_frames(self) -> list[Statement]:
        """As `statements`; where one at fault only chooses a frame, that which minds the choice."""
        found = self.statements()
        for index, unit in enumerate(self._found):
            flow = self.runner.flow(found[index].beside)
            left_out = None if flow is None else frame_dependent_statement(self.runner, flow, unit, found[index].beside)
            if left_out is not None:
                self._left_out[unit] = left_out
                at_fault = left_out.unit
                found[index] = replace(found[index], place=at_fault.place, layer=at_fault.layer, frame=unit.place)
        return found

    def also_repairs(self, other: SuspectLayer) -> bool:
        """Whether what puts this place right puts another one right that the same call breaks under this element."""
        if other.owner != self.runner.owner or not self._found:
            return False
        before, after = (
            self.runner.unpatched[0][1],
            self.runner.intervene(self.runner.trial.element, merged(self._found))[1],
        )
        limit = other.reading.residual
        return error_at(after, other.site, other.key) <= limit < error_at(before, other.site, other.key)

    def repaired_flow(self) -> Slicer | None:
        """The recordings with the statements at fault put right, as far as `in_frames` found them.

        Those that mind the frame are left out: in it nothing obeys a law.
        """
        patches = {
            n: p for left_out in self._left_out.values() for n, p in left_out.patches(self.runner.reference).items()
        }
        laws = merged({unit: found for unit, found in self._found.items() if unit not in self._left_out})
        return self.runner.flow(laws, patches)

    def _diverged(self) -> list[Statement]:
        """The statement whose data decides the course: the last Python number that was read before.

        It is confirmed where the error is gone once the numbers that decide are those of the reference run.
        """
        tape, handler = self.runner.unpatched[0]
        decisions: dict[int, Number] = {}
        for _ in range(_MOST_DECISIONS):
            index = divergence(self.runner.reference, tape)
            if index is None:
                break
            pairs = zip(self.runner.reference.events[:index], tape.events, strict=False)
            reads = {i: a.result for i, (a, b) in enumerate(pairs) if a.result is not None and a.result != b.result}
            if not reads:
                return [self._of_event(next(iter(decisions), min(index, len(self.runner.reference.events) - 1)), False)]
            last = max(reads)
            decisions[last] = reads[last]
            tape, handler = self.runner.record(self.runner.trial.element, {}, decisions)
        healed = divergence(self.runner.reference, tape) is None and self.runner.left(handler) <= self.runner.residual
        return [self._of_event(number, healed) for number in list(decisions)[:1]]

    def _of_event(self, number: int, confirmed: bool) -> Statement:
        event = self.runner.reference.events[number]
        return Statement(event.place, event.layer, confirmed)


def located(bench: Runner, suspect: SuspectLayer, locator: StatementLocator) -> list[Statement]:
    """The statements at fault in a suspect's own code, the one with the largest error first."""
    found = locator.in_frames()
    if any(s.place is None or not is_own(s.place) for s in found):
        call = _call_site(bench, suspect)
        found = [s if call is None or (s.place and is_own(s.place)) else replace(s, place=call) for s in found]
    return ordered(found, lambda s: s.error, descending=True)


def locator_of(surveyor: SymmetrySurvey, group: Group, suspect: SuspectLayer) -> StatementLocator:
    """A locator for a suspect, with elements that tell chance from law."""
    setting = surveyor.setting
    suspect = _with_full_batch(surveyor, suspect)
    more = [e for e in _more(surveyor, group) if _comparable(e, suspect.trial.element)]
    root = surveyor.bench.contracts[""]
    given = [leaf for k, v in surveyor.bench.arguments.items() for leaf in leaves(v, root.inputs.get(k))]
    segments = {r.concatenated.sizes for _, _, r in given if r.concatenated and r.concatenated.sizes}
    grids = None if setting.grid is None else known_grids(surveyor.bench.contracts)
    sizes = AxisLengths(setting.nodes, setting.samples, tuple(segments), grids)
    return StatementLocator(InterventionRunner(surveyor.bench, sizes, suspect, more, group.symmetry))


def _more(surveyor: SymmetrySurvey, group: Group) -> list[Transform]:
    """Further elements; of orders one that leaves no node in its place, of selections those of as many samples."""
    count, nodes = surveyor.setting.samples or 0, surveyor.setting.nodes or 0
    if group.symmetry == "batch" and count > 1:
        return [samples(range(count - 1, -1, -1), of=count), samples([count - 1] * count, of=count)]
    if group.symmetry == "permutation" and nodes > 1:
        return [permutation([*range(1, nodes), 0]), *group.draw(1, surveyor.seed + 1, surveyor.setting)]
    return list(group.draw(3, surveyor.seed + 1, surveyor.setting)[::2])


def _call_site(bench: Runner, suspect: SuspectLayer) -> SourceLine | None:
    """The statement of the reader's own that calls a library's layer."""
    handler = CallSite(suspect.owner)
    bench.run(suspect.trial.state, bench.reference_dtype, bench.arguments, handler)
    return handler.place


def _with_full_batch(surveyor: SymmetrySurvey, suspect: SuspectLayer) -> SuspectLayer:
    """The suspect with as many samples in the transformed run as in the reference run, where that shows the break.

    Code that goes from sample to sample takes another course for fewer of them.
    """
    element = suspect.trial.element
    if element.samples is None or len(element.samples) == element.of:
        return suspect
    for repeated in (samples([i] * element.of, of=element.of) for i in range(element.of)):
        trial = Trial(repeated, suspect.trial.state)
        if error_at(surveyor.judged(trial, suspect.owner), suspect.site, suspect.key) > suspect.reading.tolerance:
            return replace(suspect, trial=trial)
    return suspect


def _comparable(element: Transform, other: Transform) -> bool:
    return element != other and len(element.samples or ()) == len(other.samples or ())
