"""A call that runs alone draws the random numbers that it draws in the whole network."""

import pytest
import torch
from torch import nn

from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.random_states import RandomStates, random_state, resume, same_state
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import ModelState
from equivariance._engine.measurement.comparisons import IntroducedErrors
from equivariance._engine.measurement.isolation import run_isolated
from equivariance.groups.elements import Transform
from tests.equivariance.helpers.specimens import Scale, Stack, normal
from tests.equivariance.helpers.surveys import survey_of

TRAINED = ModelState("given", "train")


class Noise(Scale):
    """Draws before and after it calls another layer that draws."""

    def __init__(self, inner=None):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        before = x * torch.rand(len(x), 1, 1, dtype=x.dtype)
        called = before if self.inner is None else self.inner(before)
        return called * torch.rand(len(x), 1, 1, dtype=x.dtype)


@pytest.mark.parametrize("layer", ["layers.0", "layers.1", "layers.2", "layers.2.inner"])
def test_a_layer_alone_makes_what_it_made_in_the_network(layer):
    runner = survey_of(Stack(Noise(), Noise(), Noise(Noise())), normal(6, 4, 3)).runs.runner
    reference, owner = runner.reference(TRAINED), LayerCall(layer)
    assert reference.random_states.moved
    handler = IntroducedErrors(reference, Transform(), runner.reference_dtype, keep=True)
    run_isolated(runner, TRAINED, owner, handler, runner.reference_dtype)
    assert all(error.relative == 0 for error in handler.errors[Site(owner)].values())


def test_a_network_without_random_numbers_has_one_state():
    reference = survey_of(Stack(Scale(), nn.Identity()), normal(6, 4, 3)).runs.runner.reference(ModelState())
    assert not reference.random_states.moved
    assert len({id(state) for state in reference.random_states.begun.values()}) == 1


def test_a_state_is_noted_and_set_again():
    states = RandomStates()
    with torch.random.fork_rng():
        states.begin(ROOT)
        first = torch.rand(3)
        states.end(ROOT)
        assert states.moved
        resume(states.begun, ROOT)
        assert torch.equal(torch.rand(3), first)
        assert same_state(random_state(), states.ended[ROOT])
        resume(states.begun, LayerCall("unknown"))
        assert same_state(random_state(), states.ended[ROOT])
