"""Modules that are shared, wrapped, hooked, parametrized, or change what they are given."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from tests.equivariance.helpers.clouds import Network, diagnosed, told
from tests.equivariance.helpers.specimens import normal


class Mixing(nn.Module):
    """Sound; by the second call of each pass it bends, where it is told to."""

    def __init__(self, bending=False):
        super().__init__()
        self.weight, self.bending = nn.Parameter(normal(4, 4, seed=3)), bending

    def forward(self, h, again=None):
        h = self.weight @ h
        if again is not None and self.bending:
            h = torch.relu(h)
        return h


class Shared(Network):
    """One module under two names, called under both."""

    def build(self):
        self.first = self.second = Mixing(self.broken)

    def forward(self, x):
        h = self.first(self.vectors(x))
        h = self.second(h * h.norm(dim=-1, keepdim=True), True)
        return h.sum(1)


class Inner(Network):
    def forward(self, x):
        h = self.vectors(x)
        if self.broken:
            h = torch.relu(h)
        return (self.weight @ h).sum(1)


class Wrapper(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)


class InPlace(Network):
    def forward(self, x):
        h = self.vectors(x)
        h.mul_(2)
        if self.broken:
            h.relu_()
        h += self.weight @ h
        return h.sum(1)


def hooked(where, broken):
    """A sound network whose root, or layer, has a hook that changes what comes out, or what goes in."""

    def after(module, args, output):
        if broken:
            output = torch.relu(output)
        return 2 * output

    def before(module, args):
        (h,) = args
        if broken:
            h = torch.relu(h)
        return (2 * h,)

    class Hooked(Network):
        def build(self):
            self.mix = Mixing()

        def forward(self, x):
            return self.mix(self.vectors(x)).sum(1)

    module = Hooked()
    if where == "before a layer":
        module.mix.register_forward_pre_hook(before)
    else:
        (module.mix if where == "after a layer" else module).register_forward_hook(after)
    return module


class Parametrized(Network):
    def build(self):
        self.first = parametrizations.weight_norm(nn.Linear(4, 4, bias=False))
        self.second = parametrizations.orthogonal(nn.Linear(4, 4, bias=self.broken))
        self.third = parametrizations.spectral_norm(nn.Linear(4, 4, bias=False))

    def forward(self, x):
        h = self.first(self.vectors(x).mT)
        h = self.second(h)
        return self.third(h).mT.sum(1)


class OldWeightNorm(Network):
    """Keeps a tensor that is computed from parameters, which copies refuse."""

    def build(self):
        with warnings.catch_warnings(action="ignore"):
            self.mix = nn.utils.weight_norm(nn.Linear(4, 4, bias=False))

    def forward(self, x):
        h = self.mix(self.vectors(x).mT).mT
        if self.broken:
            h = torch.relu(h)
        return h.sum(1)


class Remembering(Network):
    """Keeps what it computed last."""

    def forward(self, x):
        h = self.vectors(x)
        self.memory = {"last": [h]}
        if self.broken:
            h = torch.relu(h)
        return h.sum(1)


RELU = "h = torch.relu(h)"
CASES = {
    "shared": (Shared, "first", RELU),
    "DataParallel": (lambda broken: nn.DataParallel(Inner(broken)), "", RELU),
    "wrapper": (lambda broken: Wrapper(Inner(broken)), "module", RELU),
    "in place": (InPlace, "", "h.relu_()"),
    "hook after the root": (lambda broken: hooked("after the root", broken), "", "output = torch.relu(output)"),
    "hook after a layer": (lambda broken: hooked("after a layer", broken), "mix", "output = torch.relu(output)"),
    "hook before a layer": (lambda broken: hooked("before a layer", broken), "", RELU),
    "parametrized": (Parametrized, "second", "h = self.second(h)"),
    "old weight_norm": (OldWeightNorm, "", RELU),
    "remembering": (Remembering, "", RELU),
}


@pytest.mark.parametrize("case", CASES)
def test_sound_networks(case):
    make, _, _ = CASES[case]
    report = diagnosed(make(False))
    assert report.ok, report


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_broken_networks(case):
    make, layer, source = CASES[case]
    report = diagnosed(make(True))
    assert told(report) == {(layer, "confirmed", source)}, report


def test_networks_are_copied_after_use_too():
    """A training step leaves tensors that belong to its graph."""
    for kind in (OldWeightNorm, Remembering, Parametrized):
        module = kind()
        module(normal(10, 3)).sum().backward()
        assert diagnosed(module).ok


def test_both_calls_of_a_shared_module_are_measured():
    rows = [row for row in diagnosed(Shared()).layers if row.layer == "first"]
    assert [row.call for row in rows] == [0, 1]
