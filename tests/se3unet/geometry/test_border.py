import sys

import pytest
import torch

from se3unet import KNNGraph, from_dgl, to_dgl
from tests.se3unet.clouds import random_cloud


def cloud_graph():
    return KNNGraph(5)(torch.stack([random_cloud(20, seed=1), random_cloud(20, seed=2)]))


@pytest.fixture
def dgl():
    return pytest.importorskip("dgl", reason="needs DGL: pip install 'equivariance[dgl]'")


def test_a_graph_survives_dgl(dgl):
    graph = cloud_graph()
    converted = to_dgl(graph)
    assert converted.batch_size == 2
    sources, targets = converted.edges()
    vectors = converted.ndata["x"][targets] - converted.ndata["x"][sources]
    assert torch.equal(converted.edata["d"], vectors)
    back = from_dgl(converted)
    for name in ("positions", "neighbours", "vectors", "distances", "envelope"):
        assert torch.equal(getattr(back, name), getattr(graph, name)), name


def test_edges_may_come_in_any_order(dgl):
    graph = cloud_graph()
    sources, targets = to_dgl(graph).edges()
    order = torch.randperm(len(sources), generator=torch.Generator().manual_seed(0))
    shuffled = dgl.graph((sources[order], targets[order]), num_nodes=40)
    shuffled.set_batch_num_nodes(torch.tensor([20, 20]))
    shuffled.set_batch_num_edges(torch.tensor([100, 100]))
    shuffled.ndata["x"] = graph.positions.flatten(0, 1)
    assert torch.equal(from_dgl(shuffled).neighbours, graph.neighbours)


def test_samples_of_dgl_batches_are_told_apart(dgl):
    graph = cloud_graph()
    parts = [dgl.graph((part.flatten(), torch.arange(20).repeat_interleave(5))) for part in graph.neighbours]
    for part, positions in zip(parts, graph.positions, strict=True):
        part.ndata["x"] = positions
    assert torch.equal(from_dgl(dgl.batch(parts)).neighbours, graph.neighbours)


def test_graphs_that_do_not_fit_are_an_error(dgl):
    bare = dgl.graph(([0, 1], [1, 0]))
    with pytest.raises(ValueError, match=r"graph: expected positions in ndata\['x'\], got fields \[\]"):
        from_dgl(bare)
    uneven = dgl.graph(([0, 1, 2], [1, 0, 0]))
    uneven.ndata["x"] = torch.zeros(3, 3)
    with pytest.raises(ValueError, match=r"same number of edges into every node, got \[0, 1, 2\]"):
        from_dgl(uneven)
    sizes = dgl.batch([dgl.graph(([0, 1], [1, 0])), dgl.graph(([0, 1, 2], [1, 2, 0]))])
    sizes.ndata["x"] = torch.zeros(5, 3)
    with pytest.raises(ValueError, match=r"same number of nodes, got \[2, 3\]"):
        from_dgl(sizes)


def test_without_dgl_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dgl", None)
    with pytest.raises(ImportError, match="to_dgl needs DGL: pip install"):
        to_dgl(cloud_graph())


def test_other_things_than_graphs_are_refused(dgl):
    with pytest.raises(ValueError, match="graph: expected a DGL graph, got Tensor"):
        from_dgl(torch.zeros(3))
    with pytest.raises(ValueError, match=r"graph: expected a se3unet\.Graph, got Tensor"):
        to_dgl(torch.zeros(3))
    flat = to_dgl(cloud_graph())
    flat.ndata["x"] = flat.ndata["x"][:, :2]
    with pytest.raises(ValueError, match=r"graph: expected positions of shape \[n, 3\], got \[40, 2\]"):
        from_dgl(flat)
