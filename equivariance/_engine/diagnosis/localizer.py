"""Finds the layers that introduce an error, the error that reaches the output, and the smallest element that shows it.

`examine` calls `localize` once for each claimed symmetry. Statements are found in `localization`, causes in `causes`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch

from equivariance._engine.causes.error_curves import cloud_of, curves_of, node_errors
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explain import explain
from equivariance._engine.causes.explanation import Explanation
from equivariance._engine.diagnosis.contributions import Contributions, Contributor, contributors_of
from equivariance._engine.diagnosis.cut_short import CutShort
from equivariance._engine.diagnosis.layer_rows import notes_on_rounding, rows_of
from equivariance._engine.diagnosis.merging import class_of
from equivariance._engine.diagnosis.padding import vary_padding
from equivariance._engine.diagnosis.places import MADE_BY_THE_CALLER, of_exchange, place_of, place_of_layer
from equivariance._engine.diagnosis.supercells import Doubled, double_cells
from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import Runner
from equivariance._engine.localization.suspects import SuspectLayer, suspect_layers
from equivariance._engine.localization.violations import Violation, parts_of, violations_of
from equivariance._engine.measurement.relative_error import PartKey, part_name
from equivariance._engine.measurement.survey import SymmetrySurvey
from equivariance._engine.measurement.survey_results import ComparedPart, SurveyResult, Trial
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance._ranking import largest, ordered
from equivariance.cause_catalogue import remedy
from equivariance.findings import Curve, Finding, LayerRow
from equivariance.groups.elements import Transform
from equivariance.groups.lattice_moves import supercells_of, without_supercells
from equivariance.groups.named import Symmetry
from equivariance.groups.reorderings import paddings, without_paddings
from equivariance.groups.sampling import Group

_CLEAR = 3.0
"""A shrunk counterexample must exceed the rounding limit by this factor."""


@dataclass(frozen=True)
class LocalizedSymmetry:
    """The part of a report that is about one symmetry.

    Attributes:
        rows: One row per layer call.
        findings: Violations that reach the output, the largest contribution first.
        notes: Violations that later layers cancel, then ties, ill-conditioning and float32 constants.
        output: The worst measurement at the network's output; None if nothing was measured there.
        broken: True if the output is broken, also by layers outside of the asked ones.
        skipped: One remark for each state that does not run on transformed inputs.
        cut: What the time limit cut short, one phrase each.
        unfinished: The samples that the time limit left, as in "3 of 8 samples"; "" if all were measured.
    """

    rows: tuple[LayerRow, ...]
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    output: Measurement | None
    broken: bool
    skipped: tuple[str, ...]
    cut: tuple[str, ...] = ()
    unfinished: str = ""


@dataclass(frozen=True)
class _Case:
    """One symmetry of one network: the result of the survey, and the options of the search.

    Attributes:
        survey: Runs the network.
        group: The symmetry.
        result: The result of the survey.
        allowed: The most severe verdict of a sound layer.
        contributions: Measures contributed errors.
        inside: True to search layers at fault for the statement.
        layers: The layers to search; None for all.
        whole: True if the report is about the network as a whole, too.
        cut: Records what the time limit cuts short.
    """

    survey: SymmetrySurvey
    group: Group
    result: SurveyResult
    allowed: Verdict
    contributions: Contributions
    inside: bool
    layers: frozenset[str] | None
    whole: bool
    cut: CutShort


def localize(
    survey: SymmetrySurvey, group: Group, inside: bool = True, layers: Collection[str] | None = None
) -> LocalizedSymmetry:
    """Surveys one symmetry and returns which layers violate it, at which statement and by which cause.

    Args:
        survey: Runs the network.
        group: The symmetry.
        inside: True to search layers at fault for the statement.
        layers: The layers that the report is about; None for all. Other layers are measured only as far
            as contributed errors need.

    Raises:
        TimeLimitReached: If no time is left before one sample was measured, or before it is clear what is broken.
    """
    runner, cut = survey.runs.runner, CutShort(survey.runs.runner.deadline)
    same = runner.tested_dtype == runner.reference_dtype
    allowed = Verdict.ILL_CONDITIONED if same else Verdict.PRECISION
    lengthened, group = paddings(group, survey.runs.sizes), without_paddings(group)
    tested, group = group, without_supercells(group)
    searched, whole = None if layers is None else _layers_with_code(runner, layers), layers is None or "" in layers
    result, suspects, sites = _suspects(survey, group, allowed, None if whole else searched)
    contributions = Contributions(survey.runs, sites)
    contributors = _without_contributions(suspects, result, allowed)
    with cut.stage("the contributed errors"):
        contributors = contributors_of(contributions, suspects, result, allowed)
        trial = _trial_to_add(result, contributors, allowed)
        if trial is not None:
            result = survey.with_plain_run(result, trial)
    case = _Case(survey, group, result, allowed, contributions, inside, searched, whole, cut)
    findings, cancelled = _findings_of(case, contributors)
    contributed = {c.suspect.layer: c.contributed for c in contributors}
    measured, padded, untested = result, list[Finding](), list[str]()
    with cut.stage("the test with other lengths of the padding"):
        measured, padded, untested = vary_padding(survey, lengthened if whole else (), result, allowed)
    doubled = Doubled(measured)
    with cut.stage("the test with doubled cells"):
        if whole and not findings:
            doubled = double_cells(survey, supercells_of(tested, survey.runs.sizes), measured, allowed)
    root, padded = doubled.result.root.top, [*padded, *doubled.findings]
    broken = bool(findings) or bool(padded)
    return LocalizedSymmetry(
        rows=rows_of(runner, doubled.result, contributed, allowed),
        findings=tuple(ordered([*findings, *padded], lambda f: f.contributed, descending=True)),
        notes=(*cancelled, *notes_on_rounding(runner, result)),
        output=root[1] if root else None,
        broken=broken or (not whole and root is not None and root[1].verdict > allowed),
        skipped=(*_skipped(result), *untested, *doubled.remarks),
        cut=(*(f"the survey after {left}" for left in (result.cut,) if left), *cut.phrases),
        unfinished=result.cut,
    )


def _without_contributions(
    suspects: Sequence[SuspectLayer], result: SurveyResult, allowed: Verdict
) -> tuple[Contributor, ...]:
    """Returns the suspects as if each caused the whole error of the output, for lack of time to measure its part."""
    root = result.root.top
    reached = root[1].error if root is not None and root[1].verdict > allowed else 0.0
    return tuple(Contributor(suspect, reached) for suspect in suspects)


def _skipped(result: SurveyResult) -> Iterator[str]:
    """Yields one remark for each state that does not run on transformed inputs."""
    yield from (f"{state} not tested: {reason}" for state, reason in result.skipped.items())


def _layers_with_code(runner: Runner, layers: Collection[str]) -> frozenset[str]:
    """Returns the layers whose code is that of `layers`: the code of a layer without a contract is the whole's."""
    module = runner.module(runner.states[0], runner.reference_dtype)
    others = [module.get_submodule(layer) for layer in layers if layer not in runner.contracts]
    of_whole = any(type(layer).forward is not torch.nn.Module.forward for layer in others)  # a list of layers has none
    return frozenset({"", *layers} if of_whole else layers)


def _suspects(
    survey: SymmetrySurvey, group: Group, allowed: Verdict, searched: frozenset[str] | None
) -> tuple[SurveyResult, list[SuspectLayer], Callable[[Trial], Mapping[str, Sequence[Site]]]]:
    """Returns the survey, the suspects, and the sites of all violations that may add to an error in a trial.

    All layers are surveyed if `searched` is None, or if a layer breaks by itself what it keeps among the others.
    """

    @cache
    def sites(trial: Trial) -> Mapping[str, Sequence[Site]]:
        return {s.layer: s.sites for s in suspect_layers(survey.introduced_in(trial, group.symmetry), allowed)}

    if searched is not None:
        result = survey.survey(group, searched)
        suspects = [s for s in suspect_layers(result, allowed) if s.layer in searched]
        if all(s.site in sites(s.trial).get(s.layer, ()) for s in suspects):
            return result, suspects, sites
    result = survey.survey(group)
    found = suspect_layers(result, allowed)
    known = {s.layer: s.sites for s in found}
    return result, found, lambda trial: known


def _trial_to_add(result: SurveyResult, contributors: Sequence[Contributor], allowed: Verdict) -> Trial | None:
    """Returns the trial of an error that reaches the output, if no trial of the accumulated errors shows one."""
    root = result.root.top
    if root is None or root[1].verdict > allowed or not contributors:
        return None
    first = largest(contributors, lambda c: c.contributed)
    return first.suspect.trial if first.contributed > root[1].rounding else None


def _findings_of(case: _Case, contributors: Sequence[Contributor]) -> tuple[list[Finding], list[Finding]]:
    """Returns the violations that reach the output, and the violations that later layers cancel."""
    root = case.result.root.top
    limit = root[1].rounding if root else 0.0  # the floor of grids is no part of a contributed error
    searched = [c for c in contributors if case.layers is None or c.suspect.layer in case.layers]
    made = _explained(case, [found for c in searched for found in _violations_in(case, c)], limit)
    findings = [f for f in made if f.contributed > limit]
    explained = findings or any(c.contributed > limit for c in contributors if c not in searched)
    if case.whole and root and root[1].verdict > case.allowed and not explained and not _is_rounding(case, root):
        findings = [_finding_without_suspect(case, root, bool(contributors))]
    return findings, [f for f in made if not f.contributed > limit]


def _explained(case: _Case, found: Sequence[tuple[Violation, float]], limit: float) -> list[Finding]:
    """Returns the finding of each violation, the largest contribution first.

    Of several layers of one class that run one statement, the experiments are made on the first: the findings will be
    merged.

    Args:
        case: The symmetry.
        found: The violations, with their contributed errors.
        limit: The largest contributed error of a violation that later layers cancel.
    """
    module = case.survey.runs.runner.module(case.survey.runs.runner.states[0], case.survey.runs.runner.reference_dtype)
    known: dict[object, Finding] = {}
    made = []
    for violation, contributed in ordered(found, lambda f: f[1], descending=True):
        layers, statement = _layers_of(violation), violation.statement
        root = statement and statement.place and (statement.place, class_of(module, layers[0]), contributed > limit)
        first = known.get(root) if root else None
        if first is None:
            first = _finding(case, violation, contributed)
        finding = replace(first, layer=layers[0], layers=layers, contributed=contributed)
        known.setdefault(root, finding)
        made.append(finding)
    return made


def _layers_of(violation: Violation) -> tuple[str, ...]:
    """Returns the layers that a violation is about; code of the whole belongs to the innermost modules that run it."""
    return (violation.suspect.layer,) if violation.suspect.layer else violation.layers or ("",)


def _violations_in(case: _Case, contributor: Contributor) -> list[tuple[Violation, float]]:
    """Returns each violation of a layer, without repetitions, with its contributed error."""
    suspect, violations = contributor.suspect, [Violation(contributor.suspect)]
    if case.inside:
        parts = parts_of(case.result, suspect, case.allowed)
        with case.cut.stage("the search for the statement", suspect.layer):
            violations = violations_of(case.survey.runs, case.group, parts, case.survey.options.seed)
    if len(violations) > 1:
        with case.cut.stage("the contributed errors of its statements", suspect.layer):
            return [(v, _contributed_by(case, v, suspect)) for v in violations]
    return [(v, contributor.contributed) for v in violations]


def _contributed_by(case: _Case, violation: Violation, suspect: SuspectLayer) -> float:
    """Returns the error at the network's output that one of several violations of a layer causes."""
    if violation.intervention or not suspect.layer:
        return violation.suspect.measurement.error
    return case.contributions.contributed_error(violation.suspect, this_part_only=True)


def _finding(case: _Case, violation: Violation, contributed: float) -> Finding:
    """Returns the finding of a violation, with the cause that experiments on the layer show."""
    runs, suspect, statement = case.survey.runs, violation.suspect, violation.statement
    symmetry, seed = case.group.symmetry, case.survey.options.seed
    experiment = Experiment.of_suspect(runs, seed, suspect, violation.intervention, violation.operations, statement)
    element, curves, at_nodes = suspect.trial.element, tuple[Curve, ...](), tuple[float, ...]()
    words = f"{suspect.part or 'the output'} is off by {suspect.measurement.error:.2g} under {element}"
    explanation = Explanation("unknown", words)
    with case.cut.stage("the search for the cause", suspect.layer):
        element = _shrink(case, suspect, experiment)
        explanation = _explanation(violation, experiment, symmetry, element)
        cloud = cloud_of(runs.runner.arguments, runs.runner.contracts[""], runs.sizes.nodes)
        curves, at_nodes = curves_of(experiment, symmetry), node_errors(experiment, len(cloud))
    layers = _layers_of(violation)
    place = place_of(runs.runner, layers[0], statement, explanation)
    exchanges = symmetry == Symmetry.SWAP or (symmetry == Symmetry.MIRROR and violation.before)
    if exchanges and place.get("location") is not None:
        place = of_exchange(place, violation.before)
    return Finding(
        layer=layers[0],
        layers=layers,
        symmetry=symmetry,
        cause=explanation.cause,
        evidence=explanation.evidence + case.cut.remark(suspect.layer),
        part=suspect.part,
        **place,
        error=suspect.measurement.error,
        noise_floor=max(suspect.measurement.rounding_floor, suspect.measurement.epsilon),
        contributed=contributed,
        counterexample=element,
        state=str(suspect.trial.state),
        fix=explanation.fix,
        mechanism=explanation.mechanism,
        curves=curves,
        node_errors=at_nodes,
    )


def _explanation(violation: Violation, experiment: Experiment, symmetry: str, element: Transform) -> Explanation:
    """Returns the cause, from experiments in which all other violations are repaired."""
    found = explain(experiment, symmetry, violation.suspect, element)
    if violation.statement and violation.statement.frame:
        found = found.in_local_frame(violation.statement.frame)
    alone = not violation.before or found.mechanism in MADE_BY_THE_CALLER
    return found if alone else found.after_others(violation.before)


def _is_rounding(case: _Case, root: tuple[PartKey, Measurement, Trial]) -> bool:
    """True if rounding that runs through the network moves its output as far."""
    key, measurement, trial = root
    part = ComparedPart(trial, None, Site(ROOT), key)
    return case.survey.floors.judge(measurement, part).verdict <= case.allowed


def _finding_without_suspect(case: _Case, root: tuple[PartKey, Measurement, Trial], has_suspects: bool) -> Finding:
    """Returns the finding for an output that is broken although no layer is to blame by itself."""
    key, measurement, trial = root
    text = "the output breaks although every declared layer keeps its law: something passes between layers unseen"
    if has_suspects:
        text = "the output breaks, and no layer does it by itself: what several layers break acts together"
    cause = "discontinuous" if measurement.jump else "unknown"
    if measurement.jump:
        text = (
            f"noise in the last bit of the inputs changes the output by {measurement.jump:.2g} without any "
            "transformation, also at inputs near the example, and no layer does it by itself"
        )
    return Finding(
        layer="", symmetry=case.group.symmetry, cause=cause, evidence=text, part=part_name(key),
        error=measurement.error, noise_floor=measurement.rounding_floor, contributed=measurement.error,
        counterexample=trial.element, state=str(trial.state), fix=remedy(cause),
        **place_of_layer(case.survey.runs.runner, ""),
    )  # fmt: skip


def _shrink(case: _Case, suspect: SuspectLayer, experiment: Experiment) -> Transform:
    """Returns the first of the group's simple elements that still shows the violation, else the sampled one."""
    for element in case.group.simplest(case.survey.runs.sizes):
        clear = experiment.outcome(element).error > _CLEAR * suspect.measurement.tolerance
        if clear and not experiment.respects(element):
            return element
    return suspect.trial.element
