"""Weights, modes and precisions: a break that hides in one of them is found; the caller's module stays as it was."""

import random

import numpy as np
import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance._engine.instrumentation.testbed import ModelState, perturb_weights
from equivariance._engine.measurement.prepare import bind_call, prepare
from equivariance.contracts.contract import Contract
from equivariance.errors import ArgumentError
from equivariance.settings import Settings
from tests.equivariance.helpers.specimens import Applied, Mix, Scale, Stack, normal

VECTORS = normal(6, 4, 3)
CONTRACT = Contract({"x": "1x1o"}, "1x1o")


def told(report):
    return {(layer, symmetry, f.cause) for f in report.findings for layer in f.layers for symmetry in f.symmetries}


def check(module, group="so3", samples=4):
    return eq.check(module, VECTORS, "1x1o", "1x1o", group=group, samples=samples)


class HiddenBias(nn.Module):
    """A bias on the components x, y, z, zero until it is trained."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return x + self.bias


def test_a_bias_hidden_at_zero_is_found_with_perturbed_weights():
    report = check(HiddenBias())
    assert told(report) == {("", "rotation", "component-mixing")}
    assert report.findings[0].state == "perturbed weights, eval mode"


def test_the_same_bias_without_perturbation_is_not_seen():
    """The given weights are sound: only the perturbation shows the bias."""
    module = HiddenBias()
    module.bias.requires_grad_(False)
    assert not check(module).ok
    module.__delattr__("bias")
    module.bias = torch.zeros(3)
    assert check(module).ok


class InMode(nn.Module):
    """Broken in one mode only."""

    def __init__(self, training):
        super().__init__()
        self.broken_in = training

    def forward(self, x):
        return x * torch.tensor([1.0, 1.0, 2.0]).to(x) if self.training == self.broken_in else x


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
def test_a_break_in_one_mode_only_is_found(training):
    report = check(InMode(training))
    assert told(report) == {("", "rotation", "frame-dependent")}
    assert report.findings[0].state == f"given weights, {'train' if training else 'eval'} mode"


class Norms(nn.Module):
    """BatchNorm on x, y, z: in training mode of the batch, in evaluation mode by what was seen."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3, affine=False)

    def forward(self, x):
        return self.norm(x.flatten(0, 1)).view_as(x)


@pytest.mark.slow
def test_batch_norm_on_components_is_found_in_both_modes():
    assert told(check(Norms())) == {("", "rotation", "component-mixing")}
    evaluation = Norms()
    evaluation.norm.running_mean += 1
    assert told(check(evaluation, samples=1)) == {("", "rotation", "component-mixing")}


def test_batch_norm_on_norms_is_sound_in_both_modes():
    class Sound(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(4)

        def forward(self, x):
            return x * self.norm(x.norm(dim=-1)).unsqueeze(-1)

    report = check(Sound(), group=["o3", "permutation", "batch"], samples=8)
    assert report.ok, report
    assert "train mode" in report.settings["states"]


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_dropout_of_channels_is_no_false_alarm(share):
    class Sound(Scale):
        def forward(self, x):
            return super().forward(nn.functional.dropout1d(x, share, self.training))

    report = check(Sound(), group=["o3", "permutation", "batch"], samples=6)
    assert report.ok, report
    assert "train mode" in report.settings["states"]


def test_dropout_of_components_is_found():
    class Broken(nn.Module):
        def forward(self, x):
            return nn.functional.dropout(x, 0.5, self.training)

    report = check(Broken())
    assert {symmetry for f in report.findings for symmetry in f.symmetries} == {"rotation"}
    assert report.findings[0].state.endswith("train mode")


@pytest.mark.parametrize("error", [ValueError, RuntimeError, AssertionError, KeyError])
def test_training_mode_that_fails_is_said_and_skipped(error):
    class Alone(nn.Module):
        def forward(self, x):
            if self.training:
                raise error("Expected more than 1 value per channel when training")
            return x

    report = check(Alone())
    assert report.ok
    assert "Expected more than 1 value" in report.settings["training mode"]


def test_a_mode_that_matters_with_other_weights_only_is_tried():
    class Regularized(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.zeros(3))

        def forward(self, x):
            return x + self.gain if self.training else x

    report = check(Regularized(), samples=1)
    assert told(report) == {("", "rotation", "component-mixing")}
    assert report.findings[0].state == "perturbed weights, train mode"


def test_a_module_that_cannot_run_in_float64_is_judged_by_perturbations():
    class Stubborn(nn.Module):
        def __init__(self, broken):
            super().__init__()
            self.broken = broken

        def forward(self, x):
            if x.dtype != torch.float32:
                raise RuntimeError("expected scalar type Float but found Double")
            y = x * x.norm(dim=-1, keepdim=True).exp()
            return y * torch.tensor([1, 1, 1 + 1e-3]) if self.broken else y

    sound, broken = check(Stubborn(False), samples=8), check(Stubborn(True), samples=8)
    assert sound.ok, sound
    assert "expected scalar type Float" in sound.settings["float64"]
    assert told(broken) == {("", "rotation", "frame-dependent")}


def test_a_module_that_casts_to_float32_within_is_no_break():
    report = check(lambda x: (x.float() * 3).to(x), samples=8)
    assert report.ok or {f.cause for f in report.findings} == {"precision"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_sound_and_broken_are_told_apart_in_every_dtype(dtype):
    inputs = VECTORS.to(dtype)
    for module, symmetries in ((Scale(), set()), (Mix(), {"rotation"})):
        report = eq.check(module.to(dtype), inputs, "1x1o", "1x1o", group="so3", samples=4)
        assert {symmetry for f in report.findings for symmetry in f.symmetries} == symmetries, report
        assert report.settings["working precision"] == str(dtype).removeprefix("torch.")


def test_forces_by_autograd_within_forward_are_possible():
    class Forces(nn.Module):
        def forward(self, x):
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad((x[:, None] - x).square().sum(-1).add(1).sqrt().sum(), x)
            return gradient

    report = eq.check(Forces(), normal(6, 3), "cartesian_points", "1x1o", group=["e3", "permutation"], samples=3)
    assert report.ok, report


def everything(module):
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return {name: (id(t), t._version, t.dtype, t.requires_grad, t.detach().clone()) for name, t in tensors}


def surroundings():
    generators = torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()  # noqa: NPY002
    return generators, torch.get_default_dtype(), torch.is_grad_enabled()


class Wild(Stack):
    """Does everything to its surroundings, and may fail at its ``fatal``-th call."""

    def __init__(self, *layers, fatal=None):
        super().__init__(*layers)
        self.norm = nn.BatchNorm1d(4)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.fatal = fatal

    def forward(self, x):
        self.calls += 1
        torch.rand(3), np.random.rand(3), random.random()  # noqa: NPY002
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(True)
        if self.fatal is not None and len(COUNT) >= self.fatal:
            raise KeyError("on purpose")
        COUNT.append(1)
        x.mul_(2)
        return super().forward(x * self.norm(x.norm(dim=-1)).unsqueeze(-1))


COUNT = []


@pytest.mark.parametrize("fatal", [None, 0, 1, 3, 9, 17])
@pytest.mark.parametrize("training", [True, False])
def test_module_arguments_and_surroundings_are_as_before(fatal, training):
    COUNT.clear()
    module = Wild(Scale(), Mix(), fatal=fatal).train(training)
    module.layers[0].eval()
    given = VECTORS.clone()
    modes = [m.training for m in module.modules()]
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in module.modules()]
    before, around = everything(module), surroundings()
    try:
        report = eq.diagnose(module, given, "1x1o", "1x1o", group=["se3", "batch"], samples=2)
        assert not report.ok  # an error on transformed inputs is a finding
    except (KeyError, ArgumentError):
        assert fatal is not None
    after = everything(module)
    assert surroundings() == around
    assert torch.equal(given, VECTORS)
    assert [m.training for m in module.modules()] == modes
    assert [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in module.modules()] == hooks
    assert before.keys() == after.keys()
    assert all(before[k][:4] == after[k][:4] and torch.equal(before[k][4], after[k][4]) for k in before)


def test_gradients_are_neither_left_nor_needed():
    module = Stack(Scale(), Mix())
    with torch.no_grad():
        eq.diagnose(module, VECTORS, "1x1o", "1x1o", samples=1)
    assert all(p.grad is None for p in module.parameters())


def test_perturbed_parameters_all_move_and_constants_stay():
    module = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    module.register_buffer("table", torch.arange(3.0))
    nn.init.zeros_(module[0].bias)
    moved = perturb_weights(module, 0)
    changed = {n for n, p in moved.named_parameters() if torch.equal(p, dict(module.named_parameters())[n])}
    assert changed == set()
    assert torch.equal(moved.table, module.table)
    assert not torch.equal(moved[1].running_mean, module[1].running_mean)
    assert (moved[1].running_var > 0).all()
    again = perturb_weights(module, 0)
    assert all(torch.equal(a, b) for a, b in zip(moved.parameters(), again.parameters(), strict=True))


def prepared(module, layers=()):
    return prepare(bind_call(module, {"x": VECTORS}, CONTRACT, dict.fromkeys(layers, CONTRACT), (), Settings()))


def test_states_are_only_those_that_differ():
    def states(module):
        return prepared(module).runner.capabilities.states

    assert states(Applied(torch.tanh)) == (ModelState(),)
    assert states(Scale()) == (ModelState(), ModelState("perturbed"))
    assert states(InMode(True)) == (ModelState(), ModelState(mode="train"))
    assert len(states(Norms())) == 2


def test_a_module_that_cannot_be_copied_is_an_error():
    class Unique(nn.Module):
        def __deepcopy__(self, memo):
            raise TypeError("there is only one of me")

        def forward(self, x):
            return x

    with pytest.raises(ArgumentError, match=r"module='Unique': expected a module that copy\.deepcopy can copy"):
        check(Unique())


class Exchanging(nn.Module):
    """Takes another layer for every call."""

    def __init__(self):
        super().__init__()
        self.layer = Scale()

    def forward(self, x):
        self.layer = Scale()
        return self.layer(x)


def test_layers_that_are_exchanged_between_runs_are_seen():
    report = eq.diagnose(Exchanging(), VECTORS, "1x1o", "1x1o", group="so3", samples=3)
    assert report.ok, report


def test_no_hook_is_left_on_the_module_of_the_caller_or_copied_into_another():
    module = Stack(Scale(), Scale())
    runner = prepared(module, ["layers.0"]).runner
    copies = [runner.module(state, dtype) for state in runner.states for dtype in (torch.float32, torch.float64)]
    assert not any(m._forward_hooks for m in module.modules())
    assert all(len(m._forward_hooks) <= 1 for copy in copies for m in copy.modules())
