"""Arguments that a module makes itself, and networks that raise an error on reordered input."""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

aggregations = pytest.importorskip("torch_geometric.nn")

EDGES = torch.tensor([[1, 2, 3, 0, 2, 3, 0], [0, 0, 0, 1, 1, 2, 3]])  # sorted by target


def told(report):
    return [(f.symmetry, f.cause) for f in report.findings]


class Pool(nn.Module):
    """Adds the number of each row's sample in ``__call__``, as PyG's aggregations do."""

    def __init__(self, bug):
        super().__init__()
        self.bug = bug

    def __call__(self, x, index=None):
        return super().__call__(x, index=torch.zeros(len(x), dtype=torch.long) if index is None else index)

    def forward(self, x, index=None):
        return torch.zeros(1, x.shape[1], dtype=x.dtype).index_add(0, index, x) + (x[0] if self.bug else 0)


@pytest.mark.parametrize("given", [{}, {"irreps_in": (eq.Invariant(nodes=0, batch=None),)}])
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (aggregations.MeanAggregation, []),
        (aggregations.MaxAggregation, []),
        (lambda: Pool(False), []),
        (lambda: aggregations.LSTMAggregation(4, 5), [("permutation", "order-dependent")]),
        (lambda: Pool(True), [("permutation", "order-dependent")]),
    ],
)
def test_an_argument_that_the_module_makes_itself_needs_no_declaration(make, expected, given):
    report = eq.diagnose(make(), (normal(7, 4),), group="permutation", samples=3, **given)
    assert told(report) == expected, report


def refuses_disorder(x, edges):
    if (edges[1].diff() < 0).any():
        raise ValueError("targets are not sorted")
    return torch.zeros_like(x).index_add(0, edges[1], x[edges[0]])


def needs_the_first(x):
    assert x[0].sum() == x.sum(1).max(), "the largest first"
    return x


LARGEST_FIRST = normal(5, 4).abs().sort(dim=0, descending=True).values
FEATURES = eq.Invariant(nodes=0)


@pytest.mark.parametrize(
    ("network", "args", "irreps_in", "reason"),
    [
        (lambda: aggregations.SAGEConv(4, 5, aggr="lstm"), (normal(4, 4), EDGES), None, "tensor is not sorted"),
        (
            lambda: refuses_disorder, (normal(4, 4), EDGES), (FEATURES, eq.NodeIndices(nodes=None)),
            "ValueError: targets are not sorted",
        ),
        (lambda: needs_the_first, (LARGEST_FIRST,), (FEATURES,), "AssertionError: the largest first"),
    ],
)  # fmt: skip
def test_a_network_that_refuses_reordered_input_gets_a_finding_with_its_error(network, args, irreps_in, reason):
    given = {} if irreps_in is None else {"irreps_in": irreps_in}
    report = eq.diagnose(network(), args, group="permutation", samples=3, **given)
    assert told(report) == [("permutation", "order-dependent")], report
    assert reason in report.findings[0].evidence
