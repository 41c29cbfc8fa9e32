"""The examination of a callable whose inputs or output nobody declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from equivariance._engine.diagnosis.examine import examine_module
from equivariance._engine.inference.inputs_by_trial import answered
from equivariance._engine.inference.outputs import MOTIONS, Outputs, outputs_from_runs
from equivariance._engine.instrumentation.source_lines import location_of
from equivariance._engine.measurement.prepare import Prepared, prepared
from equivariance.contracts.contract import Contract
from equivariance.contracts.inputs import NOT_GIVEN, Inputs, inputs_of, outputs_of
from equivariance.contracts.nested import sizes_of_graphs
from equivariance.contracts.signature import bound
from equivariance.errors import ArgumentError
from equivariance.findings import Finding, Outcome
from equivariance.groups.named import groups_of
from equivariance.groups.sampling import Group
from equivariance.representations.axes import Assumed
from equivariance.representations.standard import CartesianPoints, Invariant
from equivariance.settings import Settings

_TRIES = 2
_ANYTHING = Invariant(nodes=None, batch=None)


@dataclass(frozen=True)
class Declared:
    """What was left out, filled in.

    Attributes:
        irreps_in, irreps_out: Representations
        findings: Inputs that must be declared
        lines: What was assumed
    """

    irreps_in: object
    irreps_out: object
    findings: tuple[Finding, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """The arguments of one examination, of which representations may have been left out."""

    module: torch.nn.Module
    args: object
    irreps_in: object
    irreps_out: object
    kwargs: Mapping[str, Any] | None
    group: object
    settings: Settings

    def resolve_contract(self) -> Declared:
        """With what was left out read off, taken from the runs, or asked about.

        Raises:
            ArgumentError: Nothing tells; names the tensor, with what was measured. Or the group reorders and selects
                along the same axis
        """
        if self.irreps_in is not NOT_GIVEN and self.irreps_out is not NOT_GIVEN:
            return Declared(self.irreps_in, self.irreps_out)
        inputs = inputs_of(self.module, self._arguments()) if self.irreps_in is NOT_GIVEN else Inputs({})
        stated = outputs_of(self.module) if self.irreps_out is NOT_GIVEN else self.irreps_out
        if not any(any(sizes_of_graphs(value)) for value in self._arguments().values()):
            _told_apart(inputs, {g.symmetry for g in groups_of(self.group, self.settings.max_translation)})
        findings: list[Finding] = []
        remarks: list[str] = []
        motions = [g for g in groups_of(self.group, self.settings.max_translation) if g.symmetry in MOTIONS]
        if inputs.undecided and motions:
            location = location_of(self.module, "")
            inputs, findings, remarks = answered(inputs, lambda i: self._tried(i, stated, motions), location)
        taken = inputs.specs if self.irreps_in is NOT_GIVEN else self.irreps_in
        lines = [*inputs.lines, *remarks]
        if stated is NOT_GIVEN:
            ready = self._ready(taken, self.group)
            lines += _unmoved(ready, inputs)
            outputs = self._outputs(ready)
            outputs.require()
            stated, lines = outputs.specs, [*lines, *outputs.lines]
        return Declared(taken, stated, tuple(findings), tuple(lines))

    def examine(self, declared: Declared, contracts: Mapping[str, Contract]) -> Outcome:
        """The report, with what was assumed."""
        report = examine_module(
            self.module, self.args, declared.irreps_in, declared.irreps_out, self.kwargs, self.group, contracts,
            self.settings,
        )  # fmt: skip
        findings, lines = [*declared.findings, *report.findings], [*declared.lines, *report.assumptions]
        return replace(report, findings=findings, assumptions=lines)

    def _tried(self, inputs: Inputs, stated: object, motions: list[Group]) -> Outcome:
        """The callable as a whole, with given inputs, under motions."""
        given = self._outputs(self._ready(inputs.specs, motions)).specs if stated is NOT_GIVEN else stated
        few = replace(self.settings, samples=_TRIES, layers=None, inside=False, infer=False, jobs=1)
        return examine_module(self.module, self.args, inputs.specs, given, self.kwargs, motions, {}, few)

    def _ready(self, irreps_in: object, group: object) -> Prepared:
        return prepared(self.module, self.args, irreps_in, _ANYTHING, self.kwargs, group, {}, self.settings)

    def _outputs(self, ready: Prepared) -> Outputs:
        return outputs_from_runs(ready, self.module, self.settings.seed)

    def _arguments(self) -> dict[str, Any]:
        return bound(self.module.forward, self.args, self.kwargs)


def _told_apart(inputs: Inputs, tested: set[str]) -> None:
    """Refuse to reorder nodes and to select samples on the one axis of a cloud.

    Raises:
        ArgumentError: Both are tested, and nothing among the inputs tells samples from nodes
    """
    cloud = next((a for a in inputs.assumptions if isinstance(a.representation, CartesianPoints)), None)
    known = inputs.stated or any(not isinstance(a.representation.batch, Assumed) for a in inputs.assumptions)
    if cloud is None or known or not {"permutation", "batch"} <= tested:
        return
    there = f"{cloud.place} {list(cloud.shape)}"
    expected = (
        f"samples beside the nodes that permutations reorder, and {there} has one axis for both: give positions "
        "[samples, nodes, 3] or a vector named batch, declare irreps_in, or test one of the two"
    )
    raise ArgumentError("group", "batch", expected)


def _unmoved(ready: Prepared, inputs: Inputs) -> list[str]:
    """The symmetries that move nothing of the inputs: tests of them prove nothing.

    Raises:
        ArgumentError: All that are tested, where the inputs are assumed
    """
    names = [g.symmetry for g in ready.groups if g.symmetry in MOTIONS and not _moves(ready, g)]
    if inputs.assumptions and len(names) == len(ready.groups):
        expected = f"at least one tensor that moves: all are taken as unchanged under {', '.join(names)}"
        raise ArgumentError("irreps_in", inputs.declaration(), expected)
    return [f"{name}: nothing among the inputs moves, so it proves nothing" for name in names]


def _moves(ready: Prepared, group: Group) -> bool:
    (element, *_) = group.draw(1, 0, ready.setting)
    return any(not torch.equal(law.transform(tensor, element), tensor) for _, tensor, law in ready.inputs)
