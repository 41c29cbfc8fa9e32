"""SchNet: continuous filters on distances, invariant features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from benchmarks.defects.parts import mlp, smooth_cutoff
from equivariance import Contract

NODES, CHANNELS, BASIS, CUTOFF = 8, 6, 8, 3.0


class Interaction(nn.Module):
    """Messages weighted by a filter that a network makes of the distance."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.filter = mlp(BASIS, CHANNELS, CHANNELS)
        self.update = mlp(CHANNELS, CHANNELS, CHANNELS)
        self.position = nn.Linear(3, CHANNELS)
        self.extra = nn.Linear(1, CHANNELS)
        self.register_buffer("centres", torch.linspace(0, CUTOFF, BASIS))

    def distances(self, x: Tensor) -> Tensor:
        edges = x[:, None] - x
        if self.defect == "schnet-manhattan-distance":
            return edges.abs().sum(-1)  # planted: schnet-manhattan-distance
        if self.defect == "schnet-expanded-square":
            squares = (x * x).sum(-1)
            squares = squares[:, None] + squares - 1.9 * x @ x.T  # planted: schnet-expanded-square
            return squares.clamp(min=0.01).sqrt()
        if self.defect == "schnet-float32-distance":
            edges = edges.float().to(x)  # planted: schnet-float32-distance
        return edges.square().sum(-1).clamp(min=1e-12).sqrt()

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        distances = self.distances(x)
        weights = self.filter((-4 * (distances[..., None] - self.centres).square()).exp())
        weights = weights * smooth_cutoff(distances, CUTOFF)[..., None]
        if self.defect == "schnet-slab":
            height = (x[:, None] - x)[..., 2].square()  # planted: schnet-slab
            weights = weights * torch.exp(-height)[..., None]  # planted: schnet-slab
        if self.defect == "schnet-index-decay":
            numbers = torch.arange(len(x), device=x.device)
            weights = weights / (1 + (numbers[:, None] - numbers).abs())[..., None]  # planted: schnet-index-decay
        if self.defect == "schnet-neighbour-cap":
            counted = (distances < CUTOFF).long().cumsum(1)  # planted: schnet-neighbour-cap
            weights = torch.where(counted[..., None] <= 4, weights, 0)  # planted: schnet-neighbour-cap
        h = h + 4 * self.update(torch.einsum("ijc,jc->ic", weights, h))
        if self.defect == "schnet-radius-feature":
            h = h + self.extra(x.norm(dim=-1, keepdim=True))  # planted: schnet-radius-feature
        if self.defect == "schnet-position-feature":
            h = h + self.position(x)  # planted: schnet-position-feature
        return h


class SchNet(nn.Module):
    """An energy for each node."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, CHANNELS)
        self.layers = nn.ModuleList(Interaction(defect if i == depth else "") for i in range(3))
        self.head = mlp(CHANNELS, CHANNELS, 1)

    def forward(self, kinds: Tensor, x: Tensor) -> Tensor:
        h = self.embed(kinds)
        for layer in self.layers:
            h = layer(h, x)
        return self.head(h)


def network(defect: str, depth: int) -> Example:
    contract = Contract({"h": None, "x": "cartesian_points"}, None)
    return Example(
        SchNet(defect, depth), (torch.randn(NODES, 3), torch.randn(NODES, 3)), (None, "cartesian_points"), None,
        {f"layers.{i}": contract for i in range(3)},
    )  # fmt: skip


PLANTINGS = (
    Planting("schnet-manhattan-distance", "component-mixing", "rotation"),
    Planting("schnet-expanded-square", "absolute-position", "translation"),
    Planting("schnet-float32-distance", "precision", "rotation", dtypes=("float64",),
             origin="mir-group/nequip#610"),
    Planting("schnet-slab", "frame-dependent", "rotation"),
    Planting("schnet-index-decay", "order-dependent", "permutation", origin="openmm/openmm-ml#130"),
    Planting("schnet-neighbour-cap", "order-dependent", "permutation", origin="rusty1s/pytorch_cluster#106"),
    Planting("schnet-radius-feature", "absolute-position", "translation"),
    Planting("schnet-position-feature", "absolute-position", "translation", ("rotation", "inversion"),
             ("position", ""), "AutodeskAILab/RobustPointSet#3"),
)  # fmt: skip
CASES = planted("schnet", network, PLANTINGS, ("e3", "permutation"))
