"""The road that every examination takes, from arguments to report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch

from equivariance._engine.causes.error_curves import cloud_of
from equivariance._engine.diagnosis.localizer import localize
from equivariance._engine.diagnosis.parallel import in_processes
from equivariance._engine.diagnosis.sanity import run_sanity_checks
from equivariance._engine.inference.layers import Inferred, infer, usable
from equivariance._engine.instrumentation.hooks import quiet
from equivariance._engine.instrumentation.testbed import Bench
from equivariance._engine.measurement.grid_setting import between_cells
from equivariance._engine.measurement.prepare import Prepared, prepared
from equivariance._engine.measurement.survey import SurveyOptions, SymmetrySurvey
from equivariance._ranking import ordered
from equivariance.contracts.callables import name_of
from equivariance.contracts.contract import Contract
from equivariance.contracts.layers import matching_layers
from equivariance.findings import Finding, LayerRow, Outcome, Unclaimed
from equivariance.groups.named import Symmetry
from equivariance.groups.sampling import Group, InputSizes
from equivariance.progress import Relay
from equivariance.settings import Settings

_SNAP_BITS = {torch.float64: 36}
_CAUSE_ORDER = ("not-finite", "nondeterministic", "vanishing")


@quiet()
def examine_module(
    module: torch.nn.Module, args: object, irreps_in: object, irreps_out: object, kwargs: Mapping[str, Any] | None,
    group: object, contracts: Mapping[str, Contract], settings: Settings, name: str = "",
) -> Outcome:  # fmt: skip
    """The work behind `check`, `diagnose` and the command line."""
    chosen = matching_layers(module, settings.layers)
    ready = prepared(module, args, irreps_in, irreps_out, kwargs, group, contracts, settings)
    bench, setting, groups = ready.bench, ready.setting, ready.groups
    found, inferred = _Found(*run_sanity_checks(bench)), Inferred({})
    sound = not any(f.cause == "not-finite" for f in found.findings)
    settings.observer.begun(tuple(g.symmetry for g in groups))
    if settings.infer and sound and not bench.gradients:  # what is handed on in place of a value has no gradient
        inferred = _inferred(bench, setting, settings, groups)
        bench = bench.knowing(inferred.contracts)
    about: dict[str, Any] = {
        "subject": name or name_of(module),
        "assumptions": [
            *_assumptions(ready), *between_cells(ready.arguments, ready.contract, setting),
            *_misfits(bench), *_blind(bench, groups), *inferred.lines
        ],
        "settings": _described(bench, settings),
        "cloud": cloud_of(bench.arguments, bench.contracts[""], setting.nodes),
    }  # fmt: skip
    known: dict[str, _Found] = {}
    settings.observer.tested(_report((), [found], chosen, about))
    for symmetry, more in _tested(bench, setting, settings, groups) if sound else ():
        known[symmetry] = more
        done = [g for g in groups if g.symmetry in known]
        settings.observer.tested(_report(done, [found, *(known[g.symmetry] for g in done)], chosen, about))
    return _report(groups, [found, *(known[g.symmetry] for g in groups if g.symmetry in known)], chosen, about)


@dataclass
class _Found:
    """Of the network as it is, or of one symmetry."""

    findings: list[Finding]
    notes: list[Finding]
    rows: list[LayerRow] = field(default_factory=list)
    unclaimed: list[Unclaimed] = field(default_factory=list)


def _tested(
    bench: Bench, setting: InputSizes, settings: Settings, groups: Sequence[Group]
) -> Iterator[tuple[str, _Found]]:
    """What every symmetry shows, as it comes."""
    if settings.jobs == 1:
        surveyors = _surveyors(bench, setting, settings)
        yield from ((g.symmetry, _of_one(surveyors(g.symmetry), g, settings)) for g in groups)
        return

    def work(group: Group, told: Callable[[tuple[str, int, int, float]], None]) -> _Found:
        observed = replace(settings, observer=Relay(told))
        surveyors = _surveyors(bench.share(settings.jobs), setting, observed)
        return _of_one(surveyors(group.symmetry), group, observed)

    works = [partial(work, group) for group in groups]
    for number, found in in_processes(works, settings.jobs, lambda words: settings.observer.sampled(*words)):
        yield groups[number].symmetry, found


def _of_one(surveyor: SymmetrySurvey, group: Group, settings: Settings) -> _Found:
    """A symmetry that is not claimed is only measured."""
    if not settings.claiming(group):
        return _Found([], [], unclaimed=[Unclaimed(group.symmetry, surveyor.output_error(group))])
    localized = localize(surveyor, group, settings.inside)
    return _Found([*localized.findings], [*localized.notes], [*localized.rows])


def _report(
    tested: Sequence[Group], known: Sequence[_Found], chosen: Collection[str], about: Mapping[str, Any]
) -> Outcome:
    """Of the symmetries that were tested, and the layers that were chosen."""
    return Outcome(
        symmetries=tuple(g.symmetry for g in tested),
        findings=[f for f in ordered((f for k in known for f in k.findings), _importance) if f.layer in chosen],
        notes=[f for k in known for f in k.notes if f.layer in chosen],
        layers=[r for k in known for r in k.rows if r.layer in chosen],
        unclaimed=[u for k in known for u in k.unclaimed],
        **about,
    )


def _inferred(bench: Bench, setting: InputSizes, settings: Settings, groups: tuple[Group, ...]) -> Inferred:
    """Contracts of the layers that have none, from the runs themselves."""
    claimed = [g for g in groups if settings.claiming(g)]
    surveyors = _surveyors(bench, setting, settings)
    inferred = infer(
        {g.symmetry: surveyors(g.symmetry) for g in claimed}, claimed, list(bench.contracts), bench.partial
    )
    following = _surveyors(bench.knowing(inferred.contracts), setting, settings)
    return usable(inferred, {g.symmetry: following(g.symmetry) for g in claimed}, claimed)


def _importance(finding: Finding) -> tuple[int, float]:
    first = _CAUSE_ORDER.index(finding.cause) if finding.cause in _CAUSE_ORDER else len(_CAUSE_ORDER)
    return first, -finding.contributed


def _assumptions(ready: Prepared) -> list[str]:
    """What stands for a declaration that nobody made."""
    words = {"permutation": "nodes", "batch": "samples"}
    result = []
    for group in ready.groups:
        named = [p for p, t, r in ready.inputs if r.assumes(group.symmetry, t)]
        if named:
            result.append(
                f"{group.symmetry}: the first axis of {', '.join(named)} is assumed to list the {words[group.symmetry]}"
            )
    return result


def _misfits(bench: Bench) -> list[str]:
    lines = []
    for layer, reason in bench.mismatched.items():
        known = bench.contracts.get(layer)
        if known is not None and layer in bench.partial:
            stated = ", ".join(bench.partial[layer].inputs)
            rest = ", ".join(name for name in known.inputs if name not in bench.partial[layer].inputs)
            lines.append(f"{layer} states how {stated} and its output transform; {rest} inferred from the runs")
        else:
            caller = "" if known else "; its code counts as that of its caller"
            lines.append(f"the contract that {layer} states is not used: {reason}{caller}")
    return lines


def _blind(bench: Bench, groups: tuple[Group, ...]) -> list[str]:
    followed = [g.symmetry for g in groups if Symmetry(g.symmetry).is_reordering]
    if not followed or not bench.unknown_axes:
        return []
    layers = ", ".join(sorted(bench.unknown_axes))
    return [f"{', '.join(followed)}: axes of {layers} are not known by their lengths; the code counts as the caller's"]


def _surveyors(bench: Bench, setting: InputSizes, settings: Settings) -> Callable[[str], SymmetrySurvey]:
    """The surveyor for a symmetry: one follows all layers, the other those whose axes are known."""
    options = SurveyOptions(settings.samples, settings.seed)
    everything = SymmetrySurvey(bench, setting, options, settings.observer)
    followed = everything
    if bench.unknown_axes:
        clear = bench.without(bench.unknown_axes)
        followed = SymmetrySurvey(clear, setting, options, settings.observer)
    return lambda symmetry: followed if Symmetry(symmetry).is_reordering else everything


def _described(bench: Bench, settings: Settings) -> dict[str, str]:
    described = {
        "samples": str(settings.samples),
        "seed": str(settings.seed),
        "working precision": str(bench.tested_dtype).removeprefix("torch."),
        "main precision": str(bench.reference_dtype).removeprefix("torch."),
        "states": "; ".join(map(str, bench.states)),
        "layers with a contract": str(len(bench.contracts)),
    }
    if bench.lowest_dtype != bench.tested_dtype:
        described["computed in"] = f"{str(bench.lowest_dtype).removeprefix('torch.')} in parts (autocast, or a cast)"
    if bench.widened:
        described["float64"] = f"with casts to less left out ({bench.obstacle})"
    elif bench.obstacle:
        described["float64"] = f"impossible ({bench.obstacle}); last-bit perturbations stand in for it"
    if bench.untrained:
        described["training mode"] = f"impossible ({bench.untrained})"
    return described
