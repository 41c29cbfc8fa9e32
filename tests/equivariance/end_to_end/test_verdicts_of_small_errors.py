"""Small violations under permutations and choices of samples: no rounded constant explains them."""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

NODES, WHOLE = eq.Invariant(nodes=0, batch=None), eq.Invariant(nodes=None, batch=None)


def verdict(report, symmetry):
    return next(v for v in report.verdicts if v.symmetry == symmetry).verdict


class Small(nn.Module):
    """A layer on nodes, and a bug that adds a small number for each place."""

    def __init__(self, size, inside=None):
        super().__init__()
        self.mix, self.size, self.inside = nn.Linear(4, 4), size, inside

    def forward(self, x):
        h = torch.tanh(self.mix(x))
        h = h + torch.softmax(h @ h.mT, -1) @ h
        if self.inside is not None:
            h = h.to(self.inside).sum(0, keepdim=True).to(x.dtype) + h
        return h + self.size * torch.arange(len(x), dtype=x.dtype)[:, None] / len(x)


@pytest.mark.parametrize("size", [1e-6, 1e-8, 1e-10])
@pytest.mark.parametrize("module", [nn.Identity, nn.Tanh])
def test_a_small_dependence_on_places_is_broken(size, module):
    torch.manual_seed(0)
    network = nn.Sequential(Small(size), module())
    report = eq.diagnose(network, normal(6, 4), NODES, NODES, group="permutation", samples=4)
    assert verdict(report, "permutation") == "broken", report
    assert report.findings[0].cause == "order-dependent"


def test_a_sound_network_of_single_precision_holds():
    torch.manual_seed(0)
    report = eq.diagnose(Small(0.0), normal(6, 4), NODES, NODES, group="permutation", samples=4)
    assert report.ok, report
    assert not report.notes


def test_sums_in_single_precision_are_rounding():
    """A cast inside a network rounds the sum over the nodes, in another way for each order."""
    torch.manual_seed(0)
    x = normal(200, 4)
    report = eq.diagnose(Small(0.0, torch.float32), x, NODES, NODES, group="permutation", samples=4)
    assert report.ok, report
    assert verdict(report, "permutation") == "holds"


def coupled(x):
    return x.sum(1) + 1e-8 * x.mean()


def apart(x):
    return x.sum(1) + 1e-8 * x.mean((1, 2))[:, None]


@pytest.mark.parametrize("function", [coupled, apart])
def test_a_small_coupling_of_samples_is_broken(function):
    laws = eq.Invariant(nodes=1, batch=0), eq.Invariant(nodes=None, batch=0)
    report = eq.diagnose(function, normal(3, 5, 4), *laws, group="batch", samples=4)
    assert verdict(report, "batch") == ("broken" if function is coupled else "holds"), report


def test_a_rounded_constant_still_explains_a_rotation():
    def stretched(x):
        return x * torch.tensor([1.0, 1.0 + 1e-7, 1.0], dtype=torch.float32)

    report = eq.diagnose(stretched, normal(6, 3), "1x1o", "1x1o", group="so3", samples=4)
    assert verdict(report, "rotation") == "holds", report
    assert "precision" in {note.cause for note in report.notes}
