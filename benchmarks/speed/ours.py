"""Our network, a block and a layer of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.speed.case import LANDMARKS, Case, Runnable, cloud
from se3unet import SE3Unet, SE3UnetConfig
from se3unet.geometry.edges import EdgeGeometry, Edges
from se3unet.geometry.graph import KNNGraph
from se3unet.layers.attention import MultiHeadAttention
from se3unet.layers.block import BlockSettings, ResidualBlock
from se3unet.layers.fibers import Fibers, fiber_irreps
from se3unet.layers.norms import NormBias

SETTINGS = BlockSettings("attention", heads=1, relative_positions="concatenate", skip="concatenate")


def network(case: Case) -> Runnable:
    """Our U-Net; the loss is the binary cross-entropy against random heatmaps."""
    torch.manual_seed(0)
    config = SE3UnetConfig(neighbours=case.neighbours, channels=case.channels, max_degree=case.degree)
    dtype = torch.float64 if case.precision == "float64" else torch.float32
    model, positions = SE3Unet(config).to(dtype), cloud(case.points, case.batch).to(dtype)
    target = torch.rand(case.batch, case.points, LANDMARKS, dtype=dtype)
    run = torch.compile(model.logits) if case.compiled else model.logits

    def forward() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=case.precision == "bfloat16"):
            return run(positions)

    loss = nn.functional.binary_cross_entropy_with_logits
    return Runnable(forward, lambda logits: loss(logits.to(dtype), target), list(model.parameters()))


class Block(nn.Module):
    """Three attention layers as the published network has them: from a type-1 channel to hidden fibers to one again."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        hidden = fiber_irreps(dict.fromkeys(range(case.degree + 1), case.channels))
        ends = ("1x1e", hidden), (hidden, hidden), (hidden, "1x1e")
        self.layers = nn.ModuleList(ResidualBlock(*pair, SETTINGS, "1x1") for pair in ends)
        self.norms = nn.ModuleList(NormBias(hidden, 1.0) for _ in range(2))

    def forward(self, fibers: Fibers, edges: Edges) -> Fibers:
        first, *others = self.layers
        fibers = first(fibers, edges)
        for norm, layer in zip(self.norms, others, strict=True):
            fibers = layer(norm(fibers), edges)
        return fibers


def block(case: Case) -> Runnable:
    """A block on a graph that is given."""
    positions, edges = cloud(case.points, case.batch), _edges(case)
    torch.manual_seed(0)
    layers, fibers = Block(case), {1: positions.unsqueeze(-2)}
    return Runnable(lambda: layers(fibers, edges), _squares, list(layers.parameters()))


def layer(case: Case) -> Runnable:
    """One attention layer between hidden fibers, on a graph that is given."""
    edges, degrees = _edges(case), range(case.degree + 1)
    torch.manual_seed(0)
    hidden = fiber_irreps(dict.fromkeys(degrees, case.channels))
    attention = MultiHeadAttention(hidden, hidden, 1, "concatenate")
    shape = case.batch, case.points, case.channels
    fibers = {degree: torch.randn(*shape, 2 * degree + 1, requires_grad=True) for degree in degrees}
    return Runnable(lambda: attention(fibers, edges), _squares, list(attention.parameters()))


def _edges(case: Case) -> Edges:
    with torch.no_grad():
        return EdgeGeometry(case.degree)(KNNGraph(case.neighbours)(cloud(case.points, case.batch)))


def _squares(fibers: Fibers) -> Tensor:
    return torch.stack([feature.square().sum() for feature in fibers.values()]).sum()
