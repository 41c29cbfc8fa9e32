"""`Capabilities`: what a module runs in, found with four forward passes."""

import pytest
import torch
from torch import nn

from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.measurement.prepare import bind_call, prepare
from equivariance.contracts.contract import Contract
from equivariance.settings import Settings

X = torch.arange(6.0).reshape(2, 3)


class Scale(nn.Module):
    """Runs in everything."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x * self.gain


class Single(nn.Module):
    """Runs in float32 alone."""

    def forward(self, x):
        if x.dtype != torch.float32:
            raise RuntimeError("expected float32")
        return 2 * x


class Casting(nn.Module):
    """Has a cast to float32 inside."""

    def forward(self, x):
        return x.to(torch.float32) * 2


class Gradient(nn.Module):
    """Differentiates inside its forward."""

    def forward(self, x):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(x.square().sum(), x)[0]


def found(module):
    call = bind_call(module, {"x": X}, Contract({"x": None}, None), {}, (), Settings())
    return prepare(call).runner.capabilities


def test_a_plain_module_runs_in_float64_in_both_weights():
    able = found(Scale())
    assert (able.tested_dtype, able.reference_dtype) == (torch.float32, torch.float64)
    assert able.states == (ModelState(), ModelState("perturbed"))
    assert (able.gradients, able.widened, able.obstacle, able.untrained) == (False, False, "", "")
    assert able.epsilon == torch.finfo(torch.float64).eps
    assert able.tested_epsilon == torch.finfo(torch.float32).eps


@pytest.mark.parametrize("module", [Single(), Casting()])
def test_what_keeps_a_module_from_float64_is_named(module):
    able = found(module)
    assert "float32" in able.obstacle
    assert able.widened == isinstance(module, Casting)
    assert able.reference_dtype == (torch.float64 if able.widened else torch.float32)


def test_autograd_is_on_where_the_forward_needs_it():
    assert found(Gradient()).gradients


def test_it_takes_four_passes(monkeypatch):
    passes, run = [], Runner.run
    monkeypatch.setattr(Runner, "run", lambda *args, **kwargs: passes.append(args[1:3]) or run(*args, **kwargs))
    found(Scale())
    assert passes == [
        (ModelState(), torch.float32),
        (ModelState(), torch.float64),
        (ModelState("perturbed"), torch.float32),
        (ModelState("perturbed", "train"), torch.float32),
    ]
