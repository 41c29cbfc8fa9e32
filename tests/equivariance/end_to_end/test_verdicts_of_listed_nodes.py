"""Tensors beside a cloud that may list its nodes: tokens, adjacencies, biases, tables. Nothing is declared.

The reading that a tensor lists no nodes must never excuse an output that depends on the order of its entries.
"""

from functools import wraps

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

ONE, CLOUDS = normal(7, 3, seed=1), normal(2, 7, 3, seed=1)
TOKENS = torch.tensor([[0, 3, 1, 2, 4, 1, 0], [2, 2, 0, 4, 1, 3, 3]])
MASK = torch.arange(7) < torch.tensor([[7], [5]])
NEAR = (torch.cdist(ONE, ONE) < 2.5).fill_diagonal_(False)


def permutation(report):
    return next((v for v in report.verdicts if v.symmetry == "permutation"), None)


class Tokens(nn.Module):
    """Embedded tokens attend to each other; the coordinates hardly count, as at the start of a training.

    With the bug, each node reads the token of the next one.
    """

    def __init__(self, bug, pools=False):
        super().__init__()
        self.embed, self.query, self.key = nn.Embedding(15, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.bug, self.pools = bug, pools

    def forward(self, feats, coors, mask=None):
        coors, h = coors if coors.shape[-1] == 3 else coors.mT, self.embed(feats.long())
        h = h + h.roll(1, -2) if self.bug else h
        logits = self.query(h) @ self.key(h).mT - 1e-9 * torch.cdist(coors, coors)
        if mask is not None:
            logits = logits.masked_fill(~mask[..., None, :], -torch.inf)
        h = torch.softmax(logits, -1) @ h + h
        return h.square().mean(-2) if self.pools else (h, coors + 1e-9 * h.mean(-1, keepdim=True) * coors)


INPUTS = {
    "a batch": ((TOKENS, CLOUDS), False),
    "a batch, pooled": ((TOKENS, CLOUDS), True),
    "one sample": ((TOKENS[0], ONE), False),
    "one sample, pooled": ((TOKENS[0], ONE), True),
    "with a mask": ((TOKENS, CLOUDS, MASK), False),
    "more kinds than nodes": ((3 * TOKENS, CLOUDS), False),
    "small integers": ((TOKENS.to(torch.uint8), CLOUDS), False),
    "one sample on an axis": ((TOKENS[:1], CLOUDS[:1]), False),
    "channels first": ((TOKENS, CLOUDS.mT.contiguous()), False),
    "three nodes": ((TOKENS[:, :3], CLOUDS[:, :3]), False),
}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("bug", [False, True])
def test_tokens_list_the_nodes_of_the_cloud(name, bug):
    torch.manual_seed(0)
    args, pools = INPUTS[name]
    report = eq.diagnose(Tokens(bug, pools), args, group="permutation", samples=4)
    assert permutation(report).verdict == ("broken" if bug else "holds"), report
    assert report.ok != bug


def neighbours(pos, adjacency):
    """One adjacency for all samples: the same molecule in several poses."""
    return (adjacency * torch.exp(-torch.cdist(pos, pos))).sum(-1)


def charged(pos, charge):
    """One charge of each node for all samples."""
    return (charge[:, None] * charge * torch.exp(-torch.cdist(pos, pos))).sum((-1, -2))


def biased(pos, bias):
    """A bias of each head on each pair of nodes."""
    logits = bias - torch.cdist(pos, pos)
    return torch.softmax(logits, -1).mean(0) @ torch.exp(-torch.cdist(pos, pos))


def along_edges(pos, edge_index, bias):
    source, target = edge_index
    return torch.zeros(7, dtype=pos.dtype).index_add(
        0, target, (bias[:, source, target] * (pos[source] - pos[target]).norm(dim=-1)).sum(0)
    )


def channels_first(pos, edge_index, h):
    source, target = edge_index
    return torch.zeros_like(h).index_add(1, target, h[:, source] * (pos[source] - pos[target]).norm(dim=-1))


EDGES = NEAR.nonzero().T
SHARED = {
    "an adjacency of booleans": (neighbours, (CLOUDS, NEAR), 1),
    "an adjacency of numbers": (neighbours, (CLOUDS, NEAR.float()), 1),
    "charges": (charged, (CLOUDS, normal(7, seed=3)), 1),
    "kinds": (charged, (CLOUDS, torch.arange(7) % 4), 1),
    "a bias of heads": (biased, (ONE, normal(4, 7, 7, seed=4)), 1),
    "a bias of heads beside edges": (along_edges, (ONE, EDGES, normal(4, 7, 7, seed=4)), 2),
    "channels first beside edges": (channels_first, (ONE, EDGES, normal(4, 7, seed=5)), 2),
}


@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("bug", [False, True])
def test_any_axis_as_long_as_the_nodes_may_list_them(name, bug):
    function, args, place = SHARED[name]

    @wraps(function)
    def numbered(pos, *rest):
        """Reads the number of each node."""
        return function(pos * (1 + 0.1 * torch.arange(7.0, dtype=pos.dtype)[:, None]), *rest)

    report = eq.diagnose(numbered if bug else function, args, group="permutation", samples=4)
    assert permutation(report).verdict == ("broken" if bug else "holds"), report
    assert report.ok != bug
    shape = list(args[place].shape)
    (line,) = [line for line in report.assumptions if f" {shape}: " in line and not line.startswith("output")]
    assert "on axis" in line


def two_sums(tokens, pos):
    """The order of the tokens counts, the positions know nothing of it."""
    places = torch.arange(tokens.shape[-1], dtype=pos.dtype)
    return (tokens * places).sum(-1), torch.exp(-torch.cdist(pos, pos)).sum((-1, -2))


@pytest.mark.parametrize("args", [(TOKENS, CLOUDS), (TOKENS[0], ONE)])
def test_a_row_for_each_node_is_broken_and_the_other_reading_is_told(args):
    report = eq.diagnose(two_sums, args, group="permutation", samples=4)
    axis = args[0].dim() - 1
    assert permutation(report).words.startswith("broken, if")
    assert f"tokens {list(args[0].shape)} lists nodes on axis {axis}" in permutation(report).words
    assert permutation(report).basis == "assumed"


def with_table(pos, table):
    """Distances pick rows of a table, which has as many rows as there are nodes by chance."""
    picks = (torch.cdist(pos, pos) * 3).long().clamp(max=6)
    return table[picks].sum((-2, -3))


@pytest.mark.parametrize("table", [normal(7, 5, seed=2), torch.arange(35).reshape(7, 5) % 6])
def test_a_verdict_that_depends_on_the_reading_is_none(table):
    report = eq.diagnose(with_table, (CLOUDS, table), group=["so3", "permutation"], samples=4)
    verdict = permutation(report)
    assert verdict.verdict == "not tested", report
    assert "table [7, 5] may list nodes (declare eq.Invariant(nodes=0" in verdict.reason
    assert {v.symmetry: v.verdict for v in report.verdicts}["rotation"] == "holds"
    assert not report.findings
    table_law = {"pos": eq.CartesianPoints(nodes=1, batch=0), "table": eq.Invariant(nodes=None, batch=None)}
    assert permutation(eq.diagnose(with_table, (CLOUDS, table), table_law, group="permutation")).words == "holds"


def test_a_table_that_is_not_as_long_leaves_no_doubt():
    report = eq.diagnose(with_table, (CLOUDS, normal(9, 5, seed=2)), group="permutation", samples=4)
    assert permutation(report).verdict == "holds", report


def aggregated(pos, neighbors):
    """The neighbours of each node of each sample: [samples, nodes, K]."""
    sample = torch.arange(len(pos))[:, None, None]
    return (pos[sample, neighbors] - pos[:, :, None]).square().sum((-1, -2))


@pytest.mark.parametrize("bug", [False, True])
def test_neighbours_in_a_batch_are_renumbered_and_reordered(bug):
    neighbors = torch.cdist(CLOUDS, CLOUDS).topk(4, largest=False).indices[..., 1:]

    def function(pos, neighbors):
        found = aggregated(pos, neighbors)
        return found * torch.arange(7) if bug else found

    report = eq.diagnose(function, (CLOUDS, neighbors), group=["permutation", "batch"], samples=4)
    assert {v.symmetry: v.verdict for v in report.verdicts} == {
        "permutation": "broken" if bug else "holds", "batch": "holds",
    }, report  # fmt: skip
