"""The errors that two handlers measure in one run: accumulated ones, and those of each layer's own code."""

import pytest

from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.reference import CONTROL_FLOW, Site
from equivariance._engine.measurement.comparisons import (
    DIVERGED,
    AccumulatedErrors,
    IntroducedErrors,
    rounding_response,
)
from equivariance.groups import rotation
from tests.equivariance.helpers.specimens import Mix, Scale, Stack, normal
from tests.equivariance.helpers.surveys import survey_of

TURN, KEY = rotation([0.3, -0.7, 1.1]), ("", "1x1o")
BROKEN, SOUND = Site(LayerCall("layers.0")), Site(LayerCall("layers.1"))


class Twice(Stack):
    """Calls its second layer again if the first component of the first vector is positive."""

    def forward(self, x):
        x = self.layers[1](self.layers[0](x))
        return self.layers[1](x) if x[0, 0, 0] > 0 else x


@pytest.fixture
def runs():
    return survey_of(Stack(Mix(), Scale()), normal(6, 4, 3)).runs


def run(runs, handler):
    runs.runner.run(runs.runner.states[0], runs.runner.reference_dtype, runs.inputs(TURN), handler)
    return handler


def test_accumulated_errors_pass_through_sound_layers(runs):
    found = run(runs, AccumulatedErrors(runs.runner.reference(runs.runner.states[0]), TURN))
    assert found.errors[BROKEN][KEY].relative > 1e-2
    assert found.errors[SOUND][KEY].relative > 1e-2
    assert not found.kept


def test_introduced_errors_are_those_of_a_layers_own_code(runs):
    found = run(
        runs,
        IntroducedErrors(runs.runner.reference(runs.runner.states[0]), TURN, runs.runner.reference_dtype, keep=True),
    )
    assert found.errors[BROKEN][KEY].relative > 1e-2
    assert found.errors[SOUND][KEY].relative < 1e-14
    assert found.errors[Site(ROOT)][KEY].difference == 0  # the root returns the output of its last layer
    assert found.kept[BROKEN].shape == (6, 4, 3)


def test_the_outputs_of_one_run_are_compared_with_those_of_another(runs):
    reference = runs.runner.reference(runs.runner.states[0])
    kept = run(runs, AccumulatedErrors(reference, TURN, keep=True)).kept
    again = run(runs, AccumulatedErrors(reference, TURN, against=kept))
    assert again.distances[SOUND][KEY].difference == 0


def test_a_call_that_does_not_come_back_is_an_error_of_the_control_flow():
    x = normal(6, 4, 3)
    layers = Twice(Scale(), Scale(seed=1))
    x = x if len(calls(layers, x)) == 2 else -x
    runs = survey_of(layers, x).runs
    turn = rotation([0, 3.14159, 0])
    handler = IntroducedErrors(runs.runner.reference(runs.runner.states[0]), turn, runs.runner.reference_dtype)
    runs.runner.run(runs.runner.states[0], runs.runner.reference_dtype, runs.inputs(turn), handler)
    handler.finish()
    assert handler.errors[Site(ROOT, CONTROL_FLOW)] is DIVERGED


def calls(module, x):
    found = []
    handle = module.layers[1].register_forward_hook(lambda *_: found.append(1))
    module(x)
    handle.remove()
    return found


def test_last_bit_noise_moves_every_site_a_little(runs):
    runner = runs.runner
    found = rounding_response(runner, runner.states[0], patched=True, seed=0, epsilon=runner.capabilities.epsilon)
    assert all(0 < e.relative < 1e-14 for site in (BROKEN, SOUND) for e in found.errors[site].values())
