"""Forces: gradients of invariant outputs."""

import inspect

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance.errors import ArgumentError
from tests.equivariance.broken_statements import messages
from tests.equivariance.specimens import normal

POINTS = eq.CartesianPoints(nodes=0, batch=None)


class Length(torch.autograd.Function):
    """Lengths of vectors; the backward forgets which way they point."""

    @staticmethod
    def forward(ctx, v):
        length = v.norm(dim=-1)
        ctx.save_for_backward(v, length)
        return length

    @staticmethod
    def backward(ctx, gradient):
        v, length = ctx.saved_tensors
        return gradient[:, None] * v.abs() / length[:, None]  # at fault: Length


class RightLength(Length):
    """Lengths of vectors, as they are."""

    @staticmethod
    def backward(ctx, gradient):
        v, length = ctx.saved_tensors
        return gradient[:, None] * v / length[:, None]


class Energy(nn.Module):
    def __init__(self, length):
        super().__init__()
        self.length = length

    def forward(self, x):
        return self.length.apply(messages(x)).square().sum()


class EnergyOfSome(Energy):
    """The derivative of indexing puts rows into memory that is new, time after time."""

    def forward(self, x):
        first, second = torch.triu_indices(len(x), len(x), 1)
        edges = x[first] - x[second]
        return self.length.apply(edges[::2][torch.arange(8).flip(0)]).square().sum()


def diagnosed(module, output=None, group="se3", **more):
    output = eq.Invariant(nodes=None, batch=None) if output is None else output
    return eq.diagnose(module, normal(8, 3), POINTS, output, group=group, samples=4, gradients=True, **more)


def test_a_sound_backward_is_sound():
    report = diagnosed(Energy(RightLength), group=["e3", "permutation"])
    assert report.ok, report
    assert "largest error" in report.settings["gradients"]


def test_a_wrong_backward_is_found_at_its_line():
    assert eq.diagnose(Energy(Length), normal(8, 3), POINTS, eq.Invariant(nodes=None, batch=None), samples=2).ok
    report = diagnosed(Energy(Length))
    (finding,) = report.findings
    lines = inspect.getsource(inspect.getmodule(Length)).splitlines()
    assert finding.symmetry == "rotation", report
    assert lines[finding.location.line - 1].endswith("# at fault: Length")
    assert "gradient" in finding.part
    assert "in the gradients" in finding.evidence


def test_a_wrong_backward_is_found_at_its_line_behind_two_indexings():
    report = diagnosed(EnergyOfSome(Length), group="e3")
    lines = inspect.getsource(inspect.getmodule(Length)).splitlines()
    assert {f.symmetry for f in report.findings} == {"rotation", "inversion"}, report
    for finding in report.findings:
        assert finding.located == "confirmed", report
        assert lines[finding.location.line - 1].endswith("# at fault: Length"), report


def test_a_break_of_the_network_is_told_once():
    class Shifted(Energy):
        def forward(self, x):
            return (messages(x) + 0.1).norm(dim=-1).sum()

    assert len(diagnosed(Shifted(RightLength)).findings) == 1


def test_an_output_without_invariants_has_no_gradient():
    with pytest.raises(ArgumentError, match="gradients=True: expected floating-point inputs, and an output declared"):
        diagnosed(nn.Identity(), output=POINTS)
