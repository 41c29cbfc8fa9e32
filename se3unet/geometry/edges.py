"""Computes the geometry of the edges of one level, once per graph: frames, splines of lengths, weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from se3unet.geometry.frames import aligning_frames
from se3unet.geometry.graph import Graph, batch_numbers
from se3unet.geometry.radial import radial_basis

# Directions fade below this share of the reach of a neighbourhood, where rounding of the coordinates turns them.
NEAR_FIELD = 0.25


@dataclass(frozen=True)
class EdgeChunk:
    """The E edges into some consecutive nodes of a batch, all samples end to end.

    Attributes:
        nodes: The nodes, numbered through the batch. The k edges into the first node come first.
        sources: [E] int64, numbered through the batch.
        frames, radial, along: [..., E], as in Edges.
    """

    nodes: slice
    sources: Tensor
    frames: Tensor
    radial: Tensor
    along: Tensor


@dataclass(frozen=True)
class Edges:
    """A graph with the geometry of its edges, component-major.

    Attributes:
        graph: The graph.
        frames: [rows, B, N, k], packed frames s^l D_l(F) of the degrees 1.., see `aligning_frames`.
        radial: [SPLINES, B, N, k], see `radial_basis`.
        along: [B, N, k], s d: the edge vector in its frame is (0, s d, 0).
    """

    graph: Graph
    frames: Tensor
    radial: Tensor
    along: Tensor

    def chunks(self) -> Iterator[EdgeChunk]:
        """Yields the edges in chunks of some nodes."""
        samples, nodes, count = self.graph.neighbours.shape
        sources = batch_numbers(self.graph.neighbours, nodes).flatten()
        frames, radial, along = self.frames.flatten(1), self.radial.flatten(1), self.along.flatten()
        size = max(1, edges_at_once(along.device) // count)
        for start in range(0, samples * nodes, size):
            stop = min(start + size, samples * nodes)
            of_edges = slice(start * count, stop * count)
            chunk = slice(start, stop)
            yield EdgeChunk(chunk, sources[of_edges], frames[:, of_edges], radial[:, of_edges], along[of_edges])


def edges_at_once(device: torch.device) -> int:
    """Returns the edges of a chunk: few on a CPU, to bound the memory; on other devices enough to fill them."""
    return 20_480 * torch.get_num_threads() if device.type == "cpu" else 1_048_576


class EdgeGeometry(nn.Module):
    """Evaluates frames and splines on the edges of a graph.

    Frames of degree l are multiplied by s^l, s = d / sqrt(d^2 + (0.25 R)^2) with the reach R of the neighbourhood. If
    two points coincide, a direction is not continuous; the damped harmonics are smooth.
    """

    def __init__(self, max_degree: int) -> None:
        """Sets the highest degree of the fibers, 1 or more."""
        super().__init__()
        if max_degree < 1:
            raise ValueError(f"max_degree: expected 1 or more, got {max_degree}")
        self.max_degree = max_degree

    def forward(self, graph: Graph) -> Edges:
        """Describes the edges of a graph of N points with k neighbours."""
        reach = graph.reach.unsqueeze(-1)
        unit = torch.where(reach > 0, reach, torch.ones_like(reach))
        share = graph.vectors.movedim(-1, 0) / unit
        length = graph.distances / unit
        softened = (length.square() + NEAR_FIELD**2).sqrt()
        # In lower precision frames would not be rotations.
        with torch.autocast(graph.vectors.device.type, enabled=False):
            frames = aligning_frames(share / softened, self.max_degree)
        return Edges(graph, frames, radial_basis(graph.distances), graph.distances * length / softened)

    def extra_repr(self) -> str:
        """Shows the highest degree."""
        return f"max_degree={self.max_degree}"
