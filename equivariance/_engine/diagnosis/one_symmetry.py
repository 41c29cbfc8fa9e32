"""Examines one symmetry: measures it, finds what breaks it, and makes the verdict.

`examine` calls `examine_symmetry` for each symmetry. Statements and causes come from `localizer`, claims that an output
must change from `sensitivity`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from equivariance._deadline import TimeLimitReached
from equivariance._engine.diagnosis.localizer import LocalizedSymmetry, localize
from equivariance._engine.diagnosis.merging import with_one_of
from equivariance._engine.diagnosis.noise import REASON as NOISE
from equivariance._engine.diagnosis.noise import holds_without_noise
from equivariance._engine.diagnosis.sensitivity.responses import sensitivity_of
from equivariance._engine.diagnosis.verdicts import VerdictMaker, finding_of_raised
from equivariance._engine.measurement.reaction import Reactions
from equivariance._engine.measurement.survey import SymmetrySurvey
from equivariance.contracts.inputs import NOT_GIVEN
from equivariance.errors import ArgumentError, TransformedInputError
from equivariance.findings import Finding, LayerRow, SymmetryVerdict
from equivariance.groups.named import Symmetry
from equivariance.groups.sampling import Group
from equivariance.settings import Settings


@dataclass
class SymmetryResult:
    """The results of the sanity checks, or of one symmetry.

    Attributes:
        verdicts: The verdict on the symmetry; none for the sanity checks.
        findings: Violations that reach the output.
        notes: Remarks that are no violations of the output.
        rows: One row per layer call.
        refused: The error of a symmetry whose elements or inputs were refused.
        cut: What the time limit cut short, one phrase each.
    """

    verdicts: list[SymmetryVerdict]
    findings: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    rows: list[LayerRow] = field(default_factory=list)
    refused: ArgumentError | None = None
    cut: Sequence[str] = ()


def untested_verdict(maker: VerdictMaker, group: Group, reason: str) -> SymmetryVerdict:
    """Returns the verdict on a symmetry that is not tested for a reason."""
    return maker.not_tested(group.symmetry, reason, maker.call.settings.claiming(group))


def examine_symmetry(
    surveyors: Callable[[str], SymmetrySurvey], group: Group, maker: VerdictMaker, reactions: Reactions,
    layers: Collection[str] | None,
) -> SymmetryResult:  # fmt: skip
    """Surveys and localizes one symmetry, if time is left for it."""
    deadline, reason = maker.call.settings.deadline, "before its test"
    try:
        deadline.check()
        reason = "during its test"
        return _survey_and_localize(surveyors(group.symmetry), group, maker, reactions, layers)
    except TimeLimitReached:
        return SymmetryResult([untested_verdict(maker, group, f"{deadline} was reached {reason}")])


def _survey_and_localize(
    survey: SymmetrySurvey, group: Group, maker: VerdictMaker, reactions: Reactions, layers: Collection[str] | None
) -> SymmetryResult:
    """Surveys and localizes one symmetry. An unclaimed symmetry is only measured.

    A symmetry that cannot be tested does not end the others.

    Raises:
        TimeLimitReached: If no time is left before the symmetry is known to be broken or to hold.
    """
    settings, lacking = maker.call.settings, maker.unjudged.get(group.symmetry)
    claimed = settings.claiming(group)
    try:
        if not reactions.moves(group):
            # The symmetry does not apply: it is a claim only if the caller named it.
            claimed = claimed and group.symmetry in (settings.named or ())
            return SymmetryResult([maker.not_tested(group.symmetry, reactions.obstacle(group), claimed)])
        if lacking is not None and lacking.nothing_else:
            raise ArgumentError("irreps_out", NOT_GIVEN, f"a declaration, as {lacking.reason}")
        if not claimed:
            return SymmetryResult([maker.of_unclaimed(group, survey.output_measurement(group, layers is None))])
        found = _localized(survey, group, settings, layers)
        left = f"{settings.deadline} was reached after {found.unfinished}, of which none breaks it"
        unmeasured = left if found.unfinished else ""
        noisy = found.findings and maker.remark and holds_without_noise(survey.runs, group, settings.seed)
        found = replace(found, findings=(), notes=(), rows=()) if noisy else found
        missing = "" if found.broken else maker.vacuous or unmeasured or reactions.obstacle(group)
        obstacle = NOISE if noisy else missing
    except TransformedInputError as error:
        if not claimed:
            return SymmetryResult([maker.not_tested(group.symmetry, error.reason, claimed)])
        finding = finding_of_raised(error, group.symmetry, survey.runs.runner)
        return SymmetryResult([maker.of_raised(group, finding)], [finding])
    except ArgumentError as error:
        return SymmetryResult([maker.not_tested(group.symmetry, str(error), claimed)], refused=error)
    verdict = maker.not_tested(group.symmetry, obstacle) if obstacle else maker.of_localized(group, found)
    cut = [f"{phrase} under {group.symmetry}" for phrase in found.cut]
    return SymmetryResult([verdict], [*found.findings], [*found.notes], [*found.rows], cut=cut)


def _localized(
    survey: SymmetrySurvey, group: Group, settings: Settings, layers: Collection[str] | None
) -> LocalizedSymmetry:
    """Returns what breaks a symmetry, and which claims that an output must change fail."""
    found = localize(survey, group, settings.inside, layers)
    if group.symmetry == Symmetry.SWAP and len(found.findings) > 1:
        found = replace(found, findings=with_one_of(found.findings))
    claims = sensitivity_of(survey.runs, group, settings.seed, settings.inside)
    return replace(
        found,
        findings=(*found.findings, *claims.findings),
        broken=found.broken or claims.broken,
        skipped=(*found.skipped, *claims.remarks),
    )
