"""Names the statements inside a layer that break a symmetry, by comparing recordings and by interventions.

The layer's own code is recorded on the reference inputs and on exactly transformed inputs. The first operations that
make a value without a law are suspects. `search` tries them in order of execution, and `ablation` tests for local
frames.

`violations` and `inference.layers` call this module. It does not explain why a statement is at fault (`causes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from equivariance._engine.instrumentation.operations import Number, Operation
from equivariance._engine.instrumentation.reference import CONTROL_FLOW
from equivariance._engine.instrumentation.source_lines import SourceLine, is_own
from equivariance._engine.instrumentation.testbed import Runner
from equivariance._engine.laws.candidates import AxisLengths
from equivariance._engine.laws.declared import declared_laws
from equivariance._engine.laws.grid import known_grids
from equivariance._engine.localization.ablation import Ablation, frame_dependent_statement
from equivariance._engine.localization.intervention import InterventionRunner, error_at
from equivariance._engine.localization.proposals import merge_laws
from equivariance._engine.localization.rivals import call_with_components, is_sound_elsewhere, rivals
from equivariance._engine.localization.search import Search
from equivariance._engine.localization.slicing import Laws, Slicer, StatementRun, divergence
from equivariance._engine.localization.suspects import SuspectLayer
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._ranking import ordered
from equivariance.contracts.nested import leaves
from equivariance.groups.crystal import Crystal
from equivariance.groups.elements import Transform, cube_rotations, samples
from equivariance.groups.lattice_moves import moves_along
from equivariance.groups.reorderings import shifted
from equivariance.groups.sampling import Group, InputSizes
from equivariance.representations.images.canvas import Canvas

_MOST_DECISIONS = 6
"""Largest number of control flow decisions that are imposed, one after the other."""


@dataclass(frozen=True)
class Statement:
    """A statement at fault.

    Attributes:
        place: File and line; None if there is no Python source.
        layer: Dotted path of the innermost module that runs the statement.
        confirmed: True if an intervention confirmed the statement.
        error: Relative error at the layer's output if every other statement at fault is replaced.
        laws: The laws that replace the results of this statement.
        beside: The laws that replace the other statements at fault.
        frame: The statement that chooses the local frame, if this statement depends on the choice; else None.
        hidden: True if a later statement breaks the result again. The violation is visible only if that one is
            replaced.
        callers: The statements of the layer that call the statement's function, from inside to outside.
        alternatives: Other statements that explain the error as well.
    """

    place: SourceLine | None
    layer: str
    confirmed: bool
    error: float = 0.0
    laws: Laws = field(default_factory=dict)
    beside: Laws = field(default_factory=dict)
    frame: SourceLine | None = None
    hidden: bool = False
    callers: tuple[SourceLine, ...] = ()
    alternatives: tuple[SourceLine, ...] = ()

    def events(self, recorded: Sequence[Operation]) -> tuple[Operation, ...]:
        """Returns the operations of the statement; all recorded ones if it only calls the layer of a library."""
        own = tuple(event for event in recorded if self.place in event.places)
        return own or tuple(event for event in recorded if event.reads)


class StatementLocator:
    """Finds the statements at fault in one call's own code, by interventions at one of its sites."""

    def __init__(self, runner: InterventionRunner) -> None:
        """Stores the runner; the search begins when `statements` or `in_frames` is called."""
        self.runner = runner
        self._found: dict[StatementRun, Laws] = {}
        self._open_places: list[SourceLine | None] = []
        self._ablations: dict[StatementRun, Ablation] = {}

    def statements(self) -> list[Statement]:
        """Returns the statements at fault in order of execution.

        If no statement can be confirmed, returns the first suspect, if any.
        """
        if not self.runner.repeats or self.runner.site.slot == CONTROL_FLOW:
            # Without repeats the random numbers differ from the reference run. Otherwise a decision is at fault.
            return self._control_flow_statement() if self.runner.repeats else []
        if self.runner.unpatched_slicer is None:
            return self._control_flow_statement()
        search = Search(self.runner, self.runner.unpatched_slicer)
        self._found = search.run()
        if not self._found:
            return [self._statement_at_event(event, False) for event in search.first_broken_operations[:1]]
        self._open_places = search.open_places
        beside = {u: merge_laws({o: v for o, v in self._found.items() if o != u}) for u in self._found}
        return [self._statement(unit, others) for unit, others in beside.items()]

    def _statement(self, unit: StatementRun, beside: Laws) -> Statement:
        """Returns a statement at fault; `beside` replaces everything else at fault."""
        error = self.runner.try_replacement(beside)[1]
        named, others = self._named(unit, beside)
        return Statement(
            named.place,
            named.layer,
            True,
            error,
            self._found[unit],
            beside,
            hidden=error <= self.runner.residual,
            callers=self._callers(named),
            alternatives=others,
        )

    def _named(self, unit: StatementRun, beside: Laws) -> tuple[StatementRun, tuple[SourceLine, ...]]:
        """Returns the statement to name, and the places of others that explain the error as well."""
        flow = self.runner.flow(beside)
        found = [] if flow is None else rivals(self.runner, flow, unit, self._found[unit], beside)
        places = [other.place for other in found if other.place is not None]
        call = None if flow is None else call_with_components(flow, unit)
        if flow is None or call is None or unit.place is None:
            makers = (place for place in self._open_places if place is not None)
            return unit, tuple(dict.fromkeys([*places, *makers]))
        is_sound = is_sound_elsewhere(flow, self._found[unit], call)
        return call, tuple(places if is_sound else [unit.place, *places])

    def in_frames(self) -> list[Statement]:
        """Returns `statements`, with choices of a local frame replaced.

        If a statement only chooses a frame, the statement that depends on the choice is at fault in its place.
        """
        found = self.statements()
        if self.runner.matcher.symmetry.is_reordering:  # an order of rows is no frame that vectors are turned into
            return found
        for index, unit in enumerate(self._found):
            flow = self.runner.flow(found[index].beside)
            ablation = None if flow is None else frame_dependent_statement(self.runner, flow, unit, found[index].beside)
            if ablation is not None:
                self._ablations[unit] = ablation
                at_fault = ablation.unit
                callers = self._callers(at_fault)
                found[index] = replace(
                    found[index], place=at_fault.place, layer=at_fault.layer, frame=unit.place, callers=callers
                )
        return found

    def _callers(self, unit: StatementRun) -> tuple[SourceLine, ...]:
        """Returns the statements of the layer that call the function of a statement, from inside to outside."""
        for event in self.runner.reference.events[unit.first : unit.last]:
            if unit.place in event.places[: event.own]:
                outer = event.places[event.places.index(unit.place) + 1 : event.own]
                return tuple(place for place in outer if place != unit.place)
        return ()

    def also_repairs(self, other: SuspectLayer) -> bool:
        """True if these replacements also remove another suspect's error, in the same call under this element."""
        if other.owner != self.runner.owner or not self._found:
            return False
        before, after = (
            self.runner.unpatched[0][1],
            self.runner.intervene(self.runner.trial.element, merge_laws(self._found))[1],
        )
        limit = other.measurement.residual
        return error_at(after, other.site, other.key) <= limit < error_at(before, other.site, other.key)

    def repaired_flow(self) -> Slicer | None:
        """Returns the recordings with the statements at fault replaced, as far as `in_frames` found them.

        Statements that depend on a frame are removed instead, because no value inside of a frame obeys a law.
        """
        patches = {
            n: p for ablation in self._ablations.values() for n, p in ablation.patches(self.runner.reference).items()
        }
        laws = merge_laws({unit: found for unit, found in self._found.items() if unit not in self._ablations})
        return self.runner.flow(laws, patches)

    def _control_flow_statement(self) -> list[Statement]:
        """Returns the statement whose data decides the control flow.

        This is the last statement that read a Python number before the recordings diverge, if the number differs. It is
        confirmed if the error vanishes when these numbers are taken from the reference run.
        """
        reference = self.runner.reference
        tape, handler = self.runner.unpatched[0]
        decisions: dict[int, Number] = {}
        for _ in range(_MOST_DECISIONS):
            index = divergence(reference, tape)
            if index is None:
                break
            pairs = zip(reference.events[:index], tape.events, strict=False)
            reads = {i: a.result for i, (a, b) in enumerate(pairs) if a.result is not None and a.result != b.result}
            if not reads:
                suspect = next(iter(decisions), min(index, len(reference.events) - 1))
                return [self._statement_at_event(suspect, False)]
            last = max(reads)
            decisions[last] = reads[last]
            tape, handler = self.runner.record(self.runner.trial.element, {}, decisions)
        error = self.runner.residual_error(handler)
        confirmed = divergence(reference, tape) is None and error <= self.runner.residual
        return [self._statement_at_event(number, confirmed) for number in list(decisions)[:1]]

    def _statement_at_event(self, number: int, confirmed: bool) -> Statement:
        event = self.runner.reference.events[number]
        return Statement(event.place, event.layer, confirmed, callers=event.places[1 : event.own])


def located(runner: Runner, suspect: SuspectLayer, locator: StatementLocator) -> list[Statement]:
    """Returns the statements at fault in a suspect's own code, largest error first.

    A statement inside a library is replaced by the user's statement that calls the layer.
    """
    found = locator.in_frames()
    if any(s.place is None or not is_own(s.place) for s in found):
        call = runner.reference(suspect.trial.state).call_sites.get(suspect.owner)
        found = [
            s if call is None or (s.place and is_own(s.place)) else replace(s, place=call, callers=()) for s in found
        ]
    return ordered(found, lambda s: s.error, descending=True)


def locator_of(runs: TransformedRuns, group: Group, suspect: SuspectLayer, seed: int) -> StatementLocator:
    """Returns a locator for a suspect, with further elements, drawn from `seed`, that exclude coincidental laws."""
    runner, setting = runs.runner, runs.sizes
    further = _further_elements(setting, group, seed)
    suspect = _with_full_batch(runs, suspect)
    if group.symmetry == "rotation":
        suspect = _with_general_rotation(runs, suspect, further)
    more = [e for e in further if _is_comparable(e, suspect.trial.element)]
    root = runner.contracts[""]
    given = [leaf for k, v in runner.arguments.items() for leaf in leaves(v, root.inputs.get(k))]
    segments = {r.concatenated.sizes for _, _, r in given if r.concatenated and r.concatenated.sizes}
    grids = None if setting.grid is None else known_grids(runner.contracts)
    edges = None if setting.edges is None else sum(setting.edges)
    sizes = AxisLengths(setting.nodes, setting.samples, tuple(segments), grids, edges, setting.segments or ())
    actions = suspect.trial.element.actions
    factors = len(actions.factors) if actions else 0
    windows = any(isinstance(how, Canvas) for _, _, how in given)
    sizes = replace(
        sizes, declared=declared_laws(runner.contracts), planar=setting.planar, factors=factors, windows=windows
    )
    if group.symmetry == "lattice" and setting.crystal is not None:
        followed = _follows_images(runs, setting.crystal, suspect)
        sizes = replace(sizes, crystal=setting.crystal.nodes, follows_images=followed)
    return StatementLocator(InterventionRunner(runner, sizes, suspect, more, group.symmetry))


def _further_elements(setting: InputSizes, group: Group, seed: int) -> list[Transform]:
    """Returns further elements: a shift of all nodes and edges, selections of as many samples, or random draws."""
    count = setting.samples or 0
    if group.symmetry == "batch" and count > 1:
        return [samples(range(count - 1, -1, -1), of=count), samples([count - 1] * count, of=count)]
    if group.symmetry == "permutation":
        return [shifted(setting), *group.draw(1, seed + 1, setting)]
    return list(group.draw(3, seed + 1, setting)[::2])


def _follows_images(runs: TransformedRuns, crystal: Crystal, suspect: SuspectLayer) -> bool:
    """True if moves along some periodic lattice vector change nothing that a suspect's code makes."""

    def is_kept(element: Transform) -> bool:
        made = runs.isolated_run(Trial(element, suspect.trial.state), suspect.owner)
        return error_at(made, suspect.site, suspect.key) <= suspect.measurement.tolerance

    moves = (moves_along(crystal, axis) for axis in range(3))
    return any(elements and all(map(is_kept, elements)) for elements in moves)


def _with_full_batch(runs: TransformedRuns, suspect: SuspectLayer) -> SuspectLayer:
    """Returns the suspect under an element that keeps the number of samples, if the violation shows under one.

    Code that loops over the samples has another control flow if there are fewer.
    """
    element = suspect.trial.element
    if element.samples is None or len(element.samples) == element.of:
        return suspect
    for repeated in (samples([i] * element.of, of=element.of) for i in range(element.of)):
        trial = Trial(repeated, suspect.trial.state)
        if error_at(runs.isolated_run(trial, suspect.owner), suspect.site, suspect.key) > suspect.measurement.tolerance:
            return replace(suspect, trial=trial)
    return suspect


def _with_general_rotation(runs: TransformedRuns, suspect: SuspectLayer, further: Sequence[Transform]) -> SuspectLayer:
    """Returns the suspect under a general rotation, if it was found under one of the cube and shows under both.

    Code that acts on each component keeps the rotations of the cube: under them, a replacement before it would do.
    """
    if suspect.trial.element not in cube_rotations():
        return suspect
    for element in (e for e in further if e not in cube_rotations()):
        trial = Trial(element, suspect.trial.state)
        if error_at(runs.isolated_run(trial, suspect.owner), suspect.site, suspect.key) > suspect.measurement.tolerance:
            return replace(suspect, trial=trial)
    return suspect


def _is_comparable(element: Transform, other: Transform) -> bool:
    return element != other and len(element.samples or ()) == len(other.samples or ())
