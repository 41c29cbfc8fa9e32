"""A program whose course depends on the pose: the statement that decides, proven by its decision, and the cause."""

import inspect

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal


class Chosen(nn.Module):
    """One of two layers, chosen by what a subclass ``decides``."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(1, 4), nn.Linear(1, 4)

    def forward(self, x):
        centred = x - x.mean(0)
        lengths = centred.norm(dim=-1, keepdim=True)
        if self.decides(x, centred):
            return self.one(lengths)
        return self.other(lengths)


class Component(Chosen):
    def decides(self, x, centred):
        return centred[0, 0] > 0.5


class Leftmost(Chosen):
    def decides(self, x, centred):
        return centred[centred[:, 2].argmax(), 0] > 0


class Flat(Chosen):
    def decides(self, x, centred):
        return (centred[:, 2].abs() > 1).any()


class Far(Chosen):
    def decides(self, x, centred):
        return x.norm(dim=-1).max() > 3


class Wide(Chosen):
    def decides(self, x, centred):
        return centred.norm(dim=-1).max() > 2


class Scaled(Chosen):
    """The values depend on the decision, and the layers that are called do not."""

    def forward(self, x):
        centred = x - x.mean(0)
        lengths = centred.norm(dim=-1, keepdim=True)
        if centred[0, 0] > 0.5:
            lengths = 2 * lengths
        return self.one(lengths)


def broken(kind, seed):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Identity(), kind(), nn.SiLU())
    return eq.diagnose(network, normal(10, 3, seed=seed), "cartesian_points", None, group="se3", seed=seed)


SEEDS = range(6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "symmetry", "cause"),
    [
        (Component, "rotation", "frame-dependent"),
        (Leftmost, "rotation", "frame-dependent"),
        (Flat, "rotation", "frame-dependent"),
        (Far, "translation", "absolute-position"),
        (Scaled, "rotation", "frame-dependent"),
    ],
)
def test_the_statement_that_decides_is_the_finding(kind, symmetry, cause):
    source, start = inspect.getsourcelines(kind.forward)
    line = start + next(i for i, text in enumerate(source) if text.strip().startswith("if "))
    reports = [report for report in (broken(kind, seed) for seed in SEEDS) if not report.ok]
    assert len(reports) >= 2
    for report in reports:
        (finding,) = report.findings
        assert (finding.symmetry, finding.cause, finding.layer) == (symmetry, cause, "1"), report
        assert (finding.location.line, finding.located) == (line, "confirmed"), report


@pytest.mark.parametrize("seed", SEEDS)
def test_a_decision_by_an_invariant_is_sound(seed):
    assert broken(Wide, seed).ok
