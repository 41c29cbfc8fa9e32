"""EGNN: invariant features, and positions that are moved along the edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import mlp
from equivariance import Contract

NODES, CHANNELS = 8, 6


class Layer(nn.Module):
    """One exchange of messages between all nodes."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.message = mlp(2 * CHANNELS + 1, CHANNELS, CHANNELS)
        self.weigh = mlp(CHANNELS, CHANNELS, 1)
        self.update = mlp(2 * CHANNELS, CHANNELS, CHANNELS)
        self.bias = nn.Parameter(torch.randn(3))
        self.chiral = nn.Linear(1, CHANNELS)

    def messages(self, h: Tensor, x: Tensor) -> Tensor:
        """[N, N, C], from node j to node i."""
        if self.defect == "egnn-normalized-positions":
            x = x / x.norm(dim=-1, keepdim=True)  # planted: egnn-normalized-positions
        squares = (x[:, None] - x).square().sum(-1, keepdim=True)
        ends = (h[:, None].expand(-1, len(h), -1), h.expand(len(h), -1, -1))
        return self.message(torch.cat([*ends, squares], -1))

    def moved(self, x: Tensor, messages: Tensor) -> Tensor:
        """Positions after the update."""
        edges, weights = x[:, None] - x, self.weigh(messages) / len(x)
        if self.defect == "egnn-absolute-neighbour":
            return x + (weights * x).sum(1)  # planted: egnn-absolute-neighbour
        if self.defect == "egnn-clamped-shift":
            return x + (weights * edges).clamp(-0.02, 0.02).sum(1)  # planted: egnn-clamped-shift
        if self.defect == "egnn-tanh-shift":
            return x + (weights * edges.tanh()).sum(1)  # planted: egnn-tanh-shift
        if self.defect == "egnn-layernorm-edges":
            edges = nn.functional.layer_norm(edges, (3,))  # planted: egnn-layernorm-edges
        if self.defect == "egnn-mean-of-everything":
            return x + 0.3 * (x - x.mean())  # planted: egnn-mean-of-everything
        if self.defect == "egnn-position-bias":
            x = x + self.bias  # planted: egnn-position-bias
        return x + (weights * edges).sum(1)

    def forward(self, h: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        messages = self.messages(h, x)
        total = messages.sum(1)
        if self.defect == "egnn-running-sum":
            total = total.cumsum(0) / len(h)  # planted: egnn-running-sum
        if self.defect == "egnn-handedness":
            centred = x - x.mean(0)
            moments = nn.functional.normalize(total.T[:3] @ centred, dim=-1)
            total = total + self.chiral(torch.linalg.det(moments)[None])  # planted: egnn-handedness
        return h + self.update(torch.cat([h, total], -1)), self.moved(x, messages)


class EGNN(nn.Module):
    """Features and moved positions."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, CHANNELS)
        self.layers = nn.ModuleList(Layer(defect if i == depth else "") for i in range(3))

    def forward(self, kinds: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.embed(kinds)
        for layer in self.layers:
            h, x = layer(h, x)
        return h, x


def network(defect: str, depth: int) -> Example:
    contract = Contract({"h": None, "x": "cartesian_points"}, (None, "cartesian_points"))
    return Example(
        EGNN(defect, depth), (torch.randn(NODES, 3), torch.randn(NODES, 3)), (None, "cartesian_points"),
        (None, "cartesian_points"), {f"layers.{i}": contract for i in range(3)},
    )  # fmt: skip


PLANTINGS = (
    Planting("egnn-normalized-positions", "absolute-position", "translation",
             origin="Intelligent-Drug-Discovery-Lab/EquiScore#8"),
    Planting("egnn-absolute-neighbour", "absolute-position", "translation", origin="pengxingang/Pocket2Mol#23"),
    Planting("egnn-clamped-shift", "component-mixing", "rotation", origin="ORNL/HydraGNN#194"),
    Planting("egnn-tanh-shift", "component-mixing", "rotation"),
    Planting("egnn-layernorm-edges", "component-mixing", "rotation", origin="pengxingang/Pocket2Mol#16"),
    Planting("egnn-mean-of-everything", "component-mixing", "rotation", ("translation",),
             origin="MediaBrain-SJTU/EqMotion#1"),
    Planting("egnn-position-bias", "component-mixing", "rotation", ("inversion",)),
    Planting("egnn-running-sum", "order-dependent", "permutation"),
    Planting("egnn-handedness", "wrong-irrep", "inversion", (), ("chiral", "")),
)  # fmt: skip
CASES = planted("egnn", network, PLANTINGS, ("e3", "permutation"))
