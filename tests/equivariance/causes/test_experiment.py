"""One suspected call, run in isolation under other elements, on other inputs and in other precisions."""

import math
from dataclasses import FrozenInstanceError

import pytest
import torch

from equivariance import Irreps
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.instrumentation.perturbations import scaled
from equivariance._engine.localization.suspects import suspect_layers
from equivariance._engine.measurement.verdict import Verdict
from equivariance.groups import Rotations, rotation
from tests.equivariance.helpers.specimens import Applied, Mix, Scale, Stack, normal
from tests.equivariance.helpers.surveys import survey_of

ABOUT_Z, ABOUT_X = rotation([0, 0, 1.0]), rotation([1.0, 0, 0])


def experiment_on(*layers):
    survey = survey_of(Stack(*layers), normal(6, 4, 3))
    (suspect,) = suspect_layers(survey.survey(Rotations()), Verdict.PRECISION)
    return Experiment.of_suspect(survey.runs, survey.options.seed, suspect)


@pytest.fixture
def stretched_along_z():
    return experiment_on(Scale(), Applied(lambda x: x * torch.tensor([1, 1, 2]).to(x)))


def test_it_says_which_elements_the_layer_respects(stretched_along_z):
    assert stretched_along_z.owner.layer == "layers.1"
    assert stretched_along_z.respects(ABOUT_Z)
    assert not stretched_along_z.respects(ABOUT_X)


def test_an_outcome_holds_what_was_made_and_what_was_wanted(stretched_along_z):
    outcome = stretched_along_z.outcome(ABOUT_X)
    assert outcome.comparable
    assert outcome.error == pytest.approx(float((outcome.made - outcome.wanted).norm() / outcome.wanted.norm()))
    assert stretched_along_z.outcome(ABOUT_X) is outcome  # an element is run once


def test_other_inputs_make_another_experiment(stretched_along_z):
    larger = stretched_along_z.with_inputs(scaled(2.0))
    assert torch.allclose(larger.plain, 2 * stretched_along_z.plain)
    assert larger.outcome(ABOUT_X).error == pytest.approx(stretched_along_z.outcome(ABOUT_X).error)
    assert not larger.on_example
    assert stretched_along_z.on_example
    with pytest.raises(FrozenInstanceError):
        larger.error = 0.0


def test_inputs_that_the_layer_rejects_make_none(stretched_along_z):
    assert stretched_along_z.with_inputs(lambda tensor, *_: tensor[..., :2]) is None


def test_another_element_shares_the_outcomes(stretched_along_z):
    other = stretched_along_z.for_element(ABOUT_X)
    assert other.error == stretched_along_z.outcome(ABOUT_X).error
    assert other.outcomes is stretched_along_z.outcomes


def test_an_input_may_be_declared_otherwise():
    """As scalars the input must not turn; then the layer, which keeps it as it is, is right."""
    experiment = experiment_on(Mix())
    (path, _, _), *_ = experiment.inputs()
    declared = experiment.declaring(path, Irreps("3x0e"))
    assert declared.outcomes == {}
    assert declared.outcome(ABOUT_X).error == pytest.approx(experiment.outcome(ABOUT_X).error, rel=1e-6)


def test_the_error_in_other_precisions(stretched_along_z):
    assert stretched_along_z.in_precision(torch.float32) == pytest.approx(stretched_along_z.error, rel=1e-3)
    assert math.isnan(stretched_along_z.in_precision(torch.int64))


def test_a_layer_that_draws_runs_by_itself_with_its_own_numbers():
    """Two runs of the layer alone draw the same numbers, whatever the network drew before it."""
    experiment = experiment_on(Scale(), Applied(lambda x: x * torch.tensor([1, 1, 2]).to(x)))
    alone, again = experiment.by_itself(), experiment.by_itself()
    assert torch.equal(alone.plain, again.plain)
    assert torch.allclose(alone.plain, experiment.plain)


def test_the_operations_of_the_call_are_recorded(stretched_along_z):
    plain, turned = (stretched_along_z.recorded(element) for element in (rotation([0, 0, 0]), ABOUT_X))
    assert [e.name for e in plain.events] == [e.name for e in turned.events]
    assert "mul" in [e.name for e in plain.events]
