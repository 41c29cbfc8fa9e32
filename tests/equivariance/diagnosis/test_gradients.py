"""Forces: gradients of invariant outputs."""

import inspect

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance.errors import ArgumentError
from tests.equivariance.helpers.broken_statements import messages
from tests.equivariance.helpers.specimens import normal

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


ORDER = torch.arange(8).flip(0)

BETWEEN = {
    "two indexings": lambda v: v[::2][ORDER],
    "rows by number": lambda v: v.index_select(0, ORDER),
    "gathered": lambda v: v.gather(0, ORDER[:, None].expand(-1, 3)),
    "sums of rows": lambda v: v.new_zeros(4, 3).index_add(0, torch.arange(len(v)) % 4, v),
    "means of rows": lambda v: v.view(-1, 2, 3).mean(1),
    "another layout": lambda v: v.T.contiguous().T[3:],
    "joined": lambda v: torch.cat([v[:3], v[5:]]),
    "rows twice": lambda v: v[:, None].expand(-1, 2, -1).reshape(-1, 3),
    "mixed by numbers": lambda v: torch.linspace(-1, 2, 5 * len(v)).view(5, -1).to(v) @ v,
    "one by one": lambda v: torch.stack(v.unbind(0)[:5]),
}
"""Functions that make other rows of vectors; their derivatives put rows together anew."""


class EnergyOfRows(Energy):
    def __init__(self, length, rows):
        super().__init__(length)
        self.rows = rows

    def forward(self, x):
        first, second = torch.triu_indices(len(x), len(x), 1)
        return self.length.apply(self.rows(x[first] - x[second])).square().sum()


def diagnosed(module, output=None, group="se3", **more):
    output = eq.Invariant(nodes=None, batch=None) if output is None else output
    return eq.diagnose(module, normal(8, 3), POINTS, output, group=group, samples=4, gradients=True, **more)


def test_a_sound_backward_is_sound():
    report = diagnosed(Energy(RightLength), group=["e3", "permutation"])
    assert report.ok, report
    assert {v.verdict for v in report.verdicts} == {"holds"}
    assert "largest error" in report.settings["gradients"]


@pytest.mark.slow
def test_a_wrong_backward_is_found_at_its_line():
    assert eq.diagnose(Energy(Length), normal(8, 3), POINTS, eq.Invariant(nodes=None, batch=None), samples=2).ok
    report = diagnosed(Energy(Length))
    (finding,) = report.findings
    lines = inspect.getsource(inspect.getmodule(Length)).splitlines()
    assert finding.symmetry == "rotation", report
    assert {v.symmetry: v.verdict for v in report.verdicts} == {"translation": "holds", "rotation": "broken"}
    (verdict,) = [v for v in report.verdicts if v.symmetry == "rotation"]
    assert "the gradients break it; the output keeps it" in verdict.remarks[0]
    assert verdict.error > 0.1
    assert lines[finding.location.line - 1].endswith("# at fault: Length")
    assert "gradient" in finding.part
    assert "in the gradients" in finding.evidence


@pytest.mark.slow
@pytest.mark.parametrize("rows", BETWEEN.values(), ids=BETWEEN)
def test_a_wrong_backward_is_found_at_its_line_behind_other_operations(rows):
    report = diagnosed(EnergyOfRows(Length, rows), group="e3")
    lines = inspect.getsource(inspect.getmodule(Length)).splitlines()
    assert {symmetry for f in report.findings for symmetry in f.symmetries} == {"rotation", "inversion"}, report
    for finding in report.findings:
        assert finding.located == "confirmed", report
        assert lines[finding.location.line - 1].endswith("# at fault: Length"), report
    sound = diagnosed(EnergyOfRows(RightLength, rows), group="e3")
    assert sound.ok, sound


def test_a_break_of_the_network_is_told_once():
    class Shifted(Energy):
        def forward(self, x):
            return (messages(x) + 0.1).norm(dim=-1).sum()

    assert len(diagnosed(Shifted(RightLength)).findings) == 1


def test_an_output_without_invariants_has_no_gradient():
    with pytest.raises(ArgumentError, match="gradients=True: expected floating-point inputs, and an output declared"):
        diagnosed(nn.Identity(), output=POINTS)
