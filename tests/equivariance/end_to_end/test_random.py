"""Networks that draw random numbers: all precisions draw the same ones, and the finding names the layer that draws."""

import numpy as np
import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance._engine.instrumentation.precision import SameDraws
from tests.equivariance.helpers.specimens import Scale, normal


class Drawing(nn.Module):
    """Multiplies whole vectors by random factors, or single components if it is broken."""

    def __init__(self, draw, broken=False):
        super().__init__()
        self.draw, self.broken = draw, broken

    def forward(self, v):
        like = v if self.broken else v[..., :1]
        return v + 0.1 * self.draw(like) * v


def exponential(like):
    return torch.empty_like(like).exponential_()


def binary(like):
    return torch.bernoulli(torch.full_like(like, 0.3))


def by_numpy(like):
    return torch.from_numpy(np.random.rand(*like.shape)).to(like)  # noqa: NPY002


DRAWS = {
    "rand_like": torch.rand_like,
    "randn": lambda like: torch.randn(like.shape).to(like),
    "exponential_": exponential,
    "bernoulli": binary,
    "dropout": lambda like: nn.functional.dropout(torch.ones_like(like), 0.3),
    "NumPy": by_numpy,
}


def diagnosed(draw, broken=False):
    network = nn.Sequential(Scale(), Drawing(draw, broken), Scale(seed=1))
    return eq.diagnose(network, normal(8, 4, 3), ["1x1o"], "1x1o", group="o3", samples=4)


@pytest.mark.parametrize("name", DRAWS)
def test_random_numbers_are_no_rounding(name):
    report = diagnosed(DRAWS[name])
    findings = [(f.layer, f.symmetry, f.cause) for f in report.findings]
    assert findings == [("" if name == "NumPy" else "1", "none", "nondeterministic")], report
    assert not {n.cause for n in report.notes} & {"discrete-tie", "ill-conditioned"}
    assert max(row.reached_floor for row in report.layers) < 1e-5


@pytest.mark.parametrize("name", DRAWS)
def test_random_factors_of_components_break_rotations(name):
    report = diagnosed(DRAWS[name], broken=True)
    assert {(f.layer, f.symmetry) for f in report.findings if f.symmetry != "none"} == {("1", "rotation")}, report


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", [n for n in DRAWS if n != "NumPy"])
def test_the_numbers_are_those_of_float64_rounded(name, dtype):
    ones = torch.ones(4, 5, dtype=torch.float64)
    torch.manual_seed(3)
    wanted = DRAWS[name](ones)
    torch.manual_seed(3)
    with SameDraws():
        made = DRAWS[name](ones.to(dtype))
    assert made.dtype == dtype
    assert torch.equal(made, wanted.to(dtype)) or name == "randn"


def test_whole_numbers_and_orders_are_drawn_as_ever():
    torch.manual_seed(0)
    plain = torch.randperm(9), torch.randint(5, (4,))
    torch.manual_seed(0)
    with SameDraws():
        drawn = torch.randperm(9), torch.randint(5, (4,))
    assert all(map(torch.equal, plain, drawn))
