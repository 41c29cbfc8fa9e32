"""`ModelVariants`: copies of a module by weights and dtype, each made once, when it is needed."""

import copy

import pytest
import torch
from torch import nn

from equivariance._engine.instrumentation.hooks import UNWATCHED
from equivariance._engine.instrumentation.testbed import ModelState, perturb_weights, variants_of

GIVEN, PERTURBED = ModelState(), ModelState("perturbed")


@pytest.fixture
def copies(monkeypatch):
    """The modules that were copied so far."""
    made, deepcopy = [], copy.deepcopy
    monkeypatch.setattr(copy, "deepcopy", lambda *args: made.append(args[0]) or deepcopy(*args))
    return made


def test_a_copy_is_made_at_its_first_use_and_once(copies):
    module = nn.Linear(3, 2)
    variants = variants_of(module, torch.float32, 0)
    assert not copies
    first = variants.module(GIVEN, torch.float64)
    assert variants.module(ModelState(mode="train"), torch.float64) is first
    assert variants.module(PERTURBED, torch.float64) is not first
    assert [m is module for m in copies] == [True, True]


def test_weights_in_other_precisions_are_those_that_are_tested():
    module = nn.Linear(3, 2, dtype=torch.float64)
    variants = variants_of(module, torch.float32, 7)
    weight = variants.copy("given", torch.float32).weight
    assert torch.equal(variants.copy("given", torch.float64).weight, weight.double())
    assert not torch.equal(weight.double(), module.weight)
    moved = perturb_weights(module.float(), 7).weight
    assert torch.equal(variants.copy("perturbed", torch.float32).weight, moved)
    assert torch.equal(variants.copy("perturbed", torch.float64).weight, moved.double())


def test_the_mode_is_switched_and_the_module_of_the_caller_stays_as_it_was():
    module = nn.Sequential(nn.Dropout()).train()
    variants = variants_of(module, torch.float32, 0)
    assert not variants.module(GIVEN, torch.float32)[0].training
    assert variants.module(ModelState(mode="train"), torch.float32)[0].training
    assert module[0].training


def test_hooks_stay_on_one_copy_and_wrapped_variants_hold_the_same_copies(copies):
    variants = variants_of(nn.Sequential(nn.Tanh()), torch.float32, 0)
    with variants.watched("given", torch.float32, ("", "0"), UNWATCHED):
        pass
    assert not variants.copy("given", torch.float64)[0]._forward_hooks
    wrapped = variants.wrap(nn.Sequential)
    assert wrapped.copy("given", torch.float32)[0] is variants.copy("given", torch.float32)
    assert len(copies) == 2
