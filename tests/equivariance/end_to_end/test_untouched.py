"""Nothing but the copies' own run changes a copy: evidence and curves of a finding are those of the given network."""

import numpy as np
import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance.groups.sampling import InputSizes, Rotations
from tests.equivariance.helpers.specimens import normal

N = 10
EDGES = (~torch.eye(N, dtype=torch.bool)).nonzero().t().contiguous()
BY = {"group": "so3", "samples": 4}


class Coordinates(nn.Module):
    """An EGNN layer whose weight of an edge has three components if it is broken."""

    def __init__(self, components, channels=16):
        super().__init__()
        self.edge = nn.Sequential(nn.Linear(2 * channels + 1, channels), nn.SiLU(), nn.Linear(channels, channels))
        self.coord = nn.Sequential(
            nn.Linear(channels, channels), nn.SiLU(), nn.Linear(channels, components, bias=False)
        )

    def forward(self, h, x, edge_index):
        row, col = edge_index
        diff = x[row] - x[col]
        m = self.edge(torch.cat([h[row], h[col], diff.square().sum(-1, keepdim=True)], dim=-1))
        return x + torch.zeros_like(x).index_add_(0, row, diff * self.coord(m)) / 10


class Transposed(nn.Module):
    """Multiplies components by a view of a buffer, of a plain attribute or of NumPy memory."""

    def __init__(self, holder, broken):
        super().__init__()
        self.holder, self.broken = holder, broken
        table = normal(3, 5, seed=3)
        self.register_buffer("buffer", table.clone())
        self.plain = table.clone()
        self.array = table.numpy().copy()

    def forward(self, h, x, edge_index):
        held = {"buffer": self.buffer, "plain": self.plain, "array": torch.from_numpy(self.array)}[self.holder].to(x)
        factors = h[:, :5].sigmoid() @ (held.t() if self.broken else held.t()[:, :1])
        return x - x.mean(0) + (x - x.mean(0)) * factors


NETWORKS = {
    "parameter": lambda broken: Coordinates(3 if broken else 1),
    "buffer": lambda broken: Transposed("buffer", broken),
    "plain attribute": lambda broken: Transposed("plain", broken),
    "NumPy memory": lambda broken: Transposed("array", broken),
}


def network(name, broken):
    torch.manual_seed(0)
    return NETWORKS[name](broken).double()


def diagnosed(module):
    inputs = (normal(N, 16, seed=1).double(), normal(N, 3, seed=2).double(), EDGES)
    declared = (None, "cartesian_points", eq.NodeIndices(nodes=None, batch=None))
    outputs = "cartesian_points" if isinstance(module, Coordinates) else "1x1o"
    return eq.diagnose(module, inputs, declared, outputs, **BY), inputs


def error_by_hand(module, inputs, element):
    turn = torch.from_numpy(np.array(element.array))
    h, x, edges = inputs
    with torch.no_grad():
        expected = module(h, x, edges) @ turn.T
        return float((module(h, x @ turn.T, edges) - expected).norm() / expected.norm())


@pytest.mark.parametrize("name", NETWORKS)
def test_curves_of_a_finding_are_those_of_the_network(name):
    module = network(name, broken=True)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    report, inputs = diagnosed(module)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    (finding,) = report.findings
    assert (finding.cause, finding.state) == ("component-mixing", "given weights, eval mode")
    elements = Rotations().draw(BY["samples"], 0, InputSizes())
    of_given = elements[:: 1 + bool(list(module.parameters()))]  # given and perturbed weights alternate
    worst = max(error_by_hand(module, inputs, e) for e in of_given)
    curves = {c.over: dict(zip(c.values, c.errors, strict=True)) for c in finding.curves}
    assert finding.error == pytest.approx(worst, rel=1e-3)
    assert curves["scale"][1.0] == pytest.approx(worst, rel=1e-3)
    assert list(curves["precision"].values()) == pytest.approx([worst] * 3, rel=0.05)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_sound_network_beside_it_has_no_finding(name):
    assert diagnosed(network(name, broken=False))[0].ok


class Frozen(nn.Module):
    """A layer that insists on being the same in every copy."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(normal(4, 4))

    def __deepcopy__(self, memo):
        return self

    def forward(self, x):
        return self.weight @ x


class Tied(Frozen):
    """A layer whose copies have the same tensor as the original."""

    def __deepcopy__(self, memo):
        made = Tied()
        made.weight = self.weight
        return made


@pytest.mark.parametrize(("layer", "shared"), [(Frozen, "0, 0.weight"), (Tied, "0.weight")])
def test_a_copy_that_shares_weights_with_its_original_is_refused(layer, shared):
    module = nn.Sequential(layer())
    before = module[0].weight.detach().clone()
    with pytest.raises(eq.errors.ArgumentError, match=f"its copy shares {shared} with it"):
        eq.check(module, normal(6, 4, 3), "1x1o", "1x1o", group="so3")
    assert torch.equal(module[0].weight, before)


class Recalling(nn.Module):
    """Keeps what it computed last, and uses it in its next call."""

    def __init__(self):
        super().__init__()
        self.last = None

    def forward(self, x):
        self.last = x.norm(dim=-1, keepdim=True).mean(0)
        mixed = x @ torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 2]]).to(x)
        return mixed / self.last


def test_experiments_leave_no_attribute_behind():
    module = Recalling()
    report = eq.diagnose(module, normal(6, 4, 3), "1x1o", "1x1o", group="so3", samples=4)
    assert [(f.located, f.cause) for f in report.findings] == [("confirmed", "frame-dependent")], report
    assert module.last is None
