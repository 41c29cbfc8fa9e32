"""Examines a prepared call: sanity checks, inference of inner layers, one survey per symmetry, the outcome.

`request` and `gradients` call `examine_module`. Statements, causes and contributed errors come from `localizer`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from equivariance._engine.causes.error_curves import cloud_of
from equivariance._engine.diagnosis.cut_short import CutShort
from equivariance._engine.diagnosis.merging import class_of, merged
from equivariance._engine.diagnosis.one_symmetry import SymmetryResult, examine_symmetry, untested_verdict
from equivariance._engine.diagnosis.parallel import in_processes
from equivariance._engine.diagnosis.sanity import Sanity, run_sanity_checks
from equivariance._engine.diagnosis.verdicts import Basis, VerdictMaker
from equivariance._engine.inference.layers import Inferred, infer, try_layers_apart
from equivariance._engine.instrumentation.hooks import quiet
from equivariance._engine.instrumentation.tensor_store import MemoryBudget
from equivariance._engine.instrumentation.testbed import Runner
from equivariance._engine.measurement.grid_borders import keeping_content
from equivariance._engine.measurement.grid_setting import between_cells
from equivariance._engine.measurement.prepare import BoundCall, Prepared, with_output
from equivariance._engine.measurement.reaction import Reactions
from equivariance._engine.measurement.separation import separate
from equivariance._engine.measurement.survey import SurveyOptions, SymmetrySurvey
from equivariance._ranking import ordered
from equivariance.contracts.callables import name_of
from equivariance.contracts.contract import Contract
from equivariance.contracts.layers import matching_layers
from equivariance.errors import ArgumentError
from equivariance.findings import Finding, Outcome
from equivariance.groups.further import Product
from equivariance.groups.named import SYMMETRIES, Symmetry
from equivariance.groups.sampling import Group
from equivariance.progress import Observer, Relay

_INFERENCE = 0.4
"""Part of the time limit after which the inference of inner layers ends: the output is to be measured, too."""

_CAUSE_ORDER = ("not-finite", "nondeterministic", "vanishing")


@quiet()
def examine_module(ready: Prepared, basis: Basis | None = None) -> Outcome:
    """Examines a prepared call under all its groups and returns the outcome.

    Args:
        ready: The prepared call.
        basis: What its representations rest on; None if all are declared.

    Raises:
        ArgumentError: If no symmetry can be tested because its elements or inputs are refused.
    """
    bounded = keeping_content(ready)
    ready = bounded.ready
    call, settings = ready.call, ready.call.settings
    chosen = {path: class_of(call.module, path) for path in matching_layers(call.module, settings.layers)}
    cut, sanity = CutShort(ready.runner.deadline), Sanity([], [], f"{ready.runner.deadline} was reached")
    with cut.stage("the checks before the first symmetry"):
        sanity = run_sanity_checks(ready.runner, "" in chosen)
    settings.observer.begun(tuple(g.symmetry for g in call.groups))
    lines = [*bounded.lines]
    if not sanity.obstacle:
        with cut.stage("the inference of inner layers"):
            ready, more_lines = _with_layers(ready)
            lines += more_lines
    about = _describe(ready, lines)
    able = ready.runner.capabilities
    maker = VerdictMaker(call, basis or Basis(), sanity.vacuous, sanity.remark, able, ready.unjudged)
    found = SymmetryResult([], sanity.findings, sanity.notes, cut=cut.phrases)
    known = {symmetry: SymmetryResult([maker.not_tested(symmetry, why)]) for symmetry, why in call.untestable.items()}
    asked = {g.symmetry: g for g in call.asked}
    known |= {
        s: SymmetryResult([untested_verdict(maker, asked[s], why)])
        for s, why in bounded.untestable.items()
        if s in asked
    }
    if sanity.obstacle:
        known |= {g.symmetry: SymmetryResult([untested_verdict(maker, g, sanity.obstacle)]) for g in call.groups}
    settings.observer.tested(_report([found], chosen, about))
    searched = None if settings.layers is None else chosen
    for symmetry, more in _examine_symmetries(ready, maker, searched) if not sanity.obstacle else ():
        known[symmetry] = more
        settings.observer.tested(_report([found, *_in_order(call, known)], chosen, about))
    outcome = _report([found, *_in_order(call, known)], chosen, about)
    if not (outcome.symmetries or outcome.findings):
        _raise_refusal(call, [k.refused for k in _in_order(call, known) if k.refused is not None])
    return outcome


def _with_layers(ready: Prepared) -> tuple[Prepared, list[str]]:
    """Returns the prepared call with the contracts of inner layers, and the lines of the report about them."""
    ready, together = _separate(ready)
    # A replaced value has no gradient: layers of a network that differentiates itself are not followed.
    if not ready.call.settings.infer or ready.runner.capabilities.gradients:
        return ready, [*_misfits(ready), *_unfollowed_layers(ready), *together]
    deadline = ready.runner.deadline
    inferred = Inferred({}, obstacle=f"{deadline} left too little for it")
    with CutShort(deadline).stage("the inference of inner layers"):
        inferred = _infer(replace(ready, runner=ready.runner.until(deadline.share(_INFERENCE))))
    ready, others = _separate(_with_contracts(ready, inferred.contracts))
    return ready, [*_misfits(ready), *_unfollowed_layers(ready), *inferred.lines, *together, *others]


def _describe(ready: Prepared, lines: Sequence[str]) -> dict[str, Any]:
    """Returns what an outcome says of the call: subject, assumptions, settings and cloud."""
    call = ready.call
    return {
        "subject": call.name or name_of(call.module),
        "assumptions": [*_assumptions(call), *between_cells(call.arguments, call.contract, call.sizes), *lines],
        "settings": _describe_settings(ready),
        "cloud": cloud_of(ready.runner.arguments, ready.runner.contracts[""], call.sizes.nodes),
    }


def _raise_refusal(call: BoundCall, refused: Sequence[ArgumentError]) -> None:
    """Raises the first error because of which nothing was tested, if there is one."""
    if refused:
        raise refused[0]
    for symmetry, reason in call.untestable.items():
        raise ArgumentError("group", symmetry, f"a symmetry that can be tested; {reason}")


def _in_order(call: BoundCall, known: Mapping[str, SymmetryResult]) -> list[SymmetryResult]:
    return [known[g.symmetry] for g in call.asked if g.symmetry in known]


def _examine_symmetries(
    ready: Prepared, maker: VerdictMaker, layers: Collection[str] | None
) -> Iterator[tuple[str, SymmetryResult]]:
    """Yields each symmetry with its results, in order of completion."""
    groups, settings = ready.call.groups, ready.call.settings
    reactions = Reactions(ready.runner, ready.call.sizes, settings.seed)
    if settings.jobs == 1:
        surveyors = _surveyors(ready, settings.observer)
        yield from ((g.symmetry, examine_symmetry(surveyors, g, maker, reactions, layers)) for g in groups)
        return

    def work(group: Group, report_progress: Callable[[tuple[str, int, int, float]], None]) -> SymmetryResult:
        memory = MemoryBudget(settings.memory / settings.jobs)
        shared = replace(ready, runner=ready.runner.with_memory(memory))
        surveyors = _surveyors(shared, Relay(report_progress))
        return examine_symmetry(surveyors, group, maker, reactions, layers)

    works = [partial(work, group) for group in groups]
    for number, found in in_processes(works, settings.jobs, lambda words: settings.observer.sampled(*words)):
        yield groups[number].symmetry, found


def _report(known: Sequence[SymmetryResult], chosen: Mapping[str, object], about: Mapping[str, Any]) -> Outcome:
    """Returns the outcome for the tested symmetries, with findings, notes and rows of the chosen layers.

    Args:
        known: The results.
        chosen: Chosen layer -> the class that defines its `forward`.
        about: The other fields of the outcome.
    """
    found, kind_of = (f for k in known for f in k.findings), chosen.get
    cut = [phrase for k in known for phrase in k.cut]
    if cut:
        words = f"{about['settings']['time limit']}, which ended {'; '.join(cut)}"
        about = {**about, "settings": {**about["settings"], "time limit": words}}
    return Outcome(
        verdicts=tuple(v for k in known for v in k.verdicts),
        findings=merged([f for f in ordered(found, _importance) if f.layer in chosen], kind_of),
        notes=merged([f for k in known for f in k.notes if f.layer in chosen], kind_of),
        layers=[r for k in known for r in k.rows if r.layer in chosen],
        **about,
    )


def _infer(ready: Prepared) -> Inferred:
    """Infers the contracts of undeclared layers from runs; moves by lattice vectors are not followed through layers."""
    followed = (g for g in ready.call.groups if _is_followed(g))
    claimed = [g for g in followed if ready.call.settings.claiming(g)]
    surveyors = _surveyors(ready)
    inferred = infer(
        {g.symmetry: surveyors(g.symmetry) for g in claimed},
        claimed,
        list(ready.runner.contracts),
        ready.fit.incomplete,
    )
    if not inferred.contracts:
        return inferred
    following = _surveyors(_with_contracts(ready, inferred.contracts))
    return try_layers_apart(inferred, {g.symmetry: following(g.symmetry) for g in claimed}, claimed)


def _is_followed(group: Group) -> bool:
    """True if layers are measured apart under a group."""
    return Symmetry(group.symmetry).is_followed and not isinstance(group, Product)


def _with_contracts(ready: Prepared, contracts: Mapping[str, Contract]) -> Prepared:
    """Returns the prepared call with the contracts of further layers."""
    if not contracts:
        return ready
    return replace(ready, runner=ready.runner.with_contracts({**contracts, **ready.runner.contracts}))


def _separate(ready: Prepared) -> tuple[Prepared, list[str]]:
    """Returns the call without layers that cannot be measured apart, and the lines of the report about them."""
    found = separate(ready.runner)
    return replace(ready, runner=found.runner), found.lines


def _importance(finding: Finding) -> tuple[int, float]:
    first = _CAUSE_ORDER.index(finding.cause) if finding.cause in _CAUSE_ORDER else len(_CAUSE_ORDER)
    return first, -finding.contributed


def _assumptions(call: BoundCall) -> list[str]:
    """Returns the lines of the report about assumed axes."""
    words = {"permutation": "nodes", "batch": "samples"}
    result = []
    for group in call.groups:
        named = [p for p, t, r in call.inputs if r.assumes(group.symmetry, t)]
        if named:
            result.append(
                f"{group.symmetry}: the first axis of {', '.join(named)} is assumed to list the {words[group.symmetry]}"
            )
    return result


def _misfits(ready: Prepared) -> list[str]:
    lines = []
    for layer, reason in ready.fit.mismatched.items():
        known, incomplete = ready.runner.contracts.get(layer), ready.fit.incomplete.get(layer)
        if known is not None and incomplete is not None:
            stated = ", ".join(incomplete.inputs)
            rest = ", ".join(name for name in known.inputs if name not in incomplete.inputs)
            lines.append(f"{layer} states how {stated} and its output transform; {rest} inferred from the runs")
        else:
            caller = "" if known else "; its code counts as that of its caller"
            lines.append(f"the contract that {layer} states is not used: {reason}{caller}")
    return lines


def _unfollowed_layers(ready: Prepared) -> list[str]:
    followed = [g.symmetry for g in ready.call.groups if Symmetry(g.symmetry).is_reordering]
    if not followed or not ready.fit.unknown_axes:
        return []
    layers = ", ".join(sorted(ready.fit.unknown_axes))
    return [f"{', '.join(followed)}: axes of {layers} are not known by their lengths; the code counts as the caller's"]


def _surveyors(ready: Prepared, observer: Observer | None = None) -> Callable[[str], SymmetrySurvey]:
    """Returns symmetry -> survey: of all layers, of the layers whose axes are known, or of the whole alone.

    Exchanges of arguments, products and groups of the user are followed through the whole only. So are moves by lattice
    vectors: a layer may return differences of positions that a
    later layer takes to the nearest image. A symmetry under which tensors of the output have no law has a survey of its
    own, which does not compare them.
    """
    settings, observer = ready.call.settings, observer or ready.call.settings.observer
    options = SurveyOptions(settings.samples, settings.seed)

    def surveying(runner: Runner) -> SymmetrySurvey:
        """Returns a survey of the call with the layers that a runner watches."""
        return SymmetrySurvey(runner, ready.call.sizes, options, observer)

    everything = followed = ready
    if ready.fit.unknown_axes:
        clear = {name: c for name, c in ready.runner.contracts.items() if name not in ready.fit.unknown_axes}
        followed = replace(ready, runner=ready.runner.with_contracts(clear))
    of_motions = surveying(everything.runner)
    of_reorderings = of_motions if followed is everything else surveying(followed.runner)
    whole = replace(ready, runner=ready.runner.with_contracts({"": ready.runner.contracts[""]}))
    apart = {g.symmetry for g in ready.call.groups if not _is_followed(g)}
    asked = {*SYMMETRIES, *(g.symmetry for g in ready.call.groups)}
    surveys = {s: of_reorderings if Symmetry(s).is_reordering else of_motions for s in asked}
    of_whole = surveying(whole.runner)
    surveys |= dict.fromkeys(apart, of_whole)
    for symmetry, lacking in ready.unjudged.items():
        prepared = followed if Symmetry(symmetry).is_reordering else everything
        prepared = whole if symmetry in apart else prepared
        surveys[symmetry] = surveying(with_output(prepared, lacking.output))
    return surveys.__getitem__


def _describe_settings(ready: Prepared) -> dict[str, str]:
    able, settings = ready.runner.capabilities, ready.call.settings
    described = {
        "samples": str(settings.samples),
        "seed": str(settings.seed),
        "working precision": str(able.tested_dtype).removeprefix("torch."),
        "main precision": str(able.reference_dtype).removeprefix("torch."),
        "states": "; ".join(map(str, able.states)),
        "layers with a contract": str(len(ready.runner.contracts)),
    }
    if able.lowest_dtype != able.tested_dtype:
        described["computed in"] = f"{str(able.lowest_dtype).removeprefix('torch.')} in parts (autocast, or a cast)"
    if able.widened:
        described["float64"] = f"with casts to less left out ({able.obstacle})"
    elif able.obstacle:
        described["float64"] = f"impossible ({able.obstacle}); last-bit perturbations stand in for it"
    if settings.time_limit is not None:
        described["time limit"] = f"{settings.time_limit:g} s"
    if able.untrained:
        described["training mode"] = f"impossible ({able.untrained})"
    return described
