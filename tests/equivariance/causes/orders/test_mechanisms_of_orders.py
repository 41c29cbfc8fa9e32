"""Why the order of nodes matters is named: joined lists, caps, ties, node numbers and others are told apart."""

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance.cause_catalogue import mechanism_named
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

SCALARS, POINTS = normal(6, seed=3).abs() + 0.1, normal(6, 3)
KEPT = {"nodes": 0, "batch": None}


class Network(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, q, pos):
        return self.function(q, pos)


def findings(function):
    takes, gives = [eq.Invariant(**KEPT), eq.CartesianPoints(**KEPT)], eq.Invariant(**KEPT)
    return eq.diagnose(Network(function), (SCALARS, POINTS), takes, gives, group="permutation", samples=3).findings


def all_pairs(q):
    return (torch.ones(len(q), len(q)) - torch.eye(len(q))).nonzero().T


def half_pairs(q):
    i, j = torch.triu_indices(len(q), len(q), 1)
    return torch.cat([torch.stack([i, j]), torch.stack([j, i])], 1), i, j


def collected(q, edge, lengths):
    return torch.zeros_like(q).index_add(0, edge[0], q[edge[1]] / (0.1 + lengths))


def distances(pos, i, j):
    return (pos[i] - pos[j]).norm(dim=-1)


def other_list(q, pos):
    lengths = distances(pos, *torch.triu_indices(len(q), len(q), 1))
    return collected(q, all_pairs(q), torch.cat([lengths, lengths]))


def alternating(q, pos):
    edge, i, j = half_pairs(q)
    return collected(q, edge, torch.stack([distances(pos, i, j)] * 2, 1).flatten())


def sorted_lengths(q, pos):
    edge = all_pairs(q)
    return collected(q, edge, distances(pos, *edge).sort().values)


def half_sorted(q, pos):
    i, j = all_pairs(q)
    return torch.zeros_like(q).index_add(0, i[distances(pos, i, j).argsort()], q[j] * distances(pos, i, j))


def one_list(q, pos):
    edge, i, j = half_pairs(q)
    return collected(q, edge, torch.cat([distances(pos, i, j)] * 2))


def both_sorted(q, pos):
    edge = all_pairs(q)
    order = distances(pos, *edge).argsort()
    return collected(q, edge[:, order], distances(pos, *edge)[order])


def near(pos):
    return torch.cdist(pos, pos) < 9


def counted(q, pos):
    kept = near(pos) & (near(pos).long().cumsum(1) <= 3)
    return kept.to(q) @ q


def first_listed(q, pos):
    return torch.stack([q[row.nonzero()[:3, 0]].sum() for row in near(pos)])


def capped_pairs(q, pos):
    i, j = near(pos).nonzero().T
    return torch.zeros_like(q).index_add(0, i[:20], q[j[:20]])


def sorted_ties(q, pos):
    return q[(torch.cdist(pos, pos) * 0).argsort(1)[:, :2]].sum(1)


def topk_of_flags(q, pos):
    return q[near(pos).to(q).topk(3, dim=1).indices].sum(1)


def first_of_equals(q, pos):
    apart = torch.cdist(pos, pos)
    return q[(apart > apart.mean()).to(q).argmax(1)]


def all_near(q, pos):
    return near(pos).to(q) @ q


def nearest(q, pos):
    return q[torch.cdist(pos, pos).topk(3, dim=1, largest=False).indices].sum(1)


CASES = [
    ("joined-orders", other_list),
    ("joined-orders", alternating),
    ("joined-orders", sorted_lengths),
    ("joined-orders", half_sorted),
    ("neighbour-cap", counted),
    ("neighbour-cap", first_listed),
    ("neighbour-cap", capped_pairs),
    ("tie-by-order", sorted_ties),
    ("tie-by-order", topk_of_flags),
    ("tie-by-order", first_of_equals),
    ("node-number", lambda q, pos: q * torch.arange(6).to(q)),
    ("running-sum", lambda q, pos: q.cumsum(0)),
    ("running-sum", lambda q, pos: torch.cdist(pos, pos).tril() @ q),
    ("list-neighbour", lambda q, pos: q * q.roll(1)),
    ("special-node", lambda q, pos: q - q[:1]),
    ("row-order", lambda q, pos: q.sort().values),
    ("", lambda q, pos: torch.linspace(1, 2, 36).reshape(6, 6).to(q) @ q),
]


@pytest.mark.parametrize(("mechanism", "function"), CASES)
def test_the_mechanism_of_an_order_is_named(mechanism, function):
    (finding,) = findings(function)
    assert (finding.cause, finding.mechanism) == ("order-dependent", mechanism), finding.evidence
    if mechanism not in ("", "row-order"):
        assert finding.fix == mechanism_named(mechanism).remedy
    assert ("max_num_neighbors" in finding.fix) == (mechanism == "neighbour-cap")


@pytest.mark.parametrize("function", [one_list, both_sorted, all_near, nearest])
def test_sound_twins_have_no_finding(function):
    assert findings(function) == []
