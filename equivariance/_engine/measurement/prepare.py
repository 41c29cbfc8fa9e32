"""Prepares a diagnosis: binds the call once, and makes a runner for copies of its module.

`diagnosis.request` calls it, and passes the results to all stages. This module draws no elements and gives no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import torch

from equivariance._engine.instrumentation.capabilities import FirstRun, find_capabilities, first_run
from equivariance._engine.instrumentation.contract_fit import ContractFit, PassageLog, fit_contracts
from equivariance._engine.instrumentation.tensor_identity import equal
from equivariance._engine.instrumentation.tensor_store import MemoryBudget
from equivariance._engine.instrumentation.testbed import Capabilities, ModelState, ModelVariants, Runner, variants_of
from equivariance._engine.measurement.crystal_setting import with_lattice_laws
from equivariance._engine.measurement.input_sizes import identity_reorderings, input_sizes
from equivariance.contracts.axes_by_length import check_reorderings, known_axes, with_axes_by_length
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import cloned, leaves, sample_lists, sizes_of_graphs, transform, walk
from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.lattice_moves import NEEDED
from equivariance.groups.named import Symmetry, of_lattice
from equivariance.groups.sampling import Group, InputSizes
from equivariance.representations.axes import Assumed
from equivariance.representations.base import Representation
from equivariance.representations.standard import CartesianPoints, NodeIndices
from equivariance.settings import Settings

_SNAP_BITS = {torch.float64: 36}


@dataclass(frozen=True)
class BoundCall:
    """One call of a module, with the symmetries to test. All stages of a diagnosis take this value.

    Attributes:
        module: The callable.
        arguments: The values by parameter name, as the caller gave them.
        contract: The representations of the arguments and of the output.
        layers: Dotted path -> contract, for inner layers.
        asked: The groups that the caller asked for.
        groups: The groups of `asked` that have an axis to act on.
        untestable: Symmetry -> why it cannot be tested, for the other groups that are claimed.
        sizes: The sizes of the inputs, for which elements are drawn.
        settings: Number of samples, seed and scope of the examination.
        name: The name in reports.
        ambiguous: Symmetry -> why it cannot be tested: inputs may be read in two ways, with different verdicts.
    """

    module: torch.nn.Module
    arguments: Mapping[str, Any]
    contract: Contract
    layers: Mapping[str, Contract]
    asked: tuple[Group, ...]
    groups: tuple[Group, ...]
    untestable: Mapping[str, str]
    sizes: InputSizes
    settings: Settings
    name: str
    ambiguous: Mapping[str, str] = field(default_factory=dict)

    @property
    def inputs(self) -> list[tuple[str, torch.Tensor, Representation]]:
        """Path, value and representation of every tensor of the arguments."""
        return list(_leaves(self.arguments, self.contract))

    @property
    def declares_axes(self) -> bool:
        """True if an input declares its node or sample axis; other axes are then found by their lengths."""
        return any(not isinstance(axis, Assumed) for _, _, r in self.inputs for axis in (r.nodes, r.batch))

    @property
    def dtype(self) -> torch.dtype:
        """The tested dtype: from the settings, else from the parameters, else from the inputs."""
        if self.settings.dtype is not None:
            return self.settings.dtype
        for tensor in [*self.module.parameters(), *(t for _, t, _ in self.inputs)]:
            if tensor.is_floating_point():
                return tensor.dtype
        return torch.get_default_dtype()

    def declaring(self, inputs: Mapping[str, object], output: object) -> BoundCall:
        """Returns the same call with other representations."""
        contract = Contract(inputs, output)
        contract.check_inputs(self.arguments, "args")
        return bind_call(
            self.module, self.arguments, contract, self.layers, self.asked, self.settings, self.name, self.ambiguous
        )

    def under(self, groups: Sequence[Group]) -> BoundCall:
        """Returns the same call with other groups to test."""
        return bind_call(
            self.module, self.arguments, self.contract, self.layers, tuple(groups), self.settings, self.name,
            self.ambiguous,
        )  # fmt: skip


def bind_call(
    module: torch.nn.Module, arguments: Mapping[str, Any], contract: Contract, layers: Mapping[str, Contract],
    asked: tuple[Group, ...], settings: Settings, name: str = "", ambiguous: Mapping[str, str] = MappingProxyType({}),
) -> BoundCall:  # fmt: skip
    """Measures the sizes of the arguments and leaves out groups without an axis to act on.

    If the caller named no group, a symmetry that does not apply to the arguments is left out silently.
    """
    sizes = input_sizes(arguments, contract, layers.values())
    asked = of_lattice(asked, sizes.crystal is not None)
    absent = {g.symmetry: why for g in asked if (why := _missing_axis(g, sizes))}
    if settings.named is None:
        listed = _listed_axes(arguments, contract, sizes)
        absent = {g.symmetry: "" for g in asked if Symmetry(g.symmetry).is_reordering and g.symmetry not in listed}
    absent |= {**ambiguous, **_missing_lattice(asked, sizes, settings)}
    acting = [g for g in asked if g.symmetry not in absent]
    refused = {g.symmetry: why for g in acting if (why := _refusal(g, arguments, contract, settings.seed, sizes))}
    groups = tuple(g for g in acting if g.symmetry not in refused)
    claimed = {g.symmetry for g in asked if settings.claiming(g)}
    untestable = {symmetry: why for symmetry, why in {**absent, **refused}.items() if why and symmetry in claimed}
    return BoundCall(module, arguments, contract, layers, asked, groups, untestable, sizes, settings, name, ambiguous)


@dataclass(frozen=True)
class UnjudgedOutputs:
    """Tensors of the output that obey no known law under one symmetry. The other tensors are tested without them.

    Attributes:
        output: The representations of the output, in which these tensors are not compared.
        reason: The tensors with their errors, and the declaration that is missing, in words.
        nothing_else: True if the output has no other tensors.
    """

    output: object
    reason: str
    nothing_else: bool


@dataclass(frozen=True)
class Prepared:
    """A call that is ready to be run.

    Attributes:
        call: The bound call.
        runner: Runs the copies of the module on the arguments of the call, positions rounded to a dyadic grid.
        fit: The contracts that the runner leaves out, with the reasons.
        log: The values that passed in the first run, if the representations are still undecided; else None.
        unjudged: Symmetry -> the tensors of the output that obey no known law under it.
    """

    call: BoundCall
    runner: Runner
    fit: ContractFit
    log: PassageLog | None = None
    unjudged: Mapping[str, UnjudgedOutputs] = field(default_factory=dict)


def prepare(call: BoundCall, variants: ModelVariants | None = None) -> Prepared:
    """Makes the copies of the module, and finds the contracts that fit and the capabilities of the module.

    Args:
        call: The call with all representations declared.
        variants: Existing copies; None to make new ones.
    """
    first, runner = _run_first(call, variants)
    fit = fit_contracts(first.log.passages, _contracts(call), identity_reorderings(call.sizes))
    call = _reordering(call, first.output)
    del first  # its recording takes memory
    return Prepared(call, find_capabilities(runner.with_contracts(_fitting_contracts(call, fit))), fit)


def prepare_undeclared(call: BoundCall, variants: ModelVariants | None = None) -> Prepared:
    """Prepares a call whose representations are still undecided; only the module as a whole is watched."""
    first, runner = _run_first(call, variants)
    return Prepared(call, find_capabilities(runner.with_contracts(_whole(call))), ContractFit(), first.log)


def prepare_trial(ready: Prepared, call: BoundCall) -> Prepared:
    """Prepares the call with other representations, on the copies and the unchanged arguments of `ready`."""
    return Prepared(call, ready.runner.with_contracts(_whole(call)), ContractFit(), ready.log)


def prepare_rounded(ready: Prepared, call: BoundCall) -> Prepared:
    """Prepares the call as `prepare_trial` does, with positions rounded according to the representations of `call`."""
    known, arguments = ready.runner, {k: cloned(v) for k, v in _snap(call).items()}
    if equal(list(arguments.values()), list(known.arguments.values())):
        return prepare_trial(ready, call)
    output = known.run(ModelState(), known.tested_dtype, arguments)
    runner = Runner(
        known.variants, known.capabilities, _whole(call), arguments, output, known.seed, known.memory,
        deadline=known.deadline,
    )  # fmt: skip
    return Prepared(call, runner, ContractFit(), ready.log)


def declared_as(ready: Prepared, call: BoundCall) -> Prepared:
    """Prepares the final call with its inner layers, on the same copies.

    Args:
        ready: The result of `prepare_undeclared`, or a call that was prepared from it.
        call: The same call with all representations declared.
    """
    rounded = prepare_rounded(ready, call)
    passages = () if ready.log is None else ready.log.passages
    fit = fit_contracts(passages, _contracts(call), identity_reorderings(call.sizes))
    call = _reordering(call, rounded.runner.output)
    return Prepared(call, rounded.runner.with_contracts(_fitting_contracts(call, fit)), fit)


def with_output(ready: Prepared, output: object) -> Runner:
    """Returns the runner of a call, with other representations of the output."""
    call = replace(ready.call, contract=Contract(ready.call.contract.inputs, output))
    return ready.runner.with_contracts({**ready.runner.contracts, "": _contracts(call)[""]})


def _run_first(call: BoundCall, variants: ModelVariants | None) -> tuple[FirstRun, Runner]:
    """Returns the first run, and a runner with the capabilities that it showed."""
    dtype, seed, memory = call.dtype, call.settings.seed, MemoryBudget(call.settings.memory)
    variants = variants or variants_of(call.module, dtype, seed)
    arguments = {k: cloned(v) for k, v in _snap(call).items()}
    first = first_run(variants, arguments, _contracts(call), dtype, seed, memory)
    able = Capabilities(dtype, dtype, first.lowest_dtype, gradients=first.gradients, draws=first.draws)
    return first, Runner(variants, able, {}, arguments, first.output, seed, memory, deadline=call.settings.deadline)


def _whole(call: BoundCall) -> dict[str, Contract]:
    """Returns the contract of the whole, as `Runner.with_contracts` takes it."""
    return {"": with_lattice_laws(call.contract, call.arguments)}


def _contracts(call: BoundCall) -> dict[str, Contract]:
    """Returns layer -> contract, with axes that are found by their lengths; "" is the whole."""
    known = known_axes(call.inputs)
    found = {name: with_axes_by_length(contract, known) for name, contract in call.layers.items()}
    whole = with_axes_by_length(call.contract, known, inputs=False) if call.declares_axes else call.contract
    return {**found, "": with_lattice_laws(whole, call.arguments)}


def _fitting_contracts(call: BoundCall, fit: ContractFit) -> dict[str, Contract]:
    return {layer: contract for layer, contract in _contracts(call).items() if layer not in fit.mismatched}


def _missing_axis(group: Group, sizes: InputSizes) -> str:
    """Returns what a group of reorderings needs and the arguments lack, or ""."""
    absent = {
        Symmetry.PERMUTATION: sizes.nodes is None and sizes.edges is None,
        Symmetry.BATCH: sizes.samples is None and not sizes.padded,
    }
    if not absent.get(Symmetry(group.symmetry), False):
        return ""
    try:
        group.draw(1, 0, sizes)
    except ArgumentError as error:
        return f"it needs {error.expected}"
    return ""


def _missing_lattice(asked: Sequence[Group], sizes: InputSizes, settings: Settings) -> dict[str, str]:
    """Returns "lattice" with the reason why nodes cannot be moved by lattice vectors, or {} if they can be.

    The reason is "" if the inputs have no such lattice and the caller did not name the symmetry.
    """
    named, crystal = Symmetry.LATTICE in (settings.named or ()), sizes.crystal
    if not any(group.symmetry == Symmetry.LATTICE for group in asked):
        return {}
    if crystal is None:
        return {Symmetry.LATTICE: f"it needs {NEEDED}" if named else ""}
    if not (named or crystal.claimed):
        return {Symmetry.LATTICE: ""}
    return {Symmetry.LATTICE: crystal.obstacle} if crystal.obstacle else {}


def _refusal(group: Group, arguments: Mapping[str, Any], contract: Contract, seed: int, sizes: InputSizes) -> str:
    """Returns why the arguments cannot be reordered by a group, naming the tensor, or ""."""
    if not Symmetry(group.symmetry).is_reordering:
        return ""
    element, *_ = group.draw(1, seed, sizes)
    for name, value in arguments.items():
        try:
            transform(value, contract.inputs.get(name), element, name)
        except ArgumentError as error:
            shape = f" {list(value.shape)}" if isinstance(value, torch.Tensor) else ""
            return f"{name}{shape}: {error}"
    return ""


def _listed_axes(arguments: Mapping[str, Any], contract: Contract, sizes: InputSizes) -> set[str]:
    """Returns the reorderings whose axis the arguments certainly have: declared, or of points, edges or graphs."""
    laws, specs = [law for _, _, law in _leaves(arguments, contract)], contract.inputs
    grouped = any(any(sizes_of_graphs(v)) or any(sample_lists(v, specs.get(k))) for k, v in arguments.items())
    nodes = any(
        isinstance(law.nodes, int) or (isinstance(law, CartesianPoints) and law.nodes is not None)
        or isinstance(law, NodeIndices) or law.pairs is not None for law in laws
    )  # fmt: skip
    batch = any(law.batch is not None and not isinstance(law.batch, Assumed) for law in laws)
    several = sizes.samples is not None and sizes.samples > 1
    found = {Symmetry.PERMUTATION.value} if nodes or grouped or sizes.edges is not None else set()
    return found | ({Symmetry.BATCH.value} if ((batch or grouped) and several) or sizes.padded else set())


def _leaves(arguments: Mapping[str, Any], contract: Contract) -> Iterator[tuple[str, torch.Tensor, Representation]]:
    for name, value in arguments.items():
        yield from leaves(value, contract.inputs.get(name), name)


def _snap(call: BoundCall) -> dict[str, Any]:
    """Returns the arguments with positions rounded to a dyadic grid of about float32's resolution.

    Adding a dyadic vector to these positions is exact in float64.
    """
    step = 2.0 ** (math.ceil(math.log2(call.sizes.extent)) - _SNAP_BITS.get(call.dtype, 23))

    def snap(tensor: torch.Tensor, representation: Representation, path: str) -> torch.Tensor:
        if isinstance(representation, CartesianPoints) and tensor.is_floating_point():
            return ((tensor.detach().double() / step).round() * step).to(tensor.dtype)
        return tensor

    specs = call.contract.inputs
    return {name: walk(value, specs.get(name), name, snap) for name, value in call.arguments.items()}


def _reordering(call: BoundCall, output: Any) -> BoundCall:
    """Returns the call without the symmetries that cannot reorder the output, which is told with the reason."""
    refused = {g.symmetry: why for g in call.groups if (why := _refusal_of_output(call, g, output))}
    claimed = {g.symmetry for g in call.groups if call.settings.claiming(g)}
    untestable = {symmetry: why for symmetry, why in refused.items() if symmetry in claimed}
    groups = tuple(g for g in call.groups if g.symmetry not in refused)
    return replace(call, groups=groups, untestable={**call.untestable, **untestable}) if refused else call


def _refusal_of_output(call: BoundCall, group: Group, output: Any) -> str:
    """Returns why the output cannot be reordered, naming the tensor and a declaration that fits, or ""."""
    if not Symmetry(group.symmetry).is_reordering or any(
        any(sizes_of_graphs(value)) for value in call.arguments.values()
    ):
        return ""
    try:
        spec, elements = _contracts(call)[""].output, identity_reorderings(call.sizes)
        check_reorderings(output, spec, elements, "output", group.symmetry)
    except ContractError as error:
        return str(error)
    return ""
