"""Rows that follow the edges: weights of tensor products, arguments by keyword. Nothing is declared."""

import pytest
import torch
from e3nn import o3
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

NEAR = (torch.cdist(normal(7, 3, seed=1), normal(7, 3, seed=1)) < 2.5).fill_diagonal_(False)
EDGES = NEAR.nonzero().T
POS, FEATURES = normal(7, 3, seed=1), normal(7, 4)


def verdicts(report):
    return {v.symmetry: v.verdict for v in report.verdicts}


class Scaled(nn.Module):
    """A layer of no library: vectors times a weight, for each row or for all."""

    def __init__(self):
        super().__init__()
        self.irreps_in, self.irreps_out = o3.Irreps("1x1o"), o3.Irreps("1x1o")

    def forward(self, x, weight):
        return x * weight


class Messages(nn.Module):
    """A convolution along the edges; the weights of its product come from the lengths of the edges."""

    def __init__(self, bug, make):
        super().__init__()
        self.product, self.radial, self.bug = make(), nn.Linear(1, 4), bug

    def forward(self, feats, pos, edge_index):
        source, target = edge_index
        ends = pos[source] - pos[target]
        weight = torch.tanh(self.radial(ends.norm(dim=-1, keepdim=True)))
        made = self.multiply(feats[source], ends, weight.roll(1, 0) if self.bug else weight)
        return torch.zeros(len(pos), made.shape[-1], dtype=made.dtype).index_add(0, target, made)

    def multiply(self, feats, ends, weight):
        return self.product(feats, ends, weight)


class WithScaled(Messages):
    def multiply(self, feats, ends, weight):
        return self.product(ends, weight[:, :1] * feats[:, :1])


class WithLinear(Messages):
    def multiply(self, feats, ends, weight):
        return self.product(feats, weight) * ends.norm(dim=-1, keepdim=True)


def product():
    return o3.FullyConnectedTensorProduct("4x0e", "1x1o", "1x1o", shared_weights=False, internal_weights=False)


def linear():
    return o3.Linear("4x0e", "1x0e", shared_weights=False, internal_weights=False)


NETWORKS = {
    "a tensor product": (Messages, product),
    "a layer of no library": (WithScaled, Scaled),
    "a linear layer": (WithLinear, linear),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("bug", [False, True])
def test_weights_of_a_layer_follow_the_edges(name, bug):
    network, make = NETWORKS[name]
    torch.manual_seed(0)
    report = eq.diagnose(network(bug, make), (FEATURES, POS, EDGES), group=["so3", "permutation"], samples=4)
    assert verdicts(report) == {"rotation": "holds", "permutation": "broken" if bug else "holds"}, report
    assert report.ok != bug
    assert not any(f.cause == "undeclared-input" for f in report.findings)


class OneWeight(nn.Module):
    """One weight for all rows, given in the call."""

    def __init__(self):
        super().__init__()
        self.product = o3.FullyConnectedTensorProduct("4x0e", "1x1o", "1x1o", internal_weights=False)
        self.made = nn.Parameter(torch.randn(self.product.weight_numel))

    def forward(self, feats, pos):
        return self.product(feats, pos - pos.mean(0), self.made)


def test_one_weight_for_all_rows_follows_nothing():
    torch.manual_seed(0)
    report = eq.diagnose(OneWeight(), (FEATURES, POS), group=["so3", "permutation"], samples=4)
    assert report.ok, report
    assert verdicts(report) == {"rotation": "holds", "permutation": "holds"}


SIZES = (4, 5)
SAMPLES = torch.arange(2).repeat_interleave(torch.tensor(SIZES))
WITHIN = ((SAMPLES[:, None] == SAMPLES) & ~torch.eye(9, dtype=torch.bool)).nonzero().T


class Keywords(nn.Module):
    """A network on graphs of several samples that passes its options on by keyword."""

    def __init__(self, bug=""):
        super().__init__()
        self.first, self.last, self.bug = nn.Linear(6, 8), nn.Linear(8, 1), bug

    def forward(self, pos, edge_index, **options):
        return self.inside(pos, edge_index, **options)

    def inside(self, pos, edge_index, batch=None, edge_attr=None, charge=None):
        source, target = edge_index
        lengths = (pos[source] - pos[target]).norm(dim=-1, keepdim=True)
        edge_attr = edge_attr.roll(1, 0) if self.bug == "edges" else edge_attr
        told = torch.tanh(self.first(torch.cat([lengths, edge_attr, charge[source][:, None]], -1)))
        energies = self.last(torch.zeros(len(pos), 8, dtype=pos.dtype).index_add(0, target, told))[:, 0]
        pooled = torch.zeros(2 if batch is None else int(batch.max()) + 1, dtype=pos.dtype).index_add(
            0, batch, energies
        )
        return pooled / len(pooled) if self.bug == "samples" else pooled


OPTIONS = {"batch": SAMPLES, "edge_attr": normal(32, 4, seed=2), "charge": normal(9, seed=3)}


@pytest.mark.parametrize(("bug", "broken"), [("", set()), ("edges", {"permutation", "batch"}), ("samples", {"batch"})])
@pytest.mark.parametrize("by_keyword", [False, True])
def test_arguments_by_keyword_belong_to_the_cloud_beside_them(bug, broken, by_keyword):
    torch.manual_seed(0)
    pos, network = normal(9, 3, seed=4), Keywords(bug)
    network.forward = network.forward if by_keyword else network.inside
    report = eq.diagnose(network, (pos, WITHIN), kwargs=OPTIONS, group=["permutation", "batch"], samples=4)
    assert {s for s, v in verdicts(report).items() if v == "broken"} == broken, report
    assert "not tested" not in verdicts(report).values()
    assert report.ok == (not broken)


def apart(first, second):
    """Two mappings with fields of the same names are two clouds."""
    return [torch.cdist(own["pos"], own["pos"]).sum(1) * own["weights"] for own in (first, second)]


def test_mappings_with_positions_keep_their_own_sizes():
    clouds = [{"pos": normal(n, 3), "weights": normal(n, seed=1)} for n in (5, 8)]
    report = eq.diagnose(apart, tuple(clouds), group="so3", samples=4)
    assert report.ok, report
