"""Functions on the sphere that are sampled on a grid of angles, told apart from functions of components."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import equivariance as eq
from equivariance.adapters.e3nn import finer_grids
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

IRREPS = "1x0e+1x1o+1x2e"


class Sphere(nn.Module):
    """A function on the sphere, after weights on the irreps; `after` changes the result."""

    def __init__(self, act, resolution, after=None):
        from e3nn import nn as enn
        from e3nn import o3

        super().__init__()
        torch.manual_seed(0)
        self.linear = o3.Linear(IRREPS, IRREPS)
        self.sphere = enn.S2Activation(IRREPS, act, resolution)
        self.after = after

    def forward(self, x):
        y = self.sphere(self.linear(x))
        return y if self.after is None else self.after(y)


def findings(network, gives=IRREPS):
    return eq.check(network, normal(7, 9), IRREPS, gives, group="so3", samples=3).findings


@pytest.mark.parametrize(("act", "resolution"), [(torch.relu, 6), (torch.tanh, (8, 9)), (functional.silu, 6)])
def test_an_error_that_falls_with_the_resolution_is_one_of_the_grid(act, resolution):
    (finding,) = findings(Sphere(act, resolution))
    assert (finding.cause, finding.mechanism) == ("discretization", "sphere-grid"), finding.evidence
    assert "twice the resolution" in finding.evidence


def bias(y):
    return y + 0.3


@pytest.mark.parametrize("network", [Sphere(torch.tanh, 30, bias), Sphere(torch.tanh, 30, torch.relu), nn.LayerNorm(9)])
def test_other_errors_do_not_fall(network):
    found = findings(network)
    assert found
    assert all(f.mechanism != "sphere-grid" for f in found)


def test_a_fine_grid_has_no_finding():
    assert findings(Sphere(torch.tanh, 60)) == []


def test_a_finer_grid_computes_the_same_but_for_the_grid():
    """At a resolution that is exact for a linear function, twice of it changes nothing."""
    layer = Sphere(torch.nn.Identity(), 30).sphere.double()
    x = normal(5, 9, dtype=torch.float64)
    before = layer(x)
    for path, grid in finer_grids(layer).items():
        setattr(layer, path, grid)
    assert layer.to_s2.res_beta == 60
    assert torch.allclose(layer(x), before, atol=1e-10)
