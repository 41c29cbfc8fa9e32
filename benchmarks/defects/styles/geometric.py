"""Layers of PyTorch Geometric's own ``MessagePassing``; this module imports that library only when a case is built."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import mlp, pairs, safe_norm
from equivariance import Contract, NodeIndices

NODES, CHANNELS = 8, 5
NUMBERS = NodeIndices(nodes=None, batch=None)


def convolution(defect: str) -> nn.Module:
    """A subclass of ``torch_geometric.nn.MessagePassing``."""
    from torch_geometric.nn import MessagePassing

    class Convolution(MessagePassing):
        def __init__(self) -> None:
            super().__init__(aggr="mean")
            self.net = mlp(2 * CHANNELS + 1, CHANNELS, CHANNELS)
            self.weight = nn.Linear(CHANNELS, 1)
            self.back = nn.Linear(1, CHANNELS)

        def forward(self, h: Tensor, v: Tensor, x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
            both = self.propagate(edges, h=h, x=x)
            v = v + both[:, CHANNELS:]
            return h + both[:, :CHANNELS].relu() + self.back(safe_norm(v, True)), v

        def message(self, h_j: Tensor, h_i: Tensor, x_j: Tensor, x_i: Tensor) -> Tensor:
            scalars = self.net(torch.cat([h_j, h_i, safe_norm(x_i - x_j, True)], -1))
            between = x_i - x_j
            if defect == "pyg-neighbour-position":
                between = x_j  # planted: pyg-neighbour-position
            if defect == "pyg-clipped-components":
                between = between.clamp(-0.5, 0.5)  # planted: pyg-clipped-components
            # A position is as lawful as a vector until it is scaled.
            return torch.cat([scalars, self.weight(scalars) * between], -1)  # planted: pyg-neighbour-position

    return Convolution()


class Network(nn.Module):
    """A feature and a vector for each node."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, CHANNELS)
        self.layers = nn.ModuleList(convolution(defect if i == depth else "") for i in range(3))

    def forward(self, kinds: Tensor, x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        h, v = self.embed(kinds), torch.zeros_like(x)
        for layer in self.layers:
            h, v = layer(h, v, x, edges)
        return h, v


def network(defect: str, depth: int) -> Example:
    contract = Contract({"h": None, "v": "1x1o", "x": "cartesian_points", "edges": NUMBERS}, (None, "1x1o"))
    args = (torch.randn(NODES, 3), torch.randn(NODES, 3), pairs(NODES))
    return Example(
        Network(defect, depth), args, (None, "cartesian_points", NUMBERS), (None, "1x1o"),
        {f"layers.{i}": contract for i in range(3)},
    )  # fmt: skip


PLANTINGS = (
    Planting("pyg-neighbour-position", "absolute-position", "translation"),
    Planting("pyg-clipped-components", "component-mixing", "rotation", (), ("",), "ORNL/HydraGNN#194"),
)
CASES = planted("torch_geometric", network, PLANTINGS, ("e3", "permutation"), requires="torch_geometric")
