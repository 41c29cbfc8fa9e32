"""The laws of inner layers that nobody declared, inferred from the runs, one symmetry at a time.

The network is recorded as a whole in the reference run and under some elements. What a layer takes and gives obeys some
law in each symmetry, or none. Where the network breaks a symmetry, the statements at fault are put right first, so that
what comes after them can be told too; what a statement at fault makes then counts as what it should have made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform, samples
from equivariance.groups.sampling import Group
from equivariance.representations.base import Representation

_TOO_MUCH = "values that are not in main memory cannot go to files, and take more than memory=... allows"

_OTHER_COURSE = "the program takes another course where the input is transformed"


@dataclass(frozen=True)
class Inferred:
    """What was inferred.

    Attributes:
        contracts: Layer -> contract, for layers of which everything obeys a law
        lawless: Layers that take or give something that obeys none
        obstacle: Why nothing could be inferred, or ""
    """

    contracts: Mapping[str, Contract]
    lawless: tuple[str, ...] = ()
    obstacle: str = ""

    @property
    def lines(self) -> list[str]:
        """What a report says of it."""
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
    """Contracts for the layers that are not `declared`, lawful under every one of `groups`.

    What `partial` contracts state stays as it is.
    """
    laws: dict[str, dict[str, list[Law | None]]] = {}
    passed: dict[str, list[LayerRecord]] = {}
    hidden: set[str] = set()
    groups = list(groups)
    for group in groups:
        recorded = _recorded(surveyors[group.symmetry], group)
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
        if layer not in hidden and _throughout(found, groups)
    }
    return Inferred(
        {layer: c for layer, c in contracts.items() if c is not None},
        (*(layer for layer, c in contracts.items() if c is None), *sorted(hidden)),
    )


def usable(inferred: Inferred, surveyors: Mapping[str, SymmetrySurvey], groups: Iterable[Group]) -> Inferred:
    """What was inferred, unless the network does not run with its layers apart: where gradients pass them, say."""
    for number, group in enumerate(groups):
        surveyor = surveyors[group.symmetry]
        drawn = group.draw(1, surveyor.options.seed, surveyor.runs.sizes)
        for state in surveyor.runs.runner.states:
            for element in (Transform(), *drawn) if number == 0 else drawn:
                try:
                    surveyor.runs.patched_run(Trial(element, state))
                except ArgumentError as error:
                    return Inferred({}, obstacle=f"the network does not run with its layers apart ({error.expected})")
    return inferred


def _recorded(surveyor: SymmetrySurvey, group: Group) -> tuple[Slicer, dict[str, list[LayerRecord]], set[str]] | str:
    """The runs, what passed in them, and where tensors are hidden; or why there is nothing to go by."""
    runs, runner = surveyor.runs, surveyor.runs.runner
    state = [s for s in runner.states if s.mode == "eval"][-1]
    trials = [Trial(element, state) for element in _telling(surveyor, group)]
    found = [worst(runs.isolated_run(t, ROOT).errors[Site(ROOT)]) for t in trials]
    trial, (key, error) = largest(zip(trials, found, strict=True), lambda pair: pair[1][1].relative)
    reach = 1 + trial.element.distance / runs.sizes.extent
    epsilon = runner.capabilities.epsilon
    floor = max(surveyor.floors.at_output(key), 16 * epsilon)
    stored = torch.finfo(runner.tested_dtype).eps
    measurement = Measurement(error.relative, floor, epsilon, 0, 0, epsilon, error.discrete, reach, stored)
    suspect = SuspectLayer("", ROOT, (Site(ROOT),), Site(ROOT), key, measurement, trial)
    locator = locator_of(runs, group, suspect, surveyor.options.seed)
    if locator.runner.size_elsewhere > runner.memory.limit:
        return _TOO_MUCH
    if measurement.error > measurement.residual:
        locator.in_frames()
    flow = locator.repaired_flow()
    return _OTHER_COURSE if flow is None else (flow, locator.runner.reference.passed, locator.runner.reference.opaque)


def _telling(surveyor: SymmetrySurvey, group: Group) -> list[Transform]:
    """Elements of which one shows a break; selections are of as many samples as there are."""
    count = surveyor.runs.sizes.samples or 0
    if group.symmetry != "batch" or count < 2:
        return list(group.draw(1, surveyor.options.seed, surveyor.runs.sizes))
    orders = [range(count - 1, -1, -1), *([i] * count for i in range(count))]
    return [samples(order, of=count) for order in orders]


def _throughout(laws: Mapping[str, Sequence[Law | None]], groups: Sequence[Group]) -> bool:
    """Whether a layer's calls are seen under all symmetries: seen under some, they say nothing of the others."""
    return len(laws) == len(groups) and len({len(found) for found in laws.values()}) == 1


def _law(flow: Slicer, number: int) -> Law | None:
    """The law of a value, where a standard one fits; one that is known for the elements of these runs only is none."""
    law = flow.law(number) if flow.level(number) == Match.EXACT else None
    return None if isinstance(law, LinearLaw) else law


def _contract(
    calls: Sequence[LayerRecord], laws: Mapping[str, Sequence[Law | None]], nodes: int | None, stated: Contract | None
) -> Contract | None:
    """The contract of a layer, None where something obeys no law, or one call is unlike another."""
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
    """A specification shaped like a value, with a representation for each of its tensors in order."""
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
