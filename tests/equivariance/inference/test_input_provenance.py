"""Inputs that the first layer of a network declares by its own irreps."""

import pytest
import torch
from e3nn import o3
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal


class Network(nn.Module):
    """States nothing itself; its layers do."""

    def __init__(self, bug):
        super().__init__()
        self.first, self.last = o3.Linear("4x0e+2x1o", "3x0e+2x1o"), o3.Linear("3x0e+2x1o", "1x0e+1x1o")
        self.bug = bug

    def forward(self, x):
        hidden = self.first(x)
        return self.last(hidden.relu() if self.bug else hidden)


class Fields(Network):
    """Takes its input out of a dict."""

    def forward(self, data):
        return super().forward(data["features"][0])


class Convolution(Network):
    """Positions are known by their name, features by the layer that takes them."""

    def __init__(self, bug):
        super().__init__(bug)
        self.product = o3.FullTensorProduct("4x0e+2x1o", "1x1o")

    def forward(self, pos, features):
        away = (pos[:, None] - pos).sum(1)
        return self.product(features, away.abs() if self.bug else away)


@pytest.mark.parametrize("bug", [False, True])
@pytest.mark.parametrize(
    ("make", "args", "place"),
    [
        (Network, (normal(5, 10),), "x"),
        (Fields, ({"features": [normal(5, 10)]},), "data['features'][0]"),
        (Convolution, (normal(5, 3), normal(5, 10, seed=1)), "features"),
    ],
)
def test_an_input_that_a_layer_takes_needs_no_declaration(make, args, place, bug):
    torch.manual_seed(0)
    report = eq.diagnose(make(bug), args, group="so3", samples=3)
    assert bool(report.findings) == bug, report
    assert any(line.startswith(f"{place} [5, 10]: 4x0e+2x1o (stated by ") for line in report.assumptions)


def test_an_input_that_changes_before_the_layer_is_not_read_off():
    class Scaled(Network):
        def forward(self, x):
            return super().forward(2 * x)

    report = eq.check(Scaled(False), normal(5, 10), group="so3", samples=2)
    assert any(line.startswith("x [5, 10]: unchanged") for line in report.assumptions)
