"""What is done to the components of a vector is named, at a statement in the middle of a network and at its output.

Each network of one mechanism is a near miss of all others: one mechanism is named. Sound twins have no finding.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional

from equivariance import Irreps
from equivariance.cause_catalogue import mechanism_named
from tests.equivariance.helpers.components import Lengths, Middle, findings
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

CONSTANT = torch.tensor([0.5, -0.3, 0.8], dtype=torch.float64)
ONE_CHANNEL = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64)[:, None]
STRETCH = torch.tensor([1.0, 1.3, 0.6], dtype=torch.float64)
MIX = normal(3, 3, seed=7, dtype=torch.float64)


class Dropout(nn.Module):
    def __init__(self, whole):
        super().__init__()
        self.whole, self.drop = whole, nn.Dropout(0.4)

    def forward(self, h):
        return h * self.drop(torch.ones_like(h[..., :1])) if self.whole else self.drop(h)


class Swapped(nn.Module):
    """A biased linear map on channels, [nodes, 3, channels]."""

    def __init__(self, bias):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(4, 4, bias=bias)

    def forward(self, h):
        return functional.linear(h.mT, self.linear.weight, self.linear.bias).mT


VECTORS = [
    ("component-bias", lambda h: h + CONSTANT.to(h)),
    ("component-bias", lambda h: h + ONE_CHANNEL.to(h) * CONSTANT.to(h)),
    ("component-bias", lambda h: (h - CONSTANT.to(h)) * 1.1),
    ("component-bias", Swapped(True)),
    ("component-order", lambda h: h[..., [1, 2, 0]]),
    ("component-order", lambda h: torch.stack([h[..., 1], h[..., 0], h[..., 2]], -1) * h.norm(dim=-1, keepdim=True)),
    ("component-order", lambda h: h.roll(1, -1) / (1 + h.square().sum(-1, keepdim=True))),
    ("component-mask", lambda h: h * STRETCH.to(h)),
    ("component-mask", lambda h: h * STRETCH.to(h) / h.norm(dim=-1, keepdim=True)),
    ("component-mask", Dropout(False)),
    ("component-matrix", lambda h: h @ MIX.to(h)),
    ("component-matrix", lambda h: h + 0.5 * h[..., [1, 2, 0]]),
    ("component-matrix", lambda h: h.cumsum(-1)),
    ("component-nonlinearity", torch.relu),
    ("component-nonlinearity", torch.tanh),
    ("component-nonlinearity", lambda h: h.clamp(-0.5, 0.5)),
    ("component-normalization", lambda h: functional.layer_norm(h, (3,))),
    ("component-normalization", lambda h: h.softmax(-1)),
    ("component-normalization", lambda h: (h - h.mean(-1, keepdim=True)) / h.std(-1, keepdim=True)),
    ("non-euclidean-norm", lambda h: h / h.abs().sum(-1, keepdim=True)),
    ("non-euclidean-norm", lambda h: h * h.abs().amax(-1, keepdim=True)),
    ("unturned-part", lambda h: h + (h.norm(dim=-1, keepdim=True) * CONSTANT.to(h)).sin()),
]
LENGTHS = [
    ("non-euclidean-norm", lambda h: h.norm(p=1, dim=-1)),
    ("non-euclidean-norm", lambda h: (h.square() * STRETCH.to(h)).sum(-1).sqrt()),
    ("non-euclidean-norm", lambda h: h.pow(4).sum(-1)),
    ("component-sum", lambda h: h.sum(-1)),
    ("component-sum", lambda h: h.mean(-1)),
    ("component-sum", lambda h: h.amax(-1)),
    ("component-nonlinearity", lambda h: h.tanh().norm(dim=-1)),
    ("fixed-axis", lambda h: h[..., 2]),
]
SOUND = [
    lambda h: h / h.norm(dim=-1, keepdim=True),
    lambda h: h * (1 + h.square().sum(-1, keepdim=True)).log(),
    lambda h: h + ONE_CHANNEL.to(h) * h.mean(1, keepdim=True),
    lambda h: h - h.mean(1, keepdim=True),
    Dropout(True),
    Swapped(False),
]


@pytest.mark.parametrize(("mechanism", "function"), VECTORS)
def test_what_a_statement_does_to_components_is_named(mechanism, function):
    (finding,) = findings(Middle(function))
    assert finding.mechanism == mechanism, finding.evidence
    assert finding.cause == mechanism_named(mechanism).cause
    assert finding.fix == mechanism_named(mechanism).remedy


@pytest.mark.parametrize(("mechanism", "function"), LENGTHS)
def test_another_norm_and_a_sum_of_components_are_named(mechanism, function):
    (finding,) = findings(Lengths(function), gives=None)
    assert finding.mechanism == mechanism, finding.evidence


@pytest.mark.parametrize("function", SOUND)
def test_sound_twins_have_no_finding(function):
    assert findings(Middle(function)) == []


@pytest.mark.parametrize("function", [lambda h: h.norm(dim=-1), lambda h: (h.square() * 2).sum(-1).sqrt()])
def test_euclidean_norms_have_no_finding(function):
    assert findings(Lengths(function), gives=None) == []


def quadratic(x):
    from e3nn import o3

    return o3.spherical_harmonics(2, x, normalize=False)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: quadratic(x)[..., [4, 2, 0, 1, 3]], "m=2, m=0, m=-2"),
        (lambda x: quadratic(x) * torch.tensor([1, -1, 1, -1, 1]).to(x), "minus m=-1"),
        (lambda x: quadratic(x[..., [1, 2, 0]]), "y, z, x in place of x, y, z"),
    ],
    ids=["order", "signs", "axes"],
)
def test_five_components_in_another_order_are_named(function, words):
    (finding,) = findings(function, gives="1x2e")
    assert (finding.cause, finding.mechanism) == ("component-mixing", "component-order")
    assert words in finding.evidence
    assert findings(quadratic, gives="1x2e") == []


@pytest.mark.parametrize("constant", [9, 6, 3])
def test_a_constant_on_some_channels_stays_a_constant(constant):
    """The rows without a constant hold rounding noise, which has no direction."""
    shift = torch.cat([torch.linspace(0.3, 0.9, constant), torch.zeros(9 - constant)])
    (finding,) = findings(lambda x: (x - shift.to(x)) * 1.1, normal(8, 9), "3x1o", "3x1o")
    assert (finding.cause, finding.mechanism) == ("component-mixing", "component-bias")
    assert ("rows of them" in finding.evidence) == (constant < 9)


@pytest.mark.parametrize("part", ["4x0e", "4x1o"])
def test_layer_normalization_over_irreps_gets_its_own_remedy(part):
    irreps = Irreps("4x0e+4x1o")
    found = findings(nn.LayerNorm(16), normal(9, 16), irreps, irreps)
    assert {f.mechanism for f in found} == {"component-normalization"}, part
    assert all(f.fix.startswith("Normalize by norms") for f in found)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.drop = nn.Linear(4, 4, bias=False), nn.Dropout(0.25)

    def forward(self, v):
        return v + self.drop(self.linear(v.mT).mT)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_every_dropout_of_a_stack_is_a_mask(depth):
    """Random numbers of a layer that runs alone are others than in the whole network."""
    torch.manual_seed(0)
    found = findings(nn.Sequential(*(Block() for _ in range(depth))), normal(10, 4, 3))
    assert sum(len(f.layers) for f in found) == depth
    assert {f.mechanism for f in found} == {"component-mask"}, [f.evidence for f in found]


class Undeclared(nn.Module):
    """Vectors [nodes, 3, channels] through a linear map with or without a bias; nothing is declared inside."""

    def __init__(self, bias):
        super().__init__()
        torch.manual_seed(1)
        self.inner = nn.Linear(4, 4, bias=bias)

    def forward(self, x):
        h = self.inner(x.mT)
        return h.norm(dim=1)


@pytest.mark.parametrize("bias", [True, False])
def test_a_bias_is_named_where_nothing_is_declared(bias):
    found = findings(Undeclared(bias), gives=None)
    assert [(f.layer, f.mechanism) for f in found] == [("inner", "component-bias")] * bias


@pytest.mark.parametrize(
    ("function", "mechanism"),
    [
        (lambda x: x + 0.1 * x.roll(1, -1), "component-matrix"),
        (lambda x: x + x.mean(1, keepdim=True).roll(1, -1), "component-order"),
        (lambda x: x.roll(1, -1), "component-order"),
    ],
    ids=["same vectors", "other vectors", "alone"],
)
def test_an_order_that_is_added_to_the_same_vectors_is_a_matrix(function, mechanism):
    (finding,) = findings(function)
    assert finding.mechanism == mechanism, finding.evidence


class Updated(nn.Module):
    """Vectors [nodes, 3, channels] that start at zero, get directions, and go through a linear map."""

    def __init__(self, bias):
        super().__init__()
        torch.manual_seed(2)
        self.map, self.head = nn.Linear(4, 4, bias=bias), nn.Linear(4, 1)

    def forward(self, x):
        directions = x - x.mean(0)
        vectors = torch.zeros(len(x), 3, 4).to(x) + directions[..., None] * directions.norm(dim=-1)[:, None, None]
        mapped = self.map(vectors)
        return self.head(mapped.norm(dim=1)).sum()


@pytest.mark.parametrize("bias", [True, False])
def test_a_bias_is_named_although_what_it_makes_obeys_no_law(bias):
    found = findings(Updated(bias), normal(6, 3), "cartesian_points", None)
    assert [(f.layer, f.mechanism) for f in found] == [("map", "component-bias")] * bias
