"""Message passing as in PyTorch Geometric, gather, message, scatter, update, without that library."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import mlp, pairs, safe_norm
from equivariance import Contract, NodeIndices

NODES, CHANNELS = 9, 5
NUMBERS = NodeIndices(nodes=None, batch=None)


class MessagePassing(nn.Module):
    """Gathers at the ends of each edge what ``message`` asks for, and scatters what it returns."""

    def propagate(self, edges: Tensor, h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        source, target = edges
        scalars, vectors = self.message(h[source], h[target], x[source], x[target], source)
        return self.aggregate(scalars, target, len(h)), self.aggregate_vectors(vectors, target, len(h))

    def aggregate(self, messages: Tensor, target: Tensor, count: int) -> Tensor:
        """Sums over the edges that end at each node."""
        index = target[:, None].expand_as(messages)
        return messages.new_zeros(count, messages.shape[1]).scatter_add(0, index, messages)

    def aggregate_vectors(self, messages: Tensor, target: Tensor, count: int) -> Tensor:
        return self.aggregate(messages, target, count) / count

    def message(self, h_j: Tensor, h_i: Tensor, x_j: Tensor, x_i: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        raise TypeError(f"message of {type(self).__name__}: expected a subclass that defines it")


class Convolution(MessagePassing):
    """Messages of features and distances."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.net = mlp(2 * CHANNELS + 1, CHANNELS, CHANNELS)
        self.points, self.azimuth, self.number = nn.Linear(3, CHANNELS), nn.Linear(1, CHANNELS), nn.Linear(1, CHANNELS)
        self.weight, self.back = nn.Linear(CHANNELS, 1), nn.Linear(1, CHANNELS)

    def message(self, h_j: Tensor, h_i: Tensor, x_j: Tensor, x_i: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        between = x_i - x_j
        scalars = self.net(torch.cat([h_j, h_i, safe_norm(between, True)], -1))
        if self.defect == "mp-points-in-network":
            scalars = scalars + self.points(between).tanh()  # planted: mp-points-in-network
        if self.defect == "mp-azimuth":
            angle = torch.atan2(between[:, 1:2], between[:, 0:1])  # planted: mp-azimuth
            scalars = scalars + self.azimuth(angle.cos())  # planted: mp-azimuth
        if self.defect == "mp-number-of-source":
            scalars = scalars + self.number(source[:, None].to(h_j) / NODES)  # planted: mp-number-of-source
        if self.defect == "mp-source-position":
            return scalars, self.weight(scalars) * x_j  # planted: mp-source-position
        return scalars, self.weight(scalars) * between

    def aggregate_vectors(self, messages: Tensor, target: Tensor, count: int) -> Tensor:
        if self.defect == "mp-largest-component":
            index = target[:, None].expand_as(messages)
            empty = messages.new_zeros(count, 3)
            return empty.scatter_reduce(0, index, messages, "amax", include_self=False)  # planted: mp-largest-component
        return super().aggregate_vectors(messages, target, count)

    def forward(self, h: Tensor, v: Tensor, x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        scalars, vectors = self.propagate(edges, h, x)
        v = v + vectors
        return h + scalars.relu() + self.back(safe_norm(v, True)), v


class Network(nn.Module):
    """A feature and a vector for each node."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, CHANNELS)
        self.layers = nn.ModuleList(Convolution(defect if i == depth else "") for i in range(3))

    def forward(self, kinds: Tensor, x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        h, v = self.embed(kinds), torch.zeros_like(x)
        for layer in self.layers:
            h, v = layer(h, v, x, edges)
        return h, v


def network(defect: str, depth: int) -> Example:
    contract = Contract({"h": None, "v": "1x1o", "x": "cartesian_points", "edges": NUMBERS}, (None, "1x1o"))
    args = (torch.randn(NODES, 3), torch.randn(NODES, 3), pairs(NODES)[:, ::2])
    return Example(
        Network(defect, depth), args, (None, "cartesian_points", NUMBERS), (None, "1x1o"),
        {f"layers.{i}": contract for i in range(3)},
    )  # fmt: skip


PLANTINGS = (
    Planting("mp-points-in-network", "component-mixing", "rotation", ("inversion",), ("points", ""),
             "AutodeskAILab/RobustPointSet#3"),
    Planting("mp-azimuth", "frame-dependent", "rotation", ("inversion",), ("azimuth", "")),
    Planting("mp-number-of-source", "order-dependent", "permutation", (), ("number", "")),
    Planting("mp-source-position", "absolute-position", "translation"),
    Planting("mp-largest-component", "component-mixing", "rotation", ("inversion",)),
)  # fmt: skip
CASES = planted("message-passing", network, PLANTINGS, ("e3", "permutation"))
