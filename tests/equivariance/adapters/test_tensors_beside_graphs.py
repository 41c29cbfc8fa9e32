"""Tensors beside a graph of a library list its nodes or its edges, by their lengths. Nothing is declared."""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

dgl = pytest.importorskip("dgl", reason="needs DGL: pip install -e '.[dgl]'")
geometric = pytest.importorskip("torch_geometric.data", reason="needs torch_geometric: pip install -e '.[dev]'")

pytestmark = pytest.mark.numeric

SIZES = (5, 4)
POS = normal(9, 3, seed=3)
NUMBERS = torch.arange(2).repeat_interleave(torch.tensor(SIZES))


def near(chosen):
    """Edges between the chosen nodes, [2, E], numbered among them."""
    return (torch.cdist(POS[chosen], POS[chosen]) < 4).fill_diagonal_(False).nonzero().T.contiguous()


def of_dgl(count):
    graphs = [dgl.graph(tuple(near(k == NUMBERS)), num_nodes=SIZES[k]) for k in range(count)]
    return dgl.batch(graphs)


def of_geometric(count):
    graphs = [geometric.Data(edge_index=near(k == NUMBERS), num_nodes=SIZES[k]) for k in range(count)]
    return geometric.Batch.from_data_list(graphs)


def ends(graph):
    return graph.edges() if isinstance(graph, dgl.DGLGraph) else graph.edge_index


class Messages(nn.Module):
    """Sums what comes along the edges; a bug reads the order of the nodes, or of the edges."""

    def __init__(self, bug=""):
        super().__init__()
        self.bug = bug

    def messages(self, graph, x, weights):
        source, target = ends(graph)
        if self.bug == "edges":
            weights = weights * (1 + torch.arange(len(weights)))[:, None]
        found = torch.zeros_like(x).index_add(0, target, x[source] * weights)
        return found * (1 + torch.arange(len(x)))[:, None] if self.bug == "nodes" else found.tanh()


class OnNodesAndEdges(Messages):
    def forward(self, graph, node_features, edge_features):
        return self.messages(graph, node_features, edge_features[..., 0])


class EdgesFirst(Messages):
    def forward(self, w_e, graph, h):
        return self.messages(graph, h, w_e)


class InATuple(Messages):
    def forward(self, graph, features):
        return self.messages(graph, *features)


class WithPositions(Messages):
    def forward(self, graph, pos, weights):
        source, target = ends(graph)
        return self.messages(graph, torch.ones_like(pos), weights * (pos[source] - pos[target]).norm(dim=1)[:, None])


def arguments(network, graph):
    nodes, edges = sum(SIZES) if _count(graph) > 1 else SIZES[0], len(ends(graph)[0])
    h, w = normal(nodes, 6, seed=4), normal(edges, 1, seed=5)
    of = {
        OnNodesAndEdges: (graph, h, w[..., None]), EdgesFirst: (w, graph, h), InATuple: (graph, (h, w)),
        WithPositions: (graph, POS[:nodes], w),
    }  # fmt: skip
    return of[network]


def _count(graph):
    return graph.batch_size if isinstance(graph, dgl.DGLGraph) else graph.num_graphs


@pytest.mark.parametrize("network", [OnNodesAndEdges, EdgesFirst, InATuple, WithPositions])
@pytest.mark.parametrize("graph", [of_dgl, of_geometric])
@pytest.mark.parametrize("bug", ["", "nodes", "edges"])
def test_rows_follow_the_nodes_and_the_edges_of_the_graph(network, graph, bug):
    report = eq.diagnose(network(bug), arguments(network, graph(1)), samples=3)
    verdicts = {v.symmetry: v.verdict for v in report.verdicts if v.claimed}
    assert verdicts["permutation"] == ("broken" if bug else "holds"), report
    assert {f.symmetry for f in report.findings} == ({"permutation"} if bug else set())


@pytest.mark.parametrize("graph", [of_dgl, of_geometric])
@pytest.mark.parametrize("coupled", [False, True])
def test_rows_of_a_batch_are_selected_with_its_graphs(graph, coupled):
    class Batched(OnNodesAndEdges):
        def forward(self, graph, node_features, edge_features):
            found = super().forward(graph, node_features, edge_features)
            return found + found.mean(0) if coupled else found

    given = arguments(OnNodesAndEdges, graph(2))
    report = eq.diagnose(Batched(), given, samples=3)
    verdicts = {v.symmetry: v.verdict for v in report.verdicts if v.claimed}
    assert verdicts == {"permutation": "holds", "batch": "broken" if coupled else "holds"}, report
