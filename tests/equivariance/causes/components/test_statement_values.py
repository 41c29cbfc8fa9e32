"""The values that a statement at fault reads and makes, in recordings of the call."""

import torch

from equivariance._engine.causes.components.statement_values import explain_statement, values_of
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.fixed_axes import ORDINARY
from equivariance._engine.localization.suspects import suspect_layers
from equivariance._engine.localization.violations import violations_of
from equivariance._engine.measurement.verdict import Verdict
from equivariance.groups import Rotations
from tests.equivariance.helpers.components import Middle
from tests.equivariance.helpers.specimens import Stack, normal
from tests.equivariance.helpers.surveys import survey_of


def experiment_on(function):
    survey, group = survey_of(Stack(Middle(function)), normal(8, 4, 3)), Rotations()
    (suspect,) = suspect_layers(survey.survey(group), Verdict.PRECISION)
    (violation,) = violations_of(survey.runs, group, [suspect], survey.options.seed)
    assert violation.statement is not None
    return Experiment.of_suspect(survey.runs, 0, suspect, statement=violation.statement)


def test_the_vectors_that_the_statement_reads_turn():
    found = values_of(experiment_on(torch.relu), ORDINARY)
    assert len(found.tapes) == 1 + len(ORDINARY)
    assert [event.name for event in found.events] == ["relu"]
    ((number, axis),) = found.turning
    assert number in found.events[0].reads
    assert axis == (2, (1,))
    assert found.made == list(found.events[0].writes)


def test_without_a_statement_nothing_is_recorded():
    experiment = experiment_on(torch.relu)
    assert explain_statement(experiment).mechanism == "component-nonlinearity"
    survey = survey_of(Stack(Middle(torch.relu)), normal(8, 4, 3))
    (suspect,) = suspect_layers(survey.survey(Rotations()), Verdict.PRECISION)
    assert explain_statement(Experiment.of_suspect(survey.runs, 0, suspect)) is None
