"""The road that every examination takes, from arguments to report."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from equivariance.axes import Assumed
from equivariance.bench import Bench
from equivariance.contract import Contract, call_contract
from equivariance.curves import cloud_of
from equivariance.elements import Transform, permutation, samples
from equivariance.findings import Finding, LayerRow, Report, Unclaimed
from equivariance.groups import Group, Setting, groups_of
from equivariance.inference import Inferred, infer, usable
from equivariance.layers import matching_layers
from equivariance.layouts import known_axes, told_by_size
from equivariance.localize import Localizer
from equivariance.probe import quiet
from equivariance.representations import CartesianPoints, Representation
from equivariance.settings import Settings
from equivariance.soundness import examine
from equivariance.sources import name_of
from equivariance.survey import Surveyor
from equivariance.trees import leaves, sizes_of_graphs, walk

_SNAP_BITS = {torch.float64: 36}
_REORDERING = ("permutation", "batch")
_CAUSE_ORDER = ("not-finite", "nondeterministic", "vanishing")


@quiet()
def examine_module(
    module: torch.nn.Module, args: object, irreps_in: object, irreps_out: object, kwargs: Mapping[str, Any] | None,
    group: object, contracts: Mapping[str, Contract], settings: Settings, name: str = "",
) -> Report:  # fmt: skip
    """The work behind :func:`check`, :func:`diagnose` and the command line."""
    asked = groups_of(group, settings.max_translation)
    arguments, contract = call_contract(module.forward, args, kwargs, irreps_in, irreps_out)
    chosen = matching_layers(module, settings.layers)
    setting = _setting(arguments, contract)
    groups = _measurable(asked, setting, settings.claims)
    dtype = settings.dtype or _dtype_of(module, arguments, contract)
    known = known_axes(_leaves(arguments, contract))
    layers = {name: told_by_size(c, known) for name, c in contracts.items()}
    layers[""] = told_by_size(contract, known, inputs=False) if _declares_axes(arguments, contract) else contract
    bench = Bench(
        module, _snapped(arguments, contract, setting, dtype), layers, dtype, settings.seed, _reorderings(setting)
    )
    found, inferred = _Found(*examine(bench)), Inferred({})
    sound = not any(f.cause == "not-finite" for f in found.findings)
    settings.observer.begun(tuple(g.symmetry for g in groups))
    if settings.infer and sound and not bench.gradients:  # what is handed on in place of a value has no gradient
        inferred = _inferred(bench, setting, settings, groups)
        bench = bench.knowing(inferred.contracts)
    about: dict[str, Any] = {
        "subject": name or name_of(module),
        "assumptions": [
            *_assumptions(arguments, contract, groups), *_misfits(bench), *_blind(bench, groups), *inferred.lines
        ],
        "settings": _described(bench, settings),
        "cloud": cloud_of(bench.arguments, bench.contracts[""], setting.nodes),
    }  # fmt: skip
    surveyors = _surveyors(bench, setting, settings)
    for index, item in enumerate(groups if sound else ()):
        settings.observer.tested(found.report(groups[:index], chosen, about))
        found.add(surveyors(item.symmetry), item, settings)
    return found.report(groups, chosen, about)


@dataclass
class _Found:
    """What is known so far."""

    findings: list[Finding]
    notes: list[Finding]
    rows: list[LayerRow] = field(default_factory=list)
    unclaimed: list[Unclaimed] = field(default_factory=list)

    def add(self, surveyor: Surveyor, group: Group, settings: Settings) -> None:
        """Test one symmetry; one that is not claimed is only measured."""
        if not settings.claiming(group):
            self.unclaimed.append(Unclaimed(group.symmetry, surveyor.at_output(group)))
            return
        localizer = Localizer(surveyor, group, settings.inside)
        findings, remarks = localizer.findings()
        self.findings += findings
        self.notes += [*remarks, *localizer.ties_and_conditions()]
        self.rows += localizer.rows()

    def report(self, tested: tuple[Group, ...], chosen: Collection[str], about: Mapping[str, Any]) -> Report:
        """Of the symmetries that were tested, and the layers that were chosen."""
        return Report(
            symmetries=tuple(g.symmetry for g in tested),
            findings=[f for f in sorted(self.findings, key=_importance) if f.layer in chosen],
            notes=[f for f in self.notes if f.layer in chosen],
            layers=[r for r in self.rows if r.layer in chosen],
            unclaimed=list(self.unclaimed),
            **about,
        )


def _inferred(bench: Bench, setting: Setting, settings: Settings, groups: tuple[Group, ...]) -> Inferred:
    """Contracts of the layers that have none, from the runs themselves."""
    claimed = [g for g in groups if settings.claiming(g)]
    surveyors = _surveyors(bench, setting, settings)
    inferred = infer({g.symmetry: surveyors(g.symmetry) for g in claimed}, claimed, list(bench.contracts))
    following = _surveyors(bench.knowing(inferred.contracts), setting, settings)
    return usable(inferred, {g.symmetry: following(g.symmetry) for g in claimed}, claimed)


def _measurable(groups: tuple[Group, ...], setting: Setting, claims: tuple[str, ...] | None) -> tuple[Group, ...]:
    """Without the groups that are not claimed and have no axis to act on."""
    without = {"permutation"} if setting.nodes is None else set()
    without |= {"batch"} if setting.samples is None else set()
    found = tuple(g for g in groups if claims is None or g.symmetry in claims or g.symmetry not in without)
    return found or groups


def _importance(finding: Finding) -> tuple[int, float]:
    first = _CAUSE_ORDER.index(finding.cause) if finding.cause in _CAUSE_ORDER else len(_CAUSE_ORDER)
    return first, -finding.contributed


def _setting(arguments: Mapping[str, Any], contract: Contract) -> Setting:
    """Sizes that elements are drawn for: declared axes first, then graphs, then assumed axes."""
    found = list(_leaves(arguments, contract))
    extent = max((_extent(t) for _, t, r in found if isinstance(r, CartesianPoints) and t.numel()), default=0.0)
    declared = [(t, r) for _, t, r in found if r.concatenated is None]
    nodes = [t.shape[r.nodes] for t, r in declared if isinstance(r.nodes, int)]
    batch = [t.shape[r.batch] for t, r in declared if isinstance(r.batch, int)]
    for value in arguments.values():
        for size, count in sizes_of_graphs(value):
            nodes, batch = [*nodes, size], [*batch, count]
    sizes = [
        r.concatenated.sizes for _, _, r in found if r.concatenated and r.concatenated.sizes and r.nodes is not None
    ]
    nodes, batch = [*nodes, *(s[0] for s in sizes if len(set(s)) == 1)], [*batch, *map(len, sizes)]
    nodes += [t.shape[0] for t, r in declared if isinstance(r.nodes, Assumed) and t.dim()]
    batch += [t.shape[0] for t, r in declared if isinstance(r.batch, Assumed) and t.dim()]
    return Setting(nodes[0] if nodes else None, batch[0] if batch else None, extent or 1.0)


def _leaves(arguments: Mapping[str, Any], contract: Contract) -> Iterator[tuple[str, torch.Tensor, Representation]]:
    for name, value in arguments.items():
        yield from leaves(value, contract.inputs.get(name), name)


def _extent(points: torch.Tensor) -> float:
    flat = points.detach().double().reshape(-1, 3)
    return float((flat - flat.mean(0)).norm(dim=1).max())


def _dtype_of(module: torch.nn.Module, arguments: Mapping[str, Any], contract: Contract) -> torch.dtype:
    """The dtype in use: of the parameters, else of the inputs."""
    for tensor in [*module.parameters(), *(t for _, t, _ in _leaves(arguments, contract))]:
        if tensor.is_floating_point():
            return tensor.dtype
    return torch.get_default_dtype()


def _snapped(arguments: Mapping[str, Any], contract: Contract, setting: Setting, dtype: torch.dtype) -> dict[str, Any]:
    """Positions on a dyadic grid of about float32's resolution, where adding a dyadic vector is exact in float64."""
    step = 2.0 ** (math.ceil(math.log2(setting.extent)) - _SNAP_BITS.get(dtype, 23))

    def snap(tensor: torch.Tensor, representation: Representation, path: str) -> torch.Tensor:
        if isinstance(representation, CartesianPoints) and tensor.is_floating_point():
            return ((tensor.detach().double() / step).round() * step).to(tensor.dtype)
        return tensor

    return {name: walk(value, contract.inputs.get(name), name, snap) for name, value in arguments.items()}


def _assumptions(arguments: Mapping[str, Any], contract: Contract, groups: tuple[Group, ...]) -> list[str]:
    """What stands for a declaration that nobody made."""
    words = {"permutation": "nodes", "batch": "samples"}
    result = []
    for group in groups:
        named = [p for p, t, r in _leaves(arguments, contract) if r.assumes(group.symmetry, t)]
        if named:
            result.append(
                f"{group.symmetry}: the first axis of {', '.join(named)} is assumed to list the {words[group.symmetry]}"
            )
    return result


def _misfits(bench: Bench) -> list[str]:
    return [
        f"the contract that {layer} states is not used: {reason}"
        + ("" if layer in bench.contracts else "; its code counts as that of its caller")
        for layer, reason in bench.misfits.items()
    ]


def _blind(bench: Bench, groups: tuple[Group, ...]) -> list[str]:
    followed = [g.symmetry for g in groups if g.symmetry in _REORDERING]
    if not followed or not bench.blind:
        return []
    layers = ", ".join(sorted(bench.blind))
    return [f"{', '.join(followed)}: axes of {layers} are not known by their lengths; the code counts as the caller's"]


def _surveyors(bench: Bench, setting: Setting, settings: Settings) -> Callable[[str], Surveyor]:
    """The surveyor for a symmetry: one follows all layers, the other those whose axes are known."""
    everything = Surveyor(bench, setting, settings.samples, settings.seed, settings.observer)
    followed = everything
    if bench.blind:
        clear = bench.without(bench.blind)
        followed = Surveyor(clear, setting, settings.samples, settings.seed, settings.observer)
    return lambda symmetry: followed if symmetry in _REORDERING else everything


def _declares_axes(arguments: Mapping[str, Any], contract: Contract) -> bool:
    return any(not isinstance(axis, Assumed) for _, t, r in _leaves(arguments, contract) for axis in (r.nodes, r.batch))


def _reorderings(setting: Setting) -> list[Transform]:
    """Orders of nodes and of samples that change nothing."""
    orders = [] if setting.nodes is None else [permutation(range(setting.nodes))]
    return orders if setting.samples is None else [*orders, samples(range(setting.samples), of=setting.samples)]


def _described(bench: Bench, settings: Settings) -> dict[str, str]:
    described = {
        "samples": str(settings.samples),
        "seed": str(settings.seed),
        "working precision": str(bench.working).removeprefix("torch."),
        "main precision": str(bench.main).removeprefix("torch."),
        "states": "; ".join(map(str, bench.states)),
        "layers with a contract": str(len(bench.contracts)),
    }
    if bench.narrowest != bench.working:
        described["computed in"] = f"{str(bench.narrowest).removeprefix('torch.')} in parts (autocast, or a cast)"
    if bench.widened:
        described["float64"] = f"with casts to less left out ({bench.obstacle})"
    elif bench.obstacle:
        described["float64"] = f"impossible ({bench.obstacle}); last-bit perturbations stand in for it"
    if bench.untrained:
        described["training mode"] = f"impossible ({bench.untrained})"
    return described
