"""Functions of the user's that a graph library calls: PyTorch Geometric's message passing, DGL's messages."""

import pytest
import torch
from torch import Tensor, nn

import equivariance as eq
from tests.equivariance.helpers.clouds import POINTS, diagnosed, told
from tests.equivariance.helpers.specimens import normal

geometric = pytest.importorskip("torch_geometric.nn", reason="needs torch_geometric: pip install -e '.[dev]'")

NODES, NEIGHBOURS = 10, 4
EDGES_ARE_NUMBERS = (POINTS, eq.NodeIndices(nodes=None, batch=None))
GROUPS = ["se3", "permutation"]


def edges() -> Tensor:
    """Each node is the target of its nearest neighbours, [2, E]."""
    distances = torch.cdist(normal(NODES, 3), normal(NODES, 3)).fill_diagonal_(torch.inf)
    nearest = distances.topk(NEIGHBOURS, largest=False).indices
    return torch.stack([nearest.flatten(), torch.arange(NODES).repeat_interleave(NEIGHBOURS)])


class Messages(geometric.MessagePassing):
    """Written so that TorchScript takes it."""

    def __init__(self, broken: str = "") -> None:
        super().__init__(aggr="sum", node_dim=0)
        self.broken = broken
        self.weight = nn.Parameter(normal(1, seed=1))

    def forward(self, pos: Tensor, edge_index: Tensor) -> Tensor:
        # propagate_type: (pos: Tensor)
        return self.propagate(edge_index, pos=pos)

    def message(self, pos_i: Tensor, pos_j: Tensor) -> Tensor:
        r = pos_i - pos_j
        m = self.weight * r * torch.exp(-torch.linalg.vector_norm(r, dim=-1, keepdim=True))
        if self.broken == "message":
            m = torch.relu(m)
        return m


class Convolution(Messages):
    def aggregate(self, inputs: Tensor, index: Tensor, dim_size: int) -> Tensor:
        out = torch.zeros([dim_size, 3], dtype=inputs.dtype, device=inputs.device)
        out = out.index_add(0, index, inputs)
        if self.broken == "aggregate":
            out = out.abs()
        return out

    def update(self, out: Tensor) -> Tensor:
        if self.broken == "update":
            out = out + 0.1
        return out * torch.linalg.vector_norm(out, dim=-1, keepdim=True)


class OnEdges(geometric.MessagePassing):
    def __init__(self, broken: str = "") -> None:
        super().__init__(aggr="mean", node_dim=0)
        self.broken = broken

    def forward(self, pos, edge_index):
        r = self.edge_updater(edge_index, pos=pos)
        return self.propagate(edge_index, r=r)

    def edge_update(self, pos_i, pos_j):
        r = pos_i - pos_j
        if self.broken == "edge_update":
            r = r.abs()
        return r

    def message(self, r):
        return r


class Network(nn.Module):
    def __init__(self, convolution):
        super().__init__()
        self.convolution = convolution

    def forward(self, pos, edge_index):
        v = self.convolution(pos, edge_index)
        return 2 * v


def on_graph(convolution, group="so3"):
    return diagnosed(Network(convolution), args=(normal(NODES, 3), edges()), spec=EDGES_ARE_NUMBERS, group=group)


@pytest.mark.parametrize("kind", [Messages, Convolution, OnEdges])
def test_sound_message_passing(kind):
    report = on_graph(kind(), GROUPS)
    assert report.ok, report


@pytest.mark.parametrize(
    ("convolution", "source"),
    [
        (Convolution("message"), "m = torch.relu(m)"),
        (Convolution("aggregate"), "out = out.abs()"),
        (Convolution("update"), "out = out + 0.1"),
        (OnEdges("edge_update"), "r = r.abs()"),
    ],
)
def test_statements_in_message_passing(convolution, source):
    """The library writes and imports code of its own in between (propagate), which is never named."""
    assert told(on_graph(convolution)) == {("convolution", "confirmed", source)}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning", "ignore:.*jittable:UserWarning")
def test_message_passing_that_was_compiled():
    for make in (lambda c: c.jittable(), lambda c: torch.jit.script(c.jittable()), torch.compile):
        assert on_graph(make(Messages()), GROUPS).ok
    broken = torch.jit.script(Messages("message").jittable())
    assert told(on_graph(broken)) == {("", "confirmed", "v = self.convolution(pos, edge_index)")}
    assert told(on_graph(torch.compile(Messages("message")))) == {
        ("convolution._orig_mod", "confirmed", "m = torch.relu(m)")
    }


@pytest.mark.slow
def test_user_defined_functions_of_dgl():
    dgl = pytest.importorskip("dgl", reason="needs DGL: pip install -e '.[dgl]'")

    class UserDefined(nn.Module):
        def __init__(self, broken=""):
            super().__init__()
            self.broken = broken

        def message(self, edges):
            r = edges.src["x"] - edges.dst["x"]
            if self.broken == "message":
                r = torch.relu(r)
            return {"m": r * edges.src["f"][:, None]}

        def reduce(self, nodes):
            m = nodes.mailbox["m"].sum(1)
            if self.broken == "reduce":
                m = m + 0.1
            return {"o": m}

        def apply(self, nodes):
            o = nodes.data["o"]
            if self.broken == "apply":
                o = o.abs()
            return {"o": o * o.norm(dim=-1, keepdim=True)}

        def on_edges(self, edges):
            r = edges.src["x"] - edges.dst["x"]
            if self.broken == "edges":
                r = r.abs()
            return {"r": r}

        def forward(self, graph):
            with graph.local_scope():
                graph.update_all(self.message, self.reduce, self.apply)
                graph.apply_edges(self.on_edges)
                graph.update_all(dgl.function.copy_e("r", "k"), dgl.function.sum("k", "q"))  # in C++, unseen by torch
                return graph.ndata["o"] + graph.ndata["q"]

    source, target = edges()
    graph = dgl.graph((source, target), num_nodes=NODES)
    graph.ndata["x"], graph.ndata["f"] = normal(NODES, 3), normal(NODES, seed=1)
    fields = (eq.GraphFields(ndata={"x": "cartesian_points", "f": None}, edata={}),)
    sound = diagnosed(UserDefined(), args=(graph,), spec=fields, group=GROUPS)
    assert sound.ok, sound
    named = {
        "message": "r = torch.relu(r)", "reduce": "m = m + 0.1", "apply": "o = o.abs()", "edges": "r = r.abs()"
    }  # fmt: skip
    for broken, text in named.items():
        assert told(diagnosed(UserDefined(broken), args=(graph,), spec=fields)) == {("", "confirmed", text)}
