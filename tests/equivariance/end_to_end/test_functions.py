"""Callables that are no modules: functions of every kind, with and without source, and sequences of library layers."""

import functools
import operator

import pytest
import torch
from torch import nn

from tests.equivariance.helpers.clouds import VECTORS, diagnosed, messages, told
from tests.equivariance.helpers.specimens import normal


def plain(x):
    v = messages(x)
    v = v.abs()
    return v


class Callable:
    def __call__(self, x):
        v = messages(x)
        return v.relu()

    def method(self, x):
        return plain(x)


def scaled(x, factor):
    v = factor * messages(x)
    return v + factor


def from_text():
    names = {"messages": messages, "torch": torch}
    exec("def made(x):\n    v = messages(x)\n    return torch.relu(v)\n", names)
    return names["made"]


class CallingText(nn.Module):
    def forward(self, x):
        v = from_text()(x)
        return 2 * v


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "source"),
    [
        (plain, "v = v.abs()"),
        (lambda x: messages(x).abs(), "(lambda x: messages(x).abs(), "),
        (Callable(), "return v.relu()"),
        (Callable().method, "v = v.abs()"),
        (functools.partial(scaled, factor=0.5), "return v + factor"),
        (CallingText(), "v = from_text()(x)"),
    ],
)
def test_functions_with_source(function, source):
    ((layer, located, found),) = told(diagnosed(function))
    assert (layer, located) == ("", "confirmed")
    assert found.startswith(source)


@pytest.mark.parametrize(
    "function", [from_text(), torch.relu, torch.Tensor.exp, operator.abs, functools.partial(torch.add, other=1.0)]
)
def test_functions_without_source(function):
    """Nothing is named, also not the sound function of ours that one of them calls."""
    report = diagnosed(function, spec=VECTORS)
    assert told(report) == {("", "layer", None)}
    assert "at      no Python source" in str(report)


def test_built_in_functions_have_their_own_name():
    assert diagnosed(torch.neg, spec=VECTORS).subject == "neg"


@pytest.mark.parametrize("function", [lambda x: 2 * messages(x), torch.neg, functools.partial(torch.mul, other=2.0)])
def test_sound_functions(function):
    assert diagnosed(function, spec=VECTORS).ok


class Start(nn.Module):
    def forward(self, x):
        return messages(x)[:, None, :] * torch.arange(1, 5).to(x)[:, None]


class Mixing(nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.weight = nn.Parameter(normal(4, 4, seed=seed))

    def forward(self, h):
        return self.weight @ h


class Gate(nn.Module):
    def forward(self, h):
        bent = torch.relu(h)
        return bent.sum(1)


class Mean(nn.Module):
    def forward(self, h):
        return (h * h.norm(dim=-1, keepdim=True)).sum(1)


def test_sequences():
    assert diagnosed(nn.Sequential(Start(), Mixing(1), Mixing(2), Mean())).ok
    report = diagnosed(nn.Sequential(Start(), Mixing(1), Mixing(2), Gate()))
    assert told(report) == {("3", "confirmed", "bent = torch.relu(h)")}


def test_library_layers_that_only_a_library_calls():
    """Nobody wrote a statement: the layer is named, and its forward."""
    report = diagnosed(nn.Sequential(Start(), Mixing(1), nn.ReLU(), Mean()))
    ((layer, located, source),) = told(report)
    assert (layer, located) == ("2", "layer")
    assert source.startswith("def forward(")
