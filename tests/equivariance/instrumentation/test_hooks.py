"""Calls are watched in order, by path and number, and everything is put back."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from equivariance._engine.instrumentation.hooks import HookSet, LayerCall, buffers_kept, call_with, preserve_globals
from equivariance.contracts.layers import layer_names
from tests.equivariance.helpers.specimens import Applied, Scale, Stack, normal

X = normal(2, 4, 3)


class Log:
    """Notes who calls whom, and may put other values in place."""

    def __init__(self, change_input=lambda x: x, change_output=lambda x: x):
        self.events, self.change_input, self.change_output = [], change_input, change_output

    def enter(self, call, caller, arguments):
        self.events.append(("enter", str(call), None if caller is None else str(caller), list(arguments)))
        return {name: self.change_input(value) for name, value in arguments.items()}

    def leave(self, call, output):
        self.events.append(("leave", str(call)))
        return self.change_output(output)


def test_calls_are_seen_in_order_with_their_callers():
    network, log = Stack(Scale(), Stack(Scale())), Log()
    with HookSet(network, ["", "layers.0", "layers.1", "layers.1.layers.0"]).routing(log):
        network(X)
    assert log.events == [
        ("enter", "(root)", None, ["x"]),
        ("enter", "layers.0", "(root)", ["x"]),
        ("leave", "layers.0"),
        ("enter", "layers.1", "(root)", ["x"]),
        ("enter", "layers.1.layers.0", "layers.1", ["x"]),
        ("leave", "layers.1.layers.0"),
        ("leave", "layers.1"),
        ("leave", "(root)"),
    ]


def test_callers_skip_layers_that_are_not_watched():
    network, log = Stack(Stack(Scale())), Log()
    with HookSet(network, ["", "layers.0.layers.0"]).routing(log):
        network(X)
    assert ("enter", "layers.0.layers.0", "(root)", ["x"]) in log.events


def test_calls_of_one_layer_are_numbered():
    shared = Scale()
    network, log = Stack(shared, shared, shared), Log()
    with HookSet(network, ["layers.0"]).routing(log):
        network(X)
        network(X)
    entered = [event[1] for event in log.events if event[0] == "enter"]
    assert entered == ["layers.0", *(f"layers.0 (call {i})" for i in range(2, 7))]


def test_values_can_be_replaced_on_the_way_in_and_out():
    network = Stack(Applied(lambda x: x + 1))
    with HookSet(network, ["layers.0"]).routing(Log(change_input=lambda x: x * 0, change_output=lambda x: x * 7)):
        assert torch.equal(network(X), torch.full_like(X, 7))
    assert torch.equal(network(X), X + 1)


class Keyword(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = Many()

    def forward(self, x):
        return self.layer(x, 2, flag=True, other=x)


class Many(nn.Module):
    def forward(self, x, *rest, flag=False, **more):
        assert flag
        return x * rest[0] + more["other"]


def test_arguments_of_every_kind_are_bound_by_name():
    network, log = Keyword(), Log()
    with HookSet(network, ["layer"]).routing(log):
        assert torch.equal(network(X), 3 * X)
    assert log.events[0] == ("enter", "layer", None, ["x", "rest", "flag", "more"])


def hooks(module):
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in module.modules()]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_seen_afterwards_and_other_hooks_stay(fails):
    def function(x):
        if fails:
            raise KeyError("on purpose")
        return x

    network, log = Stack(Applied(function)), Log()
    network.layers[0].register_forward_hook(lambda *_: None)
    before, watch = hooks(network), HookSet(network, ["", "layers.0"])
    try:
        with watch.routing(log):
            network(X)
    except KeyError:
        assert fails
    seen = list(log.events)
    fails = False
    assert torch.equal(network(X), X)
    assert log.events == seen
    watch.remove()
    assert hooks(network) == before


def test_runs_begin_anew_after_one_that_failed():
    network, log = Stack(Scale(), Applied(lambda x: x if x.dim() == 3 else 1 / 0)), Log()
    watch = HookSet(network, ["", "layers.0", "layers.1"])
    with pytest.raises(ZeroDivisionError), watch.routing(Log()):
        network(X[0])
    with watch.routing(log):
        network(X)
    assert log.events[0] == ("enter", "(root)", None, ["x"])
    assert ("enter", "layers.1", "(root)", ["x"]) in log.events


def test_a_layer_that_was_exchanged_is_noticed():
    network = Stack(Scale(), Stack(Scale()))
    watch = HookSet(network, ["", "layers.0", "layers.1.layers.0"])
    assert watch.current
    network.layers[1].layers[0] = Scale()
    assert not watch.current


def test_every_path_of_a_shared_layer_is_known():
    shared = Scale()
    assert layer_names(Stack(shared, Scale(), shared)) == {
        "": (), "layers": (), "layers.0": ("layers.2",), "layers.1": (),
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_compiled_insides_are_opaque():
    scripted = torch.jit.script(nn.Linear(3, 3))
    assert set(layer_names(nn.Sequential(scripted, nn.Tanh()))) == {"", "1"}


def surroundings():
    generators = torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()  # noqa: NPY002
    return generators, torch.get_default_dtype(), torch.is_grad_enabled()


@pytest.mark.parametrize("gradients", [True, False])
@pytest.mark.parametrize("fails", [False, True])
def test_surroundings_are_put_back(gradients, fails):
    before = surroundings()
    try:
        with preserve_globals(torch.float64, 3, gradients):
            assert torch.get_default_dtype() == torch.float64
            assert torch.is_grad_enabled() == gradients
            torch.rand(3), np.random.rand(3), random.random()  # noqa: NPY002
            torch.set_default_dtype(torch.float16)
            if fails:
                raise KeyError
    except KeyError:
        assert fails
    assert surroundings() == before


def test_the_same_seed_draws_the_same():
    drawn = []
    for _ in range(2):
        with preserve_globals(torch.float32, 3):
            drawn.append((torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random()))  # noqa: NPY002
    assert drawn[0] == drawn[1]


class Statistics(nn.Module):
    def __init__(self, replaces):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("none", None)
        self.replaces = replaces

    def forward(self, x):
        self.norm(x.flatten(0, 1))
        if self.replaces:
            self.mean = self.mean + x.mean((0, 1))
        else:
            self.mean += x.mean((0, 1))
        return x


@pytest.mark.parametrize("replaces", [True, False])
def test_buffers_are_put_back_in_place_or_replaced(replaces):
    module = Statistics(replaces).train()
    tensors = dict(module.named_buffers())
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    with buffers_kept(module):
        module(X)
    after = dict(module.named_buffers())
    assert all(after[name] is tensors[name] for name in tensors)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_module_is_called_by_names():
    assert torch.equal(call_with(Scale(), {"x": X}), Scale()(X))


def test_calls_print_as_paths():
    assert [str(c) for c in (LayerCall(""), LayerCall("a.b"), LayerCall("a", 2))] == ["(root)", "a.b", "a (call 3)"]
