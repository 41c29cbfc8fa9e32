"""Resolves undeclared representations of a call, and examines the call.

`equivariance.api` makes a `Request` and calls `resolve`, then `examine`. Candidates are tried in `inference`, guesses
from names and shapes are made in `contracts`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from equivariance._engine.diagnosis.examine import examine_module
from equivariance._engine.diagnosis.presenting.lifted_parameters import (
    parameters_of,
    with_parameters_as_arguments,
    with_values,
)
from equivariance._engine.diagnosis.presenting.presented import presented
from equivariance._engine.diagnosis.verdicts import Basis
from equivariance._engine.inference.axes_by_trial import with_axes
from equivariance._engine.inference.input_provenance import states_inputs, with_laws_of_layers
from equivariance._engine.inference.inputs_by_trial import Try, all_as_points, decide_by_trial
from equivariance._engine.inference.output_error import output_errors
from equivariance._engine.inference.output_provenance import Path, laws_of_returned
from equivariance._engine.inference.output_runs import OutputRuns
from equivariance._engine.inference.outputs import MOTIONS, likely_outputs, outputs_from_runs
from equivariance._engine.inference.reorderings import decided_by_reordering, may_be_decided
from equivariance._engine.inference.sample_numbers import doubtful_vectors, follow_samples
from equivariance._engine.instrumentation.hooks import quiet
from equivariance._engine.instrumentation.source_lines import location_of
from equivariance._engine.instrumentation.testbed import ModelVariants
from equivariance._engine.measurement.prepare import (
    BoundCall,
    Prepared,
    bind_call,
    declared_as,
    prepare,
    prepare_rounded,
    prepare_trial,
    prepare_undeclared,
)
from equivariance.contracts.callables import require_values
from equivariance.contracts.contract import Contract, call_contract
from equivariance.contracts.declared import declared_contract
from equivariance.contracts.inputs import NOT_GIVEN, Inputs, declared_inputs, inputs_of, outputs_of, states_parity
from equivariance.contracts.nested import sizes_of_graphs
from equivariance.contracts.signature import bound
from equivariance.errors import ArgumentError
from equivariance.findings import Finding, Outcome
from equivariance.groups.further import Product
from equivariance.groups.lattice_moves import LatticeMoves
from equivariance.groups.named import SYMMETRIES, Symmetry, groups_of
from equivariance.groups.sampling import Group
from equivariance.representations.axes import Assumed
from equivariance.representations.base import Representation
from equivariance.representations.standard import CartesianPoints, Invariant
from equivariance.settings import Settings

_ANYTHING = Invariant(nodes=None, batch=None)
_EVERYTHING = ("e3", "permutation", "batch", LatticeMoves())
_AXES = {"permutation": "nodes", "batch": "samples"}


@dataclass(frozen=True)
class Resolved:
    """A request with all representations resolved.

    Attributes:
        ready: The prepared call.
        findings: One finding for each input that must be declared.
        lines: The lines of the report about assumptions.
        inputs: The representations of undeclared inputs; None if all were declared.
    """

    ready: Prepared
    findings: tuple[Finding, ...] = ()
    lines: tuple[str, ...] = ()
    inputs: Inputs | None = None

    def examine(self) -> Outcome:
        """Examines the call and returns the outcome, with the assumptions."""
        report = examine_module(self.ready, basis_of(self.ready.call, self.inputs))
        findings, lines = [*self.findings, *report.findings], [*self.lines, *report.assumptions]
        return replace(report, findings=findings, assumptions=lines)


@dataclass(frozen=True)
class Request:
    """The arguments of one examination; representations may be undeclared.

    Attributes:
        module: The callable.
        args: Positional arguments, a tuple or a single value.
        irreps_in: Representations of the arguments, or `NOT_GIVEN`.
        irreps_out: Representations of the output, or `NOT_GIVEN`.
        kwargs: Keyword arguments.
        group: The symmetries to test, as for `equivariance.check`; None for all that apply to the arguments.
        layers: Dotted path -> contract, for inner layers.
        settings: Number of samples, seed and scope of the examination.
        name: The name in reports.
        presented: True if the arguments are those that the callable receives, and not what they are made from.
    """

    module: torch.nn.Module
    args: object
    irreps_in: object
    irreps_out: object
    kwargs: Mapping[str, Any] | None
    group: object
    layers: Mapping[str, Contract]
    settings: Settings
    name: str = ""
    presented: bool = False

    def __post_init__(self) -> None:
        """Rejects a module whose values are not all in this process."""
        require_values(self.module)

    @quiet()
    def resolve(self) -> Resolved:
        """Binds the call. Undeclared representations are read off the module, taken from runs, or asked about.

        Raises:
            ArgumentError: If too many inputs are undecided, or if
                the group reorders nodes and selects samples along the same axis.
        """
        if self.group is None:
            return replace(self, group=_EVERYTHING, settings=self._settings_by_default()).resolve()
        tested = self._groups()
        if not self.presented:
            return self._presented(tested).resolve()
        arguments = bound(self.module.forward, self.args, self.kwargs)
        inputs = self._inputs(arguments, tested) if self.irreps_in is NOT_GIVEN else self._declared_inputs()
        variants = None
        if self.irreps_in is NOT_GIVEN and states_inputs(self.module):
            first = prepare_undeclared(self._call(inputs.specs, _ANYTHING))
            inputs, variants = with_laws_of_layers(first, inputs), first.runner.variants
        stated = outputs_of(self.module) if self.irreps_out is NOT_GIVEN else self.irreps_out
        _require_output(stated, tested)
        if self.settings.named is not None and not any(any(sizes_of_graphs(value)) for value in arguments.values()):
            lacking = _missing_sample_axis(inputs, {g.symmetry for g in tested})
            if lacking and "batch" in self.settings.named:
                raise ArgumentError("group", "batch", lacking)
            if lacking:
                return replace(self, group=[g for g in tested if g.symmetry != "batch"]).resolve()
        motions = [g for g in tested if g.symmetry in MOTIONS and self.settings.claiming(g)]
        if inputs.undecided and motions:
            return self._by_trial(inputs, stated, motions, variants)
        if stated is not NOT_GIVEN and not may_be_decided(inputs, tested):
            return Resolved(
                prepare(self._call(inputs.specs, stated), variants), lines=tuple(inputs.lines), inputs=inputs
            )
        ready = prepare_undeclared(self._call(inputs.specs, _ANYTHING), variants)
        laws = laws_of_returned(ready) if stated is NOT_GIVEN else {}
        return _with_reorderings(ready, inputs, [], stated, OutputRuns(ready.runner), laws)

    def _presented(self, tested: Sequence[Group]) -> Request:
        """Returns the request with the arguments that the callable receives, and with parameters as arguments.

        If a parameter is an argument, layers are no longer measured apart: their code reads it.
        """
        moving = parameters_of(self.layers)
        module = with_parameters_as_arguments(self.module, moving)
        given = (self.args, self.kwargs, self.irreps_in, self.irreps_out)
        given = presented(module.forward, with_values(self.module, moving, given), tested)
        made = dict(zip(("args", "kwargs", "irreps_in", "irreps_out"), given, strict=True))
        request = replace(self, presented=True, module=module, **made)  # type: ignore[arg-type]
        if not moving:
            return request
        return replace(request, layers={}, settings=replace(self.settings, infer=False))

    def _inputs(self, arguments: Mapping[str, Any], tested: Sequence[Group]) -> Inputs:
        """Returns the representations of undeclared arguments. If data leave the samples open, runs show them."""
        inputs = inputs_of(self.module, arguments)
        if any(Symmetry(group.symmetry).is_reordering for group in tested):
            for numbers in doubtful_vectors(inputs):
                read = inputs_of(self.module, arguments, numbers)
                if follow_samples(prepare_undeclared(self._call(read.specs, _ANYTHING))):
                    return read
        return inputs

    def _declared_inputs(self) -> Inputs:
        """Returns the declared representations of the arguments."""
        call = self._call(self.irreps_in, _ANYTHING)
        return declared_inputs(call.arguments, call.contract.inputs)

    def _by_trial(
        self, inputs: Inputs, stated: object, motions: Sequence[Group], variants: ModelVariants | None
    ) -> Resolved:
        """Resolves inputs that neither names nor shapes decide."""
        ready = prepare_undeclared(self._call(all_as_points(inputs).specs, _ANYTHING), variants)
        runs, laws = OutputRuns(ready.runner), laws_of_returned(ready) if stated is NOT_GIVEN else {}
        run = _trial(ready, motions, stated, runs, laws)

        def placed(given: Inputs) -> Inputs:
            """Returns inputs with the axes that the runs show."""
            return given.with_assumptions(with_axes(given.assumptions, runs))

        taken, findings, remarks = decide_by_trial(inputs, run, placed, location_of(self.module, ""))
        return replace(_with_reorderings(ready, taken, remarks, stated, runs, laws), findings=tuple(findings))

    def _call(self, irreps_in: object, irreps_out: object) -> BoundCall:
        tested = self._groups()
        arguments, contract = call_contract(self.module.forward, self.args, self.kwargs, irreps_in, irreps_out)
        return bind_call(self.module, arguments, contract, self.layers, tested, self.settings, self.name)

    def _groups(self) -> tuple[Group, ...]:
        return groups_of(self.group, self.settings.max_translation)

    def _settings_by_default(self) -> Settings:
        """Returns the settings if the caller names no group: inversion is a claim if irreps state a parity."""
        stated = declared_contract(self.module)
        specs = [s for s in (self.irreps_in, self.irreps_out) if s is not NOT_GIVEN]
        specs += [] if stated is None else [*stated.inputs.values(), stated.output]
        claims = tuple(s for s in SYMMETRIES if s != Symmetry.INVERSION or any(map(states_parity, specs)))
        return replace(self.settings, named=None, claims=claims)


def _trial(
    ready: Prepared, groups: Sequence[Group], stated: object, runs: OutputRuns,
    laws: Mapping[Path, tuple[str, Representation]],
) -> Try:  # fmt: skip
    """Returns the measurement of the output under some groups, with given inputs."""

    def measure(candidate: Inputs) -> tuple[bool, dict[str, float]]:
        """Returns True if the output is right with these inputs, and its errors; infinite ones if nothing runs."""
        call = ready.call.under(groups).declaring(candidate.specs, _ANYTHING)
        if not call.groups:
            return False, {group.symmetry: math.inf for group in groups}
        given = likely_outputs(prepare_trial(ready, call), runs, laws) if stated is NOT_GIVEN else stated
        call = call.declaring(candidate.specs, given)
        call.contract.check_output(ready.runner.output, "the callable")
        return output_errors(prepare_trial(ready, call), runs)

    return measure


def _with_reorderings(
    ready: Prepared, inputs: Inputs, remarks: Sequence[str], stated: object, runs: OutputRuns,
    laws: Mapping[Path, tuple[str, Representation]],
) -> Resolved:  # fmt: skip
    """Resolves what only permutations and selections show, then the output."""
    orders = [g for g in ready.call.asked if g.symmetry == Symmetry.PERMUTATION]
    if any(Symmetry(g.symmetry).is_reordering for g in ready.call.asked):
        nodes = ready.call.declaring(inputs.specs, _ANYTHING).sizes.nodes if orders else None
        found = decided_by_reordering(inputs, runs, _trial(ready, orders, stated, runs, laws), nodes)
        inputs = found.inputs
        if found.obstacle:
            ready = replace(ready, call=replace(ready.call, ambiguous={Symmetry.PERMUTATION: found.obstacle}))
    lines = [*inputs.lines, *remarks]
    if stated is not NOT_GIVEN:
        final = declared_as(ready, ready.call.declaring(inputs.specs, stated))
        return Resolved(final, lines=tuple(lines), inputs=inputs)
    rounded = prepare_rounded(ready, ready.call.declaring(inputs.specs, _ANYTHING))
    if rounded.runner.arguments is not ready.runner.arguments:
        runs = OutputRuns(rounded.runner)
    return _with_outputs(rounded, inputs, lines, runs, laws)


def _with_outputs(
    ready: Prepared, inputs: Inputs, lines: Sequence[str], runs: OutputRuns,
    laws: Mapping[Path, tuple[str, Representation]],
) -> Resolved:  # fmt: skip
    """Resolves an undeclared output from runs."""
    outputs = outputs_from_runs(ready, runs, laws)
    final = declared_as(ready, ready.call.declaring(ready.call.contract.inputs, outputs.specs))
    final = replace(final, unjudged=outputs.unjudged(inputs))
    return Resolved(final, lines=(*lines, *outputs.lines), inputs=inputs)


def _require_output(stated: object, tested: Sequence[Group]) -> None:
    """Checks that the output is declared if runs do not show how it transforms.

    Raises:
        ArgumentError: If it is not.
    """
    for group in tested:
        if stated is NOT_GIVEN and (isinstance(group, Product) or not Symmetry(group.symmetry).is_read_off):
            expected = f"a representation of the output: runs do not show it under {group.symmetry}"
            raise ArgumentError("irreps_out", stated, expected)


def _missing_sample_axis(inputs: Inputs, tested: set[str]) -> str:
    """Returns what a request lacks that reorders nodes and selects samples on the one axis of a cloud, or ""."""
    cloud = next((a for a in inputs.assumptions if isinstance(a.representation, CartesianPoints)), None)
    known = inputs.stated or any(not isinstance(a.representation.batch, Assumed) for a in inputs.assumptions)
    if cloud is None or known or not {"permutation", "batch"} <= tested:
        return ""
    there = f"{cloud.place} {list(cloud.shape)}"
    return (
        f"samples beside the nodes that permutations reorder, and {there} has one axis for both: give positions "
        "[samples, nodes, 3] or a vector named batch, declare irreps_in, or test one of the two"
    )


def _lists_points(law: Representation, tensor: torch.Tensor) -> bool:
    """True if a tensor has one axis besides the coordinates: it can list nothing but points."""
    return isinstance(law, CartesianPoints) and tensor.dim() == 2


def basis_of(call: BoundCall, inputs: Inputs | None) -> Basis:
    """Returns what the representations of a call rest on.

    Args:
        call: The call, with all representations.
        inputs: The representations of undeclared inputs; None if all were declared.
    """
    doubts: dict[str, tuple[str, ...]] = {}
    for group in call.groups:
        words = [] if inputs is None else list(inputs.doubts(group.symmetry))
        known = {a.place for a in inputs.assumptions} if inputs is not None else set()
        axis = _AXES.get(group.symmetry)
        words += [
            f"{path} {list(tensor.shape)} lists {axis} on axis 0"
            for path, tensor, law in call.inputs
            if axis and path not in known and law.assumes(group.symmetry, tensor) and not _lists_points(law, tensor)
        ]
        if group.symmetry == Symmetry.LATTICE and call.sizes.crystal is not None:
            words += call.sizes.crystal.doubts
        doubts[group.symmetry] = tuple(dict.fromkeys(words))
    return Basis("declared" if inputs is None or inputs.are_declared else "read off", doubts)
