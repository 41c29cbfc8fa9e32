"""What the layers of one level know about its edges: angular basis, length and weight, computed once per graph."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from se3unet.graph import Graph
from se3unet.kernel import Basis
from se3unet.so3 import KernelBasis

# Directions fade below this share of the reach of a neighbourhood, where rounding of the coordinates turns them.
NEAR_FIELD = 0.25


@dataclass(frozen=True)
class Edges:
    """A graph with the geometry of its edges.

    Attributes:
        graph: the graph.
        invariants: [B, N, k, 1], lengths of the edges.
        basis: per pair (i, o) of degrees [B, N, k, 2o+1, 2i+1, F], see EdgeGeometry.
    """

    graph: Graph
    invariants: Tensor
    basis: Basis


class EdgeGeometry(nn.Module):
    """Evaluates the angular basis on the edges of a graph.

    Frequency J of the basis is multiplied by (d / sqrt(d^2 + s^2))^J with s = 0.25 times the reach of the
    neighbourhood. A direction alone is not continuous where two points meet; its harmonics so damped are, and smooth.
    """

    def __init__(self, max_degree: int) -> None:
        """Set the highest degree of the fibers."""
        super().__init__()
        self.basis = KernelBasis(max_degree)

    def forward(self, graph: Graph) -> Edges:
        """Describe the edges of a graph of N points with k neighbours."""
        reach = graph.reach.unsqueeze(-1)
        share = graph.distances / torch.where(reach > 0, reach, torch.ones_like(reach))
        damping = share / (share.square() + NEAR_FIELD**2).sqrt()
        basis = self.basis(graph.vectors)
        damped = {(i, o): self._damp(kernels, damping, abs(i - o)) for (i, o), kernels in basis.items()}
        return Edges(graph, graph.distances.unsqueeze(-1), damped)

    @staticmethod
    def _damp(kernels: Tensor, damping: Tensor, lowest: int) -> Tensor:
        frequencies = torch.arange(lowest, lowest + kernels.shape[-1], device=kernels.device)
        return kernels * (damping.unsqueeze(-1) ** frequencies)[..., None, None, :]
