"""Infers the contracts of undeclared inner layers from runs, one symmetry at a time.

The network is recorded as a whole in the reference run and under some elements. Every argument and output of a layer
obeys one law in each symmetry, or none. If the network violates a symmetry, the statements at fault are repaired first.
Values after them can then be matched, and the result of a statement at fault counts with its repaired value.

`diagnosis.examine` calls `infer`, then `try_layers_apart`. This module measures no layer and makes no findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.operations import LayerRecord
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.laws.forms import Law, LinearLaw
from equivariance._engine.laws.matching import Match
from equivariance._engine.laws.representation import representation_of
from equivariance._engine.localization.locate_statement import locator_of
from equivariance._engine.localization.slicing import Slicer
from equivariance._engine.localization.suspects import SuspectLayer
from equivariance._engine.measurement.relative_error import worst
from equivariance._engine.measurement.survey import SymmetrySurvey
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.verdict import Measurement
from equivariance._ranking import largest
from equivariance.contracts.adapter_registry import adapter_of
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import UNSPECIFIED, leaves
from equivariance.errors import ArgumentError, TransformedInputError
from equivariance.groups.elements import Transform, samples
from equivariance.groups.sampling import Group
from equivariance.representations.base import Representation

_TOO_MUCH = "values that are not in main memory cannot go to files, and take more than memory=... allows"

_OTHER_COURSE = "the program takes another course where the input is transformed"


_TRIES = 8
"""Elements under which a network is run that raised an error while it was recorded."""


@dataclass(frozen=True)
class Inferred:
    """The inferred contracts of inner layers.

    Attributes:
        contracts: Layer -> contract, for layers whose arguments and outputs all obey a law.
        lawless: Layers with an argument or an output that obeys no law.
        obstacle: The reason if nothing could be inferred, else "".
    """

    contracts: Mapping[str, Contract]
    lawless: tuple[str, ...] = ()
    obstacle: str = ""

    @property
    def lines(self) -> list[str]:
        """The lines of the report about inferred layers."""
        if self.obstacle:
            return [
                f"inner layers: what they take and give is not inferred: {self.obstacle}; contracts={{...}} declares it"
            ]
        total = len(self.contracts) + len(self.lawless)
        if not total:
            return []
        rest = f"; no law fits {', '.join(self.lawless)}" if self.lawless else ""
        return [
            f"inner layers: what {len(self.contracts)} of {total} take and give was inferred from the runs{rest}; "
            "contracts={layer: Contract(...)} declares it"
        ]


def infer(
    surveyors: Mapping[str, SymmetrySurvey],
    groups: Iterable[Group],
    declared: Sequence[str],
    partial: Mapping[str, Contract],
) -> Inferred:
    """Infers contracts for undeclared layers, valid under every group.

    Args:
        surveyors: Symmetry -> the survey that runs the network.
        groups: The claimed groups.
        declared: Paths of the layers that have a contract.
        partial: Layer -> a contract that lacks some inputs; its representations stay as they are.
    """
    laws: dict[str, dict[str, list[Law | None]]] = {}
    passed: dict[str, list[LayerRecord]] = {}
    hidden: set[str] = set()
    groups = list(groups)
    for group in groups:
        recorded = _record_unless_it_raises(surveyors[group.symmetry], group)
        if isinstance(recorded, str):
            return Inferred({}, obstacle=recorded)
        flow, calls, opaque = recorded
        hidden |= opaque - set(declared)
        passed = {layer: found for layer, found in calls.items() if layer not in declared}
        for layer, found in passed.items():
            laws.setdefault(layer, {})[group.symmetry] = [_law(flow, n) for call in found for n in call.numbers]
    nodes = next((s.runs.sizes.nodes for s in surveyors.values()), None)
    contracts = {
        layer: _contract(passed[layer], found, nodes, partial.get(layer))
        for layer, found in laws.items()
        if layer not in hidden and _is_known_throughout(found, groups)
    }
    return Inferred(
        {layer: c for layer, c in contracts.items() if c is not None},
        (*(layer for layer, c in contracts.items() if c is None), *sorted(hidden)),
    )


def try_layers_apart(inferred: Inferred, surveyors: Mapping[str, SymmetrySurvey], groups: Iterable[Group]) -> Inferred:
    """Returns `inferred`, or an obstacle if the network does not run with its layers apart.

    For example, gradients that pass between layers prevent these runs.
    """
    for surveyor, trial in _trials_of_all_states(surveyors, list(groups)):
        try:
            surveyor.runs.patched_run(trial)
        except ArgumentError as error:
            if isinstance(error, TransformedInputError) and not _runs_whole(surveyor, trial):
                continue  # the survey skips this state, or reports the error
            return Inferred({}, obstacle=f"the network does not run with its layers apart ({error.expected})")
    return inferred


def _trials_of_all_states(
    surveyors: Mapping[str, SymmetrySurvey], groups: Sequence[Group]
) -> Iterator[tuple[SymmetrySurvey, Trial]]:
    """Yields few trials with every state and every group in them; the first one changes nothing."""
    for number, group in enumerate(groups):
        surveyor, trials = surveyors[group.symmetry], []
        states = surveyor.runs.runner.states
        (element,) = group.draw(1, surveyor.options.seed, surveyor.runs.sizes)
        if number == 0:
            trials.append(Trial(Transform(), states[0]))
        trials += [Trial(element, state) for state in states[number :: len(groups)] or (states[number % len(states)],)]
        yield from ((surveyor, trial) for trial in trials)


def _runs_whole(surveyor: SymmetrySurvey, trial: Trial) -> bool:
    """True if the network runs on the transformed inputs, with nothing replaced."""
    try:
        surveyor.runs.output(trial)
    except TransformedInputError:
        return False
    return True


def _record_unless_it_raises(
    surveyor: SymmetrySurvey, group: Group
) -> tuple[Slicer, dict[str, list[LayerRecord]], set[str]] | str:
    """Records as `_record`; if the network raises an error on transformed inputs, returns it as the obstacle."""
    try:
        return _record(surveyor, group)
    except Exception:  # code of the network may raise anything
        sizes = surveyor.runs.sizes
        for element in (*group.draw(_TRIES, surveyor.options.seed, sizes), *group.simplest(sizes)):
            try:
                surveyor.runs.output(Trial(element, surveyor.runs.runner.states[0]))
            except TransformedInputError as error:
                return f"the network raises an error under {group.symmetry} ({error.reason})"
        raise


def _record(surveyor: SymmetrySurvey, group: Group) -> tuple[Slicer, dict[str, list[LayerRecord]], set[str]] | str:
    """Records the network under one symmetry.

    Returns:
        The repaired flow, layer -> its recorded calls, and the layers with hidden tensors; or the obstacle in words.
    """
    runs, runner = surveyor.runs, surveyor.runs.runner
    state = [s for s in runner.states if s.mode == "eval"][-1]
    trials = [Trial(element, state) for element in _elements_that_show(surveyor, group)]
    found = [worst(runs.isolated_run(t, ROOT).errors[Site(ROOT)]) for t in trials]
    trial, (key, error) = largest(zip(trials, found, strict=True), lambda pair: pair[1][1].relative)
    reach = 1 + trial.element.distance / runs.sizes.extent
    epsilon = runner.capabilities.epsilon
    floor = max(surveyor.floors.at_output(key), 16 * epsilon)
    stored = torch.finfo(runner.tested_dtype).eps
    reordered = runner.capabilities.only_reorders(trial.element)
    measurement = Measurement(
        error.relative, floor, epsilon, 0, 0, epsilon, error.discrete, reach, stored, reordered=reordered
    )
    suspect = SuspectLayer("", ROOT, (Site(ROOT),), Site(ROOT), key, measurement, trial)
    locator = locator_of(runs, group, suspect, surveyor.options.seed)
    if locator.runner.size_elsewhere > runner.memory.limit:
        return _TOO_MUCH
    if measurement.error > measurement.residual:
        locator.in_frames()
    flow = locator.repaired_flow()
    return _OTHER_COURSE if flow is None else (flow, locator.runner.reference.passed, locator.runner.reference.opaque)


def _elements_that_show(surveyor: SymmetrySurvey, group: Group) -> list[Transform]:
    """Returns elements of which one shows a violation; selections keep the number of samples."""
    count = surveyor.runs.sizes.samples or 0
    if group.symmetry != "batch" or count < 2:
        return list(group.draw(1, surveyor.options.seed, surveyor.runs.sizes))
    orders = [range(count - 1, -1, -1), *([i] * count for i in range(count))]
    return [samples(order, of=count) for order in orders]


def _is_known_throughout(laws: Mapping[str, Sequence[Law | None]], groups: Sequence[Group]) -> bool:
    """True if a layer's calls were recorded under all symmetries, with the same number of values."""
    return len(laws) == len(groups) and len({len(found) for found in laws.values()}) == 1


def _law(flow: Slicer, number: int) -> Law | None:
    """Returns the law of a value; None for a linear law, which is known for the elements of these runs only."""
    law = flow.law(number) if flow.level(number) == Match.EXACT else None
    return None if isinstance(law, LinearLaw) else law


def _contract(
    calls: Sequence[LayerRecord], laws: Mapping[str, Sequence[Law | None]], nodes: int | None, stated: Contract | None
) -> Contract | None:
    """Returns the contract of a layer; None if a value obeys no law or if two calls differ."""
    rows = iter([dict(zip(laws, found, strict=True)) for found in zip(*laws.values(), strict=True)])

    def representation(tensor: torch.Tensor) -> Representation:
        known = {symmetry: law for symmetry, law in next(rows).items() if law is not None}
        if len(known) < len(laws):
            raise ArgumentError("value", tuple(tensor.shape), "a law")
        return representation_of(known, tensor, nodes)

    def of(value: Any, known: object = None) -> object:
        if known is None:
            return _spec(value, representation)
        for _ in leaves(value, UNSPECIFIED):
            next(rows)
        return known

    given, contracts = {} if stated is None else stated.inputs, []
    for call in calls:
        try:
            inputs = {name: of(value, given.get(name)) for name, value in call.arguments.items()}
            output = of(call.output, None if stated is None else stated.output)
        except ArgumentError:
            return None
        contracts.append(Contract({n: spec for n, spec in inputs.items() if spec is not None}, output))
    return contracts[0] if all(c == contracts[0] for c in contracts) else None


def _spec(value: Any, representation: Callable[[torch.Tensor], Representation]) -> Any:
    """Returns a specification shaped like a value, with a representation for each tensor in order."""
    if isinstance(value, torch.Tensor):
        return representation(value)
    if adapter_of(value) is not None:
        raise ArgumentError("value", type(value).__name__, "tensors, dicts, lists, tuples or dataclasses")
    if isinstance(value, Mapping):
        return {k: _spec(v, representation) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spec(v, representation) for v in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _spec(getattr(value, f.name), representation) for f in fields(value)}
    return None
