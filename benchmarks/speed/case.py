"""What is measured: networks and layers with their inputs, each by name, built in a process of its own."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

import faces
from se3unet import SE3Unet, SE3UnetConfig
from se3unet.attention import MultiHeadAttention
from se3unet.block import BlockSettings, ResidualBlock
from se3unet.edges import EdgeGeometry, Edges
from se3unet.fibers import Fibers, fiber_irreps
from se3unet.graph import KNNGraph, batch_numbers
from se3unet.norms import NormBias

POINTS, NEIGHBOURS, LANDMARKS, FACES = 1024, 40, 68, 4
NVIDIA_FOLDER = "SE3_TRANSFORMER"
SETTINGS = BlockSettings("attention", heads=1, relative_positions="concatenate", skip="concatenate")


@dataclass(frozen=True)
class Case:
    """One measurement.

    Attributes:
        subject: what runs, a key of `SUBJECTS`.
        points, batch, neighbours, channels, degree: its size.
        precision: 'float32', 'float64' or 'bfloat16' (autocast).
        compiled: through torch.compile.
        keeps: after `se3unet.memory.keep_freed_memory`.
    """

    subject: str
    points: int = POINTS
    batch: int = 1
    neighbours: int = NEIGHBOURS
    channels: int = 5
    degree: int = 2
    precision: str = "float32"
    compiled: bool = False
    keeps: bool = False


@dataclass(frozen=True)
class Runnable:
    """A case that has been built: the forward pass, the parameters, and what to optimize."""

    forward: Callable[[], Any]
    loss: Callable[[Any], Tensor]
    parameters: list[nn.Parameter] = field(default_factory=list)


def cloud(points: int, batch: int) -> Tensor:
    """[batch, points, 3] float32: faces of 1,024 points; at other sizes a bumpy sheet, as dense as these."""
    if points == POINTS:
        sample = faces.sample(min(batch, FACES)).positions
        return sample.repeat(-(-batch // len(sample)), 1, 1)[:batch]
    generator = torch.Generator().manual_seed(points)
    flat = torch.rand(batch, points, 2, generator=generator) * 2 * (points / POINTS) ** 0.5
    height = 0.3 * torch.sin(3 * flat[..., :1]) * torch.cos(2 * flat[..., 1:])
    return torch.cat([flat, height], -1)


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


def published(case: Case) -> Runnable:
    """The published network, defects included, on DGL: the mathematics of the original in code of our own."""
    from se3unet.published import PublishedUnet, published_graph

    model, positions = PublishedUnet(0), cloud(case.points, case.batch)
    target = torch.rand(case.batch, case.points, LANDMARKS)
    loss = nn.functional.binary_cross_entropy_with_logits
    # A pass changes its graph, so that each has its own.
    return Runnable(
        lambda: model(published_graph(positions)), lambda logits: loss(logits, target), list(model.parameters())
    )


def nvidia(case: Case) -> Runnable:
    """NVIDIA's SE3-Transformer: two attention layers and a convolution, from a type-1 channel to one again.

    From the folder that the environment variable SE3_TRANSFORMER names; it is not part of this repository.
    """
    import dgl

    sys.path.insert(0, os.environ[NVIDIA_FOLDER])
    # Marks for a profiler of graphics cards, which raise where there is none.
    torch.cuda.nvtx.range = lambda *_, **__: contextlib.nullcontext()
    from se3_transformer.model import Fiber, SE3Transformer
    from se3_transformer.model.basis import get_basis

    torch.manual_seed(0)
    ends, hidden = Fiber({1: 1}), Fiber(dict.fromkeys(range(case.degree + 1), case.channels))
    model = SE3Transformer(2, ends, hidden, ends, num_heads=1, channels_div=1)
    graph = KNNGraph(case.neighbours)(cloud(case.points, case.batch))
    count, nodes = case.neighbours, case.batch * case.points
    sources = batch_numbers(graph.neighbours, case.points).flatten()
    edges = dgl.graph((sources, torch.arange(nodes).repeat_interleave(count)), num_nodes=nodes)
    edges.edata["rel_pos"] = graph.vectors.flatten(0, 2)
    with torch.no_grad():
        basis = get_basis(edges.edata["rel_pos"], max_degree=case.degree, compute_gradients=False)
    features = {"1": graph.positions.flatten(0, 1).unsqueeze(1)}
    return Runnable(
        lambda: model(edges, features, basis=dict(basis)), lambda out: out["1"].square().sum(), list(model.parameters())
    )


def _edges(case: Case) -> Edges:
    with torch.no_grad():
        return EdgeGeometry(case.degree)(KNNGraph(case.neighbours)(cloud(case.points, case.batch)))


def _squares(fibers: Fibers) -> Tensor:
    return torch.stack([feature.square().sum() for feature in fibers.values()]).sum()


SUBJECTS: dict[str, Callable[[Case], Runnable]] = {
    "network": network,
    "block": block,
    "layer": layer,
    "published": published,
    "nvidia": nvidia,
}
