"""Finds the violations of one layer: each part that its own code breaks, and the statement at fault there.

A layer may break several of the values that it makes, each by a statement of its own. The worst part is examined first.
If another part is still broken once the statements found so far are repaired, it is a violation of its own.
`diagnosis.localizer` makes a finding of each. The statements are found by `locate_statement`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from equivariance._engine.instrumentation.operations import NUMBERED
from equivariance._engine.instrumentation.source_lines import SourceLine
from equivariance._engine.localization.locate_statement import (
    Statement,
    StatementLocator,
    located,
    locator_of,
)
from equivariance._engine.localization.recording import Intervention
from equivariance._engine.localization.suspects import SuspectLayer
from equivariance._engine.measurement.survey_results import SurveyResult
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import Verdict
from equivariance._ranking import ordered
from equivariance.groups.sampling import Group

_MOST = 6
"""Number of parts of one layer that are examined."""


@dataclass(frozen=True)
class Violation:
    """One violation in a layer's own code.

    Attributes:
        suspect: The layer, the part that shows the violation, and the worst trial.
        statement: The statement at fault; None if no statement was found, or none was searched for.
        intervention: Repairs the layer's other statements at fault; None if there are none.
        operations: Names of the operations that the statement runs.
        before: Statements that break what goes into this one; their effect shows only if this one is repaired.
        layers: The layers that run the statement and break by it, the largest error first.
    """

    suspect: SuspectLayer
    statement: Statement | None = None
    intervention: Intervention | None = None
    operations: tuple[str, ...] = ()
    before: tuple[SourceLine, ...] = ()
    layers: tuple[str, ...] = ()


def parts_of(survey: SurveyResult, suspect: SuspectLayer, allowed: Verdict) -> list[SuspectLayer]:
    """Returns the suspect at each part that its own code breaks, the worst first."""
    found = []
    for site in suspect.sites:
        for key, (measurement, trial) in survey.introduced[site].parts().items():
            if measurement.verdict > allowed and (site, key) != (suspect.site, suspect.key):
                owner = survey.owners[site]
                found.append(replace(suspect, owner=owner, site=site, key=key, measurement=measurement, trial=trial))
    return [suspect, *ordered(found, lambda s: s.measurement.severity, descending=True)][:_MOST]


def violations_of(runs: TransformedRuns, group: Group, parts: Sequence[SuspectLayer], seed: int) -> list[Violation]:
    """Returns the violations behind the broken parts of one layer; at least one.

    A declared layer has one violation per part, the worst. Code that only belongs to the whole has one per statement.

    Args:
        runs: Runs the network.
        group: The symmetry; further elements are drawn from it, with `seed`.
        parts: The broken parts of the layer, as of `parts_of`.
        seed: The seed of the survey.
    """
    found: list[Violation] = []
    locators: list[StatementLocator] = []
    for part in parts:
        if not any(locator.also_repairs(part) for locator in locators):
            locator = locator_of(runs, group, part, seed)
            found = _with_part(found, part, located(runs.runner, part, locator), locator)
            locators.append(locator)
    return found


def _with_part(
    found: Sequence[Violation], part: SuspectLayer, statements: Sequence[Statement], locator: StatementLocator
) -> list[Violation]:
    """Returns the violations together with those that `statements` cause at one more part."""
    first_of_place = {_name(s): s for s in reversed(statements) if not s.hidden}
    chosen = list(reversed(first_of_place.values()))
    hidden = tuple(s.place for s in statements if s.hidden and s.place)
    named = {_name(v.statement) for v in found if v.statement}
    new = [s for s in chosen if _name(s) not in named]
    # If all that was found is confirmed, this part is broken by something else.
    proven = all(v.statement and v.statement.confirmed for v in found)
    return [
        *(v for v in found if v.statement or not locator.also_repairs(v.suspect)),
        *(
            replace(
                _violation(part, s, len(chosen) > 1, locator, [p for p in hidden if s is new[0] and p != s.place]),
                layers=tuple(dict.fromkeys(t.layer for t in ordered(statements, _is_hidden) if _name(t) == _name(s))),
            )
            for s in new
            if proven or s.confirmed
        ),
        *([Violation(part)] if proven and not chosen else []),
    ]


def _is_hidden(statement: Statement) -> bool:
    return statement.hidden


def _name(statement: Statement) -> object:
    return statement.place or statement.layer


def _violation(
    part: SuspectLayer, statement: Statement, among_others: bool, locator: StatementLocator,
    before: Sequence[SourceLine],
) -> Violation:  # fmt: skip
    """Returns the violation of one statement; `among_others`: its error is the one that it makes by itself."""
    runner = locator.runner
    others = Intervention(runner.model_runner, runner.trial.state, statement.beside) if statement.beside else None
    if among_others:
        part = replace(part, measurement=replace(part.measurement, error=statement.error))
    return Violation(part, statement, others, tuple(_operations(locator, statement)), tuple(before))


def _operations(locator: StatementLocator, statement: Statement) -> Iterator[str]:
    """Yields the names of the operations of a statement; those on whole numbers are marked."""
    values = locator.runner.reference.values
    for event in statement.events(locator.runner.reference.events):
        read = [values[n] for n in event.reads if values[n].dim() and not values[n].is_floating_point()]
        numbered = event.name == "cumsum" or any(t.dtype != torch.bool for t in read)  # masks are no numbers
        yield f"{NUMBERED}{event.name}" if read and numbered else event.name
