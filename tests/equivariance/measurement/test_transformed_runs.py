"""Three runs on transformed inputs: plain, patched, and one call in isolation."""

import pytest
import torch

from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.measurement.relative_error import worst
from equivariance._engine.measurement.survey_results import Trial
from equivariance.errors import ArgumentError
from equivariance.groups import rotation
from tests.equivariance.helpers.specimens import Applied, Mix, Scale, Stack, normal
from tests.equivariance.helpers.surveys import survey_of

VECTORS = normal(6, 4, 3)
TURN = rotation([0.3, -0.7, 1.1])
SOUND_BROKEN_SOUND = [Site(LayerCall(f"layers.{i}")) for i in range(3)]


@pytest.fixture
def runs():
    return survey_of(Stack(Scale(), Mix(), Scale(seed=1)), VECTORS).runs


@pytest.fixture
def trial(runs):
    return Trial(TURN, runs.runner.states[0])


def broken(handler):
    return [worst(handler.errors[site])[1].relative > 1e-3 for site in SOUND_BROKEN_SOUND if site in handler.errors]


def test_a_plain_run_accumulates_errors_from_the_first_broken_layer_on(runs, trial):
    assert broken(runs.plain_run(trial)) == [False, True, True]


def test_a_patched_run_has_an_error_at_the_broken_layer_only(runs, trial):
    assert broken(runs.patched_run(trial)) == [False, True, False]


def test_a_call_in_isolation_has_the_error_of_the_patched_run(runs, trial):
    handler = runs.isolated_run(trial, SOUND_BROKEN_SOUND[1].call)
    assert broken(handler) == [True]
    assert runs.isolated_run(trial, SOUND_BROKEN_SOUND[1].call) is handler  # the latest run is kept


def test_the_inputs_of_a_run_are_transformed_in_float64(runs):
    (x,) = runs.inputs(TURN).values()
    assert torch.allclose(x, VECTORS.double() @ torch.from_numpy(TURN.array).T, atol=1e-12)


def test_a_network_that_rejects_transformed_inputs_is_named_by_the_element():
    def positive(x):
        if x[0, 0, 0] < 0:
            raise ValueError("negative")
        return x

    runs = survey_of(Applied(positive), VECTORS.abs()).runs
    with pytest.raises(ArgumentError, match="it raised ValueError: negative"):
        runs.output(Trial(rotation([0, 0, torch.pi]), runs.runner.states[0]))
    assert runs.runner.reference(runs.runner.states[0]).outputs[ROOT].shape == VECTORS.shape
