"""Why samples of a batch are coupled: a missing batch vector, statistics, sums, the place of a sample, padding."""

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance import Irreps
from equivariance.cause_catalogue import mechanism_named
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

SIZES = (5, 7, 6)
ROWS = eq.Concatenated(0, SIZES)
NODES = eq.Invariant(nodes=0, batch=ROWS)
VECTOR = eq.NodeIndices(nodes=0, batch=ROWS, permuted=False, per_sample=1)
BATCH = torch.repeat_interleave(torch.arange(3), torch.tensor(SIZES))


class GraphNorm(nn.Module):
    def forward(self, x, batch=None):
        batch = torch.zeros(len(x), dtype=torch.long) if batch is None else batch
        count = torch.bincount(batch).to(x.dtype)[:, None]
        mean = torch.zeros(len(count), x.shape[1], dtype=x.dtype).index_add(0, batch, x) / count
        return x - mean[batch]


class Attention(nn.Module):
    def forward(self, x, batch_index=None):
        scores = x @ x.T
        if batch_index is not None:
            scores = scores.masked_fill(batch_index[:, None] != batch_index[None], -torch.inf)
        return scores.softmax(1) @ x


class Centred(nn.Module):
    def forward(self, x, batch):
        mean = torch.zeros(int(batch.max()) + 1, x.shape[1], dtype=x.dtype).index_add(0, batch, x)
        count = torch.bincount(batch).to(x.dtype)[:, None]
        return x - (mean / count)[batch]


class Network(nn.Module):
    """A layer of nodes that is given the batch vector, zeros, or nothing."""

    def __init__(self, layer, given):
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.first, self.given = layer, nn.Linear(4, 4), given

    def forward(self, x, batch):
        h = self.first(x)
        if self.given == "nothing":
            h = self.layer(h)
        else:
            h = self.layer(h, batch if self.given == "batch" else torch.zeros_like(batch))
        return h.tanh()


def findings(network):
    inputs = normal(18, 4), BATCH
    # Attention without a batch vector obeys no law, and only a declared layer is searched by itself.
    contracts = {"layer": eq.Contract({"x": NODES}, NODES)} if network.given == "nothing" else None
    return eq.diagnose(network, inputs, [NODES, VECTOR], NODES, group="batch", contracts=contracts, samples=3).findings


@pytest.mark.parametrize(
    ("layer", "given"), [(GraphNorm, "nothing"), (Attention, "nothing"), (Centred, "zeros"), (GraphNorm, "zeros")]
)
def test_a_batch_vector_that_was_not_handed_over_is_named(layer, given):
    found = findings(Network(layer(), given))
    assert found
    assert {(f.cause, f.mechanism) for f in found} == {("batch-coupled", "missing-batch-vector")}, found
    assert all("Hand over the batch vector" in f.fix for f in found)


@pytest.mark.parametrize("layer", [GraphNorm, Attention, Centred])
def test_a_batch_vector_that_was_handed_over_has_no_finding(layer):
    assert findings(Network(layer(), "batch")) == []


ALL = Irreps("1x1o", nodes=1, batch=0)


@pytest.mark.parametrize(
    ("mechanism", "function", "words"),
    [
        ("batch-statistics", lambda x: x - x.mean((0, 1), keepdim=True), "statistics"),
        ("batch-statistics", lambda x: x / x.norm(dim=-1).max(), "statistics"),
        ("batch-sum", lambda x: x - 0.1 * x.sum((0, 1), keepdim=True), "a sum runs over the whole batch"),
        ("batch-sum", lambda x: x * x.norm(dim=-1, keepdim=True).softmax(0), "a softmax runs over the whole batch"),
        ("batch-sum", lambda x: x * len(x), "depends on the number of samples"),
        ("batch-place", lambda x: x * torch.arange(1, len(x) + 1).to(x)[:, None, None], "place in the batch"),
        ("batch-place", lambda x: x + x[:1], "place in the batch"),
        ("batch-place", lambda x: x.cumsum(0), "place in the batch"),
    ],
)
def test_the_words_name_what_runs_over_the_batch(mechanism, function, words):
    (finding,) = eq.diagnose(function, normal(3, 5, 3), ALL, ALL, group="batch", samples=3).findings
    assert (finding.cause, finding.mechanism) == ("batch-coupled", mechanism), finding.evidence
    assert words in finding.evidence
    assert finding.fix == mechanism_named(mechanism).remedy


def test_samples_of_unknown_sizes_have_no_batch_vector_to_try():
    """As in a container that knows the sizes, whose fields do not."""
    from equivariance._engine.causes.missing_batch_vector import sizes_of_samples

    rows, count = normal(19, 4), 3
    assert sizes_of_samples(rows, eq.Invariant(nodes=0, batch=eq.Concatenated(0)), count) is None
    assert sizes_of_samples(rows[:18], eq.Invariant(nodes=0, batch=eq.Concatenated(0)), count) == [6, 6, 6]
    assert sizes_of_samples(rows[:18], NODES, count) == list(SIZES)
    assert sizes_of_samples(rows, eq.Invariant(nodes=0, batch=None), count) is None
