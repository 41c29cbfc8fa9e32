"""`Runner`: forward passes of the copies of one module, plain, watched and recorded."""

import torch
from torch import nn

from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.tensor_store import MemoryBudget
from equivariance._engine.instrumentation.testbed import Capabilities, ModelState, Runner, variants_of
from equivariance.contracts.contract import Contract

X = torch.arange(6.0).reshape(2, 3)
UNCHANGED = Contract({"input": None}, None)
GIVEN = ModelState()


class Watcher:
    """Notes the calls that it sees."""

    def __init__(self):
        self.calls = []

    def enter(self, call, caller, arguments):
        self.calls.append((call, caller))
        return arguments

    def leave(self, call, output):
        return output


def runner(*layers):
    able = Capabilities(torch.float32, torch.float64, torch.float32)
    variants = variants_of(nn.Sequential(nn.Tanh(), nn.BatchNorm1d(3)), torch.float32, 0)
    contracts = dict.fromkeys(("", *layers), UNCHANGED)
    return Runner(variants, able, contracts, {"input": X}, None, 0, MemoryBudget())


def test_a_run_casts_the_arguments_and_leaves_everything_as_it_was():
    made = runner()
    states = ModelState(mode="train"), GIVEN
    first, _, again = (made.run(state, torch.float64, {"input": X}) for state in (GIVEN, *states))
    assert first.dtype == torch.float64
    assert torch.equal(first, again)  # running statistics are as before
    assert torch.equal(X, torch.arange(6.0).reshape(2, 3))


def test_layers_with_a_contract_are_watched():
    watcher = Watcher()
    runner("0").run(GIVEN, torch.float32, {"input": X}, watcher)
    assert watcher.calls == [(ROOT, None), (LayerCall("0"), ROOT)]


def test_the_reference_run_is_made_once_and_holds_what_passed():
    made = runner("0")
    recording = made.reference(GIVEN)
    assert made.reference(GIVEN) is recording
    assert torch.equal(recording.outputs[LayerCall("0")], X.double().tanh())


def test_another_runner_of_the_same_copies_has_recordings_of_its_own():
    made = runner()
    made.reference(GIVEN)
    other = made.with_contracts({"": UNCHANGED, "1": UNCHANGED})
    assert not other.recorded
    assert other.module(GIVEN, torch.float64) is made.module(GIVEN, torch.float64)
    assert LayerCall("1") in other.reference(GIVEN).outputs
    assert LayerCall("1") not in made.reference(GIVEN).outputs
    assert other.with_memory(MemoryBudget(1.0)).memory.gibibytes == 1.0
