"""Layers that hand tensors on inside of functions or objects: their code counts as their callers'."""

import functools

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance.contracts.nested import UNSPECIFIED, leaves
from equivariance.errors import ContractError
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric


class Kept:
    """Keeps its argument for later."""

    def __init__(self, x):
        self.x = x

    def __call__(self, made):
        return self.x + made


def added(x, made):
    return x + made


WAYS = {
    "closure": lambda x: lambda made: x + made,
    "default": lambda x: lambda made, before=x: before + made,
    "partial": lambda x: functools.partial(added, x),
    "object": Kept,
    "method": lambda x: Kept(x).__call__,
}


class Branch(nn.Module):
    """Returns the input of a branch, and the branch that is added to it."""

    def __init__(self, way):
        super().__init__()
        self.way, self.norm = way, nn.LayerNorm(8)

    def forward(self, x):
        return self.norm(x), self.way(x)


class Branches(nn.Module):
    """Two branches of features of nodes."""

    def __init__(self, way, defect):
        super().__init__()
        self.branches, self.maps = nn.ModuleList([Branch(way), Branch(way)]), nn.ModuleList([nn.Linear(8, 8)] * 2)
        self.defect = defect

    def forward(self, x):
        for branch, linear in zip(self.branches, self.maps, strict=True):
            given, add = branch(x)
            made = linear(given)
            if self.defect:
                made = made * torch.arange(len(x))[:, None]
            x = add(made)
        return x


@pytest.mark.parametrize("defect", [False, True])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_present_run_is_judged_and_not_what_the_reference_run_kept(way, defect):
    torch.manual_seed(0)
    report = eq.diagnose(Branches(way, defect), normal(6, 8), [None], None, group="permutation", samples=4)
    assert report.ok is not defect, report
    assert not report.notes
    assert {f.location.source.strip() for f in report.findings} <= {"made = made * torch.arange(len(x))[:, None]"}
    assert any("no law fits branches.0, branches.1" in line for line in report.assumptions)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_they_are_not_seen_without_a_word(way):
    with pytest.raises(ContractError, match="that holds tensors"):
        leaves((normal(3), way(normal(3))), UNSPECIFIED)


@pytest.mark.parametrize("value", [added, functools.partial(added, 1.0), torch.relu, nn.Linear(2, 2), "text", None])
def test_functions_and_modules_without_tensors_of_the_run_pass(value):
    assert leaves({"value": value}, {}) == []
