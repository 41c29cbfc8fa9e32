"""Under the identity every experiment has error 0 exactly: runs of layers apart, and replacements of every value."""

import numpy as np
import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance._engine.diagnosis.examine import _separate
from equivariance._engine.laws.forms import InvariantLaw
from equivariance._engine.localization.recording import patch, record_call
from equivariance._engine.measurement.prepare import bind_call, prepare
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.transformed_runs import TransformedRuns
from equivariance.contracts.contract import Contract
from equivariance.groups.elements import Transform
from equivariance.settings import Settings
from tests.equivariance.helpers.specimens import Applied, Mix, Scale, Stack, normal

CONTRACT = Contract({"x": "1x1o"}, "1x1o")
IDENTITY = Transform()


def through_numpy(x):
    x.detach().numpy()[:] *= 2
    return 3 * x


def through_data(x):
    x.data.mul_(2)
    return 3 * x


class Residual(nn.Module):
    """Reads its input again after a layer that changes it in place."""

    def __init__(self, function, last=None):
        super().__init__()
        self.first, self.inner, self.last = Scale(), Applied(function), last or Scale()

    def forward(self, x):
        h = self.first(x)
        return self.last(self.inner(h) + h)


class SharedMemory(nn.Module):
    """Reads views of everything that existed before the call, and changes buffers and its input in place."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(normal(4, 4))
        self.register_buffer("seen", normal(4, seed=1))
        self.gain = normal(1, seed=2).expand(4)
        self.array = np.arange(4.0).reshape(4, 1)

    def forward(self, x):
        y = self.weight.t() @ x + self.seen[:, None] * x + self.gain[:, None] * x
        y = y + torch.from_numpy(self.array).to(x) * x + self.weight.data[0][:, None] * x
        x.mul_(2)
        self.seen.add_(1)
        z = torch.zeros_like(x)
        z[0] = y[0]
        z[1:].add_(y[1:])
        return z * self.seen[:, None] + x


NETWORKS = {
    "layers in a row": lambda: Stack(Scale(), Applied(torch.tanh), Mix()),
    "in place": lambda: Residual(lambda x: x.mul_(2)),
    "in place by NumPy": lambda: Residual(through_numpy),
    "in place on data": lambda: Residual(through_data),
    "output changed by the caller": lambda: Stack(Applied(lambda x: x), Applied(lambda x: x.add_(x)), Scale()),
    "shared memory": SharedMemory,
    "shared memory in a layer": lambda: Stack(Scale(), SharedMemory()),
}


def prepared(module):
    layers = {n: CONTRACT for n, m in module.named_modules() if n and type(m) in (Scale, Applied, SharedMemory)}
    call = bind_call(module, {"x": normal(6, 4, 3, seed=5)}, Contract({"x": "1x1o"}, "1x1o"), layers, (), Settings())
    return _separate(prepare(call))[0], call.sizes


def differences(errors):
    return {site: e.difference for site, found in errors.items() for e in found.values() if e.difference}


@pytest.mark.parametrize("name", NETWORKS)
def test_runs_of_layers_apart_make_no_error(name):
    ready, sizes = prepared(NETWORKS[name]())
    runs = TransformedRuns(ready.runner, sizes)
    for state in ready.runner.states:
        trial = Trial(IDENTITY, state)
        assert not differences(runs.plain_run(trial).errors)
        assert not differences(runs.patched_run(trial).errors)
        for owner in ready.runner.reference(state).inputs:
            assert not differences(runs.isolated_run(trial, owner).errors)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_replacement_of_any_value_by_itself_makes_no_error(name):
    ready, _ = prepared(NETWORKS[name]())
    state = ready.runner.states[-1]
    reference, count = ready.runner.reference(state), 0
    for owner in reference.inputs:
        tape, handler = record_call(ready.runner, state, owner, reference, IDENTITY, {})
        assert not differences(handler.errors)
        for number, value in enumerate(tape.values):
            patches = {number: patch(InvariantLaw(), value, IDENTITY)}
            _, handler = record_call(ready.runner, state, owner, reference, IDENTITY, patches)
            assert not differences(handler.errors)
            count += 1
    assert count > 4


@pytest.mark.parametrize("name", ["in place", "in place by NumPy", "in place on data"])
def test_layers_that_change_their_arguments_fake_no_break_and_hide_none(name):
    x = normal(6, 4, 3)
    sound = eq.diagnose(NETWORKS[name](), x, "1x1o", "1x1o", group="o3", samples=4)
    assert not [f for f in sound.findings if f.symmetry != "none"], sound
    assert any("inner: memory of the caller is changed in place" in line for line in sound.assumptions)
    function = NETWORKS[name]().inner.function
    broken = eq.diagnose(Residual(function, Mix()), x, "1x1o", "1x1o", group="so3", samples=4)
    assert [(f.layer, f.cause) for f in broken.findings if f.symmetry != "none"] == [("last", "component-mixing")]
