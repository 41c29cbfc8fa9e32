"""What a layer's own code breaks, one thing at a time: each part that it makes, and the statements at fault there.

A layer may break several of the values that it makes, each by a statement of its own. The worst is looked at first.
Another counts as a break of its own where it stays once the statements that were found so far are put right.
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
from equivariance._engine.measurement.survey import SymmetrySurvey
from equivariance._engine.measurement.survey_results import SurveyResult
from equivariance._engine.measurement.verdict import Verdict
from equivariance._ranking import ordered
from equivariance.groups.sampling import Group

_MOST = 6
"""So many parts of one layer are looked at."""


@dataclass(frozen=True)
class Violation:
    """One thing that a layer's own code breaks.

    Attributes:
        suspect: The layer, the part that shows it, and the worst trial
        statement: At fault; None where none was found, or was looked for
        healing: Puts the other statements at fault right; None where there are none
        operations: What the statement does, by names of operations
        before: Statements that break what goes into this one, and show once this one is right
    """

    suspect: SuspectLayer
    statement: Statement | None = None
    healing: Intervention | None = None
    operations: tuple[str, ...] = ()
    before: tuple[SourceLine, ...] = ()


def parts_of(survey: SurveyResult, suspect: SuspectLayer, allowed: Verdict) -> list[SuspectLayer]:
    """The suspect at each part that its own code breaks, the worst first."""
    found = []
    for site in suspect.sites:
        for key, (reading, trial) in survey.introduced[site].parts().items():
            if reading.verdict > allowed and (site, key) != (suspect.site, suspect.key):
                owner = survey.owners[site]
                found.append(replace(suspect, owner=owner, site=site, key=key, reading=reading, trial=trial))
    return [suspect, *ordered(found, lambda s: s.reading.severity, descending=True)][:_MOST]


def violations_of(surveyor: SymmetrySurvey, group: Group, parts: list[SuspectLayer]) -> list[Violation]:
    """The breaks behind the broken parts of one layer; at least one.

    Of a layer that is declared the worst statement of each part is told, of code that only belongs to the whole all.
    """
    found: list[Violation] = []
    locators: list[StatementLocator] = []
    for part in parts:
        if any(locator.also_repairs(part) for locator in locators):
            continue
        locator = locator_of(surveyor, group, part)
        told = located(surveyor.bench, part, locator)
        statements = {_name(s): s for s in reversed(told) if not s.hidden}
        chosen = list(reversed(statements.values()))
        named, proven = {_name(b.statement) for b in found if b.statement}, not found or _proven(found)
        new = [_break(part, s, chosen, locator) for s in chosen if _name(s) not in named]
        before = tuple(s.place for s in told if s.hidden and s.place)
        new[:1] = [replace(b, before=before) for b in new[:1]]
        found = [b for b in found if b.statement or not locator.also_repairs(b.suspect)]
        found += [b for b in new if proven or (b.statement and b.statement.confirmed)]
        found += [Violation(part)] if proven and not chosen else []
        locators.append(locator)
    return found


def _proven(found: list[Violation]) -> bool:
    """Whether what was found so far explains what it was found for, so that what is left must be something else."""
    return all(b.statement and b.statement.confirmed for b in found)


def _name(statement: Statement) -> object:
    return statement.place or statement.layer


def _break(
    part: SuspectLayer, statement: Statement, beside: Sequence[Statement], locator: StatementLocator
) -> Violation:
    """With the error that the statement alone makes, where it is not the only one."""
    healing = (
        Intervention(locator.runner.bench, locator.runner.trial.state, statement.beside) if statement.beside else None
    )
    if len(beside) > 1:
        part = replace(part, reading=replace(part.reading, error=statement.error))
    return Violation(part, statement, healing, tuple(_operations(locator, statement)))


def _operations(locator: StatementLocator, statement: Statement) -> Iterator[str]:
    values = locator.runner.reference.values
    for event in locator.runner.reference.events:
        if statement.place in event.places:
            read = [values[n] for n in event.reads if values[n].dim() and not values[n].is_floating_point()]
            counted = event.name == "cumsum" or any(t.dtype != torch.bool for t in read)  # masks are no numbers
            yield f"{NUMBERED}{event.name}" if read and counted else event.name
