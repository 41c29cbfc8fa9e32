"""Tests that values must be read and which modes must run before a symmetry holds."""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

KINDS, SAMPLE = torch.tensor([3, 0, 2, 2, 1, 4]), normal(5, seed=1)
ROWS, NO_ROWS = eq.Invariant(nodes=0, batch=None), eq.Invariant(nodes=None, batch=None)


def verdicts(report):
    return {v.symmetry: v for v in report.verdicts}


def unread(kinds, features):
    return features.square().sum()


def embedded(kinds, features):
    return (nn.functional.one_hot(kinds, 5) * features).square().sum()


def only_shapes(kinds, features):
    return features.square().sum() * len(kinds)


def in_order(kinds, features):
    return (nn.functional.one_hot(kinds, 5) * features).cumsum(0).square().sum()


@pytest.mark.parametrize(
    ("function", "verdict"),
    [(unread, "not tested"), (only_shapes, "not tested"), (embedded, "holds"), (in_order, "broken")],
)
@pytest.mark.parametrize("given", [KINDS, KINDS > 1, KINDS - 2])
def test_whole_numbers_must_be_read_too(function, verdict, given):
    def on_any(kinds, features):
        return function(kinds.long().remainder(5), features)

    report = eq.diagnose(on_any, (given, SAMPLE), (ROWS, NO_ROWS), NO_ROWS, group="permutation", samples=4)
    found = verdicts(report)["permutation"]
    assert found.verdict == verdict, report
    if verdict == "not tested":
        assert found.reason == "the output does not depend on kinds, and permutation changes nothing else"


def by_kinds(kinds, pos):
    """The positions are not read, the kinds are."""
    return nn.functional.one_hot(kinds, 5).double().T @ nn.functional.one_hot(kinds, 5).double() + 0 * pos.sum()


def test_positions_that_are_not_read_leave_the_kinds():
    report = eq.diagnose(by_kinds, (KINDS, normal(6, 3)), (None, "cartesian_points"), NO_ROWS, group="permutation")
    assert verdicts(report)["permutation"].verdict == "holds", report


class Trained(nn.Module):
    """Reads the numbers of the nodes, or another sample, in training mode only; `masks` drops values there."""

    def __init__(self, bug="", masks=False):
        super().__init__()
        self.bug, self.drop = bug, nn.Dropout(0.3 if masks else 0.0)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        h = self.norm(x.mT).mT if x.dim() == 3 else self.norm(x)
        if self.training and self.bug == "nodes":
            h = h + torch.arange(h.shape[-2], dtype=h.dtype)[:, None]
        return self.drop(torch.tanh(h)).sum(-2)


NODES = eq.Invariant(nodes=0, batch=None)
CLOUDS = eq.Invariant(nodes=1, batch=0)


@pytest.mark.parametrize("bug", ["", "nodes"])
def test_permutations_are_tested_in_training_mode(bug):
    report = eq.diagnose(Trained(bug), normal(6, 4), NODES, NO_ROWS, group="permutation", samples=4)
    found = verdicts(report)["permutation"]
    assert found.verdict == ("broken" if bug else "holds"), report
    assert not found.remarks
    assert "train mode" in report.settings["states"]
    assert all(f.state.endswith("train mode") for f in report.findings)


def test_random_masks_leave_training_mode_out_and_a_remark_says_so():
    report = eq.diagnose(Trained("nodes", True), normal(6, 4), NODES, NO_ROWS, group="permutation", samples=4)
    found = verdicts(report)["permutation"]
    assert found.verdict == "holds", report
    assert found.remarks == ("training mode is not tested: random masks follow places",)


@pytest.mark.parametrize("masks", [False, True])
def test_samples_may_be_coupled_in_training_mode_and_a_remark_says_that_it_is_not_tested(masks):
    output = eq.Invariant(nodes=None, batch=0)
    report = eq.diagnose(Trained("", masks), normal(3, 6, 4), CLOUDS, output, group="batch", samples=4)
    found = verdicts(report)["batch"]
    assert found.verdict == "holds", report
    assert found.remarks[0].startswith("training mode is not tested")


def test_a_network_with_one_mode_has_no_remark():
    report = eq.diagnose(nn.Linear(4, 4), normal(6, 4), NODES, NODES, group="permutation", samples=4)
    assert not verdicts(report)["permutation"].remarks
