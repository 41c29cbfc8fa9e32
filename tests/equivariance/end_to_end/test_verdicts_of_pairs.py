"""Tensors of pairs of nodes, and tensors that only look like them. Nothing is declared."""

import pytest
import torch

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

POS, CLOUDS = normal(7, 3, seed=1), normal(2, 7, 3, seed=1)
NEAR = (torch.cdist(POS, POS) < 2.5).fill_diagonal_(False)


def permutation(report):
    return next((v.verdict for v in report.verdicts if v.symmetry == "permutation"), None)


def weighted(pos, weights):
    """Sums over the neighbours of each node."""
    return (weights * torch.exp(-torch.cdist(pos, pos))).sum(-1)


def attention(pos, pair):
    """Features of pairs [.., N, N, C] give the weights of a softmax over the nodes."""
    logits = pair.sum(-1) - torch.cdist(pos, pos)
    return torch.softmax(logits, -1) @ torch.exp(-torch.cdist(pos, pos))


def of_edges(pos, adjacency):
    return {"nodes": weighted(pos, adjacency.to(pos.dtype)), "pairs": adjacency * torch.cdist(pos, pos)}


def directed(pos, flow):
    """Not symmetric: rows and columns are different nodes."""
    return ((flow - flow.mT) * torch.cdist(pos, pos)).sum(-2)


CASES = {
    "weights": (weighted, (POS, normal(7, 7, seed=2))),
    "an adjacency of booleans": (of_edges, (POS, NEAR)),
    "an adjacency of whole numbers": (of_edges, (POS, NEAR.long())),
    "features of pairs": (attention, (POS, normal(7, 7, 4, seed=3))),
    "features of pairs in a batch": (attention, (CLOUDS, normal(2, 7, 7, 4, seed=3))),
    "not symmetric": (directed, (POS, normal(7, 7, seed=4))),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("broken", [False, True])
def test_both_axes_follow_the_nodes(name, broken):
    function, args = CASES[name]

    def numbered(pos, table):
        """Reads the number of each node."""
        return function(pos * (1 + 0.1 * torch.arange(7.0, dtype=pos.dtype)[:, None]), table)

    report = eq.diagnose(numbered if broken else function, args, samples=3)
    assert permutation(report) == ("broken" if broken else "holds"), report
    assert ("permutation" in {f.symmetry for f in report.findings}) == broken
    axis = args[1].shape.index(7) + 1
    assert any(f"[{', '.join(map(str, args[1].shape))}]: " in line and f"pairs with nodes on axis {axis}" in line
               for line in report.assumptions)  # fmt: skip


def test_a_guess_of_pairs_stands_beside_the_verdict():
    """The output is wrong in every reading."""
    report = eq.diagnose(
        lambda pos, w: weighted(pos, w) * (1 + torch.arange(7)), (POS, normal(7, 7, seed=2)), samples=3
    )
    (verdict,) = [v for v in report.verdicts if v.symmetry == "permutation"]
    assert verdict.words == "broken, if w [7, 7] lists pairs of nodes"


def features(pos, h):
    """As many features as nodes: each feature has its own weight."""
    return torch.exp(-torch.cdist(pos, pos)) @ (torch.tanh(h) * torch.arange(7.0, dtype=pos.dtype)).sum(1)


def channels(pos, h):
    """Seven rows of seven channels at each node."""
    weights = torch.arange(49.0, dtype=pos.dtype).reshape(7, 7)
    return (h * weights).sum((1, 2)) * (pos - pos.mean(0)).norm(dim=1)


def recurrent(pos, h):
    """A recurrence over as many steps as nodes."""
    return h.cumsum(1).tanh() * (pos - pos.mean(0)).norm(dim=1, keepdim=True)


@pytest.mark.parametrize(
    ("function", "h"),
    [(features, normal(7, 7, seed=5)), (channels, normal(7, 7, 7, seed=5)), (recurrent, normal(7, 7, seed=6))],
)
def test_as_many_features_as_nodes_are_no_pairs(function, h):
    report = eq.diagnose(function, (POS, h), samples=3)
    assert report.ok, report
    assert permutation(report) == "holds"
    assert not any("pairs" in line for line in report.assumptions if line.startswith("h "))


@pytest.mark.parametrize("shape", [(5, 7), (7, 7)])
def test_a_square_matrix_alone_claims_no_permutation(shape):
    """A linear map and a recurrence over its results: nothing lists nodes."""
    report = eq.diagnose(lambda x, w: torch.tanh(x @ w.T).cumsum(1), (normal(*shape), normal(7, 7, seed=7)), samples=3)
    assert report.ok, report
    assert permutation(report) is None


def test_an_adjacency_shows_nodes_without_positions():
    report = eq.diagnose(lambda x, adj: torch.tanh(adj @ x), (normal(7, 5), NEAR.float()), samples=3)
    assert permutation(report) == "holds", report
