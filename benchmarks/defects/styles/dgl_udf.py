"""User-defined functions of DGL: messages on edges, reductions on mailboxes, updates on nodes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import mlp, pairs, safe_norm
from equivariance import Contract

NODES, CHANNELS = 8, 5


class UserFunctions(nn.Module):
    """One ``update_all`` with functions of the user's own."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.net = mlp(2 * CHANNELS + 1, CHANNELS, CHANNELS)
        self.weight, self.back = nn.Linear(CHANNELS, 1), nn.Linear(1, CHANNELS)
        self.bias = nn.Parameter(torch.randn(3))

    def message(self, edges):
        between = edges.dst["x"] - edges.src["x"]
        if self.defect == "dgl-source-position":
            between = edges.src["x"]  # planted: dgl-source-position
        length = safe_norm(edges.dst["x"] - edges.src["x"], True)
        scalars = self.net(torch.cat([edges.src["h"], edges.dst["h"], length], -1))
        # A position is as lawful as a vector until it is scaled.
        return {"scalars": scalars, "vectors": self.weight(scalars) * between}  # planted: dgl-source-position

    def reduce(self, nodes):
        vectors = nodes.mailbox["vectors"].mean(1)
        if self.defect == "dgl-first-message":
            vectors = nodes.mailbox["vectors"][:, 0]  # planted: dgl-first-message
        if self.defect == "dgl-largest-component":
            vectors = nodes.mailbox["vectors"].max(1).values  # planted: dgl-largest-component
        return {"scalars": nodes.mailbox["scalars"].sum(1), "vectors": vectors}

    def apply(self, nodes):
        v = nodes.data["v"] + nodes.data["vectors"]
        if self.defect == "dgl-bias-on-vectors":
            v = v + self.bias  # planted: dgl-bias-on-vectors
        return {"h": nodes.data["h"] + nodes.data["scalars"].relu() + self.back(safe_norm(v, True)), "v": v}

    def forward(self, h: Tensor, v: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        import dgl

        graph = dgl.graph(tuple(pairs(len(x))), num_nodes=len(x))
        graph.ndata.update({"h": h, "v": v, "x": x})
        graph.update_all(self.message, self.reduce, self.apply)
        return graph.ndata["h"], graph.ndata["v"]


class Network(nn.Module):
    """A feature and a vector for each node."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, CHANNELS)
        self.layers = nn.ModuleList(UserFunctions(defect if i == depth else "") for i in range(3))

    def forward(self, kinds: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        h, v = self.embed(kinds), torch.zeros_like(x)
        for layer in self.layers:
            h, v = layer(h, v, x)
        return h, v


def network(defect: str, depth: int) -> Example:
    contract = Contract({"h": None, "v": "1x1o", "x": "cartesian_points"}, (None, "1x1o"))
    return Example(
        Network(defect, depth), (torch.randn(NODES, 3), torch.randn(NODES, 3)), (None, "cartesian_points"),
        (None, "1x1o"), {f"layers.{i}": contract for i in range(3)},
    )  # fmt: skip


PLANTINGS = (
    Planting("dgl-source-position", "absolute-position", "translation"),
    Planting("dgl-first-message", "order-dependent", "permutation"),
    Planting("dgl-largest-component", "component-mixing", "rotation", ("inversion",)),
    Planting("dgl-bias-on-vectors", "component-mixing", "rotation", ("inversion",), origin="torchmd/torchmd-net#57"),
)  # fmt: skip
CASES = planted("dgl", network, PLANTINGS, ("e3", "permutation"), requires="dgl")
