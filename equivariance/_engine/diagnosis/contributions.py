"""Measures how much of the error at the network's output each suspect layer causes.

`localizer` calls it, to separate violations that reach the output from violations that later layers cancel. Suspects
are chosen in `localization.suspects`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.perturbations import RestoredRun, with_leaf
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.localization.suspects import SuspectLayer
from equivariance._engine.localization.violations import parts_of
from equivariance._engine.measurement.relative_error import compare, worst
from equivariance._engine.measurement.survey_results import SurveyResult, Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance._engine.measurement.verdict import Verdict
from equivariance._ranking import largest


@dataclass(frozen=True)
class Contributor:
    """A suspect layer and its contributed error.

    Attributes:
        suspect: The layer.
        contributed: The relative error at the network's output if every other suspect is repaired.
    """

    suspect: SuspectLayer
    contributed: float


@dataclass(frozen=True)
class Contributions:
    """Measures contributed errors under one symmetry.

    Attributes:
        runs: Runs the network.
        sites: Gives for a trial: layer -> all sites of its violations, for each suspect layer.
    """

    runs: TransformedRuns
    sites: Callable[[Trial], Mapping[str, Sequence[Site]]]

    def contributed_error(self, suspect: SuspectLayer, this_part_only: bool = False) -> float:
        """Returns the error at the network's output if all other suspects are repaired.

        Args:
            suspect: The layer that stays as it is.
            this_part_only: True to repair the other violations of the layer itself, too.
        """
        trial, reference = suspect.trial, self.runs.runner.reference(suspect.trial.state)
        dtype = self.runs.runner.reference_dtype
        others = [x for layer, sites in self.sites(trial).items() if layer != suspect.layer for x in sites]
        own = suspect.sites if this_part_only else ()
        repaired = [x for x in dict.fromkeys((*others, *own)) if reference.has(x)]
        if not repaired and trial in self.runs.reached:
            return worst(self.runs.reached[trial])[1].relative
        made = {x: self.runs.isolated_run(trial, reference.owner(x)).kept.get(x) for x in repaired}
        exact = {x: reference.expected(x, trial.element, dtype) for x in repaired}
        if this_part_only and made.get(suspect.site) is not None:
            exact[suspect.site] = with_leaf(exact[suspect.site], made[suspect.site], suspect.key[0])
        deviations = {x: (made[x], exact[x]) for x in repaired if made[x] is not None}
        inputs, site = self.runs.inputs(trial.element), Site(ROOT)
        try:
            output = self.runs.runner.run(trial.state, dtype, inputs, RestoredRun(deviations))
        except (RuntimeError, ValueError, IndexError):  # repaired values do not fit the shapes of a violation
            output = self.runs.runner.run(trial.state, dtype, inputs)
        expected = reference.expected(site, trial.element, dtype)
        return worst(compare(output, expected, reference.spec(site), trial.element))[1].relative


def contributors_of(
    contributions: Contributions, suspects: Sequence[SuspectLayer], result: SurveyResult, allowed: Verdict
) -> tuple[Contributor, ...]:
    """Returns every suspect with its contributed error, in the same order.

    A later layer may cancel a suspect's largest error while the output is broken in another trial. The suspect is then
    taken in the other trial, if its error reaches the output there.
    """
    found = [Contributor(s, contributions.contributed_error(s)) for s in suspects]
    root = result.root.top
    if root is None or root[1].verdict <= allowed:
        return tuple(found)
    _, measurement, trial = root
    return tuple(
        c
        if c.contributed > measurement.rounding
        else _in_trial(contributions, c, trial, result, allowed, measurement.rounding)
        for c in found
    )


def _in_trial(
    contributions: Contributions, known: Contributor, trial: Trial, result: SurveyResult, allowed: Verdict,
    least: float,
) -> Contributor:  # fmt: skip
    """Returns the suspect at its worst part in another trial; as known if no more than `least` reaches the output."""
    found = []
    for part in parts_of(result, known.suspect, allowed):
        errors = contributions.runs.isolated_run(trial, part.owner).errors
        error = errors.get(part.site, {}).get(part.key)
        if error is not None and error.relative > part.measurement.tolerance:
            measurement = replace(part.measurement, error=error.relative)
            found.append(replace(part, measurement=measurement, trial=trial))
    if not found:
        return known
    shown = largest(found, lambda s: s.measurement.error)
    contributed = contributions.contributed_error(shown)
    return Contributor(shown, contributed) if contributed > least else known
