"""The layers of this repository's own network: k nearest neighbours, TFN attention and norm nonlinearities."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.defects.case import Example, Planting, planted
from equivariance import CartesianPoints, Invariant
from se3unet.geometry.edges import EdgeGeometry, Edges
from se3unet.geometry.graph import KNNGraph
from se3unet.layers.block import BlockSettings, ResidualBlock
from se3unet.layers.fibers import Fibers
from se3unet.layers.head import Embed, InvariantHead
from se3unet.layers.norms import NormBias

BATCH, NODES, NEIGHBOURS = 2, 9, 5
HIDDEN = "2x0e+2x1e"
SETTINGS = BlockSettings("attention", 1, "add", "sum")


class Layer(nn.Module):
    """A residual block and a norm nonlinearity."""

    def __init__(self, irreps: object, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.block = ResidualBlock(irreps, HIDDEN, SETTINGS, "1x1")
        self.norm = NormBias(HIDDEN, 1.0)
        self.bias = nn.Parameter(torch.randn(2, 3))

    def forward(self, fibers: Fibers, edges: Edges, x: Tensor) -> Fibers:
        fibers = self.block(fibers, edges)
        scalars, vectors = fibers[0], fibers[1]
        if self.defect == "unet-positions-as-vectors":
            vectors = vectors + 0.2 * x[..., None, :]  # planted: unet-positions-as-vectors
        if self.defect == "unet-bias-on-vectors":
            vectors = vectors + self.bias  # planted: unet-bias-on-vectors
        if self.defect == "unet-relu-on-vectors":
            vectors = nn.functional.leaky_relu(vectors)  # planted: unet-relu-on-vectors
        if self.defect == "unet-first-node-as-centre":
            scalars = scalars - scalars[:, :1]  # planted: unet-first-node-as-centre
        if self.defect == "unet-norm-over-batch":
            vectors = vectors / (1e-3 + vectors.square().mean().sqrt())  # planted: unet-norm-over-batch
        return self.norm({0: scalars, 1: vectors})


class Network(nn.Module):
    """Logits of each point."""

    def __init__(self, defect: str, depth: int) -> None:
        super().__init__()
        self.embed = Embed()
        self.graph = KNNGraph(NEIGHBOURS)
        self.geometry = EdgeGeometry(1)
        irreps = [self.embed.irreps_out, HIDDEN, HIDDEN]
        self.layers = nn.ModuleList(Layer(irreps[i], defect if i == depth else "") for i in range(3))
        self.head = InvariantHead(HIDDEN, 2, 4)

    def forward(self, x: Tensor) -> Tensor:
        fibers, edges = self.embed(x), self.geometry(self.graph(x))
        for layer in self.layers:
            fibers = layer(fibers, edges, x)
        return self.head(fibers)


def network(defect: str, depth: int) -> Example:
    points = CartesianPoints(nodes=1, batch=0)
    return Example(Network(defect, depth), (torch.randn(BATCH, NODES, 3),), (points,), Invariant(nodes=1, batch=0))


PLANTINGS = (
    Planting("unet-positions-as-vectors", "absolute-position", "translation"),
    Planting("unet-bias-on-vectors", "component-mixing", "rotation"),
    Planting("unet-relu-on-vectors", "component-mixing", "rotation"),
    Planting("unet-first-node-as-centre", "order-dependent", "permutation"),
    Planting("unet-norm-over-batch", "batch-coupled", "batch"),
)
CASES = planted("se3unet", network, PLANTINGS, ("se3", "permutation", "batch"), declares=False)
