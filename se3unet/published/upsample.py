"""Upsampling of the published network (report, section 6), with two defects: its weights and its mask."""

from __future__ import annotations

import dgl
import torch
from torch import Tensor, nn

from se3unet.layers.fibers import Fibers

POWER = 2


class KnownMask(nn.Module):
    """Mask of the nodes that have features.

    Defect: a feature equal to zero counts as unknown.
    """

    def forward(self, features: Fibers) -> Tensor:
        """Maps fibers [n, C_l, 2l+1], zero at dropped nodes, to a mask [n]."""
        return torch.stack([(feature != 0).flatten(1).any(-1) for feature in features.values()]).any(0)


class KnownNeighbours(nn.Module):
    """Edges from nodes with features to nodes without features."""

    def forward(self, known: Tensor, sources: Tensor, targets: Tensor) -> Tensor:
        """Maps a mask of nodes [n] and the edges' node numbers [E], [E] to a mask of edges [E]."""
        return known[sources] & ~known[targets]


class EdgeTableWeights(nn.Module):
    """Inverse distance weights 1 / d^2 of report eq. 6.

    Defect: the distance of an edge is looked up in the table of edges by the number of its source node.
    """

    def forward(self, lengths: Tensor, sources: Tensor) -> Tensor:
        """Maps the lengths [E, 1] of all edges and the source nodes [E] to weights [E]."""
        return lengths[sources, 0] ** -POWER


class Upsample(nn.Module):
    """Features at the dropped nodes as weighted means over their known neighbours (report, eq. 7)."""

    def __init__(self) -> None:
        super().__init__()
        self.mask = KnownMask()
        self.neighbours = KnownNeighbours()
        self.weights = EdgeTableWeights()

    def forward(self, features: Fibers, picks: Tensor, lengths: Tensor, structure: dgl.DGLGraph) -> Fibers:
        """Upsamples features.

        Args:
            features: Fibers [m, C_l, 2l+1] at the picked nodes.
            picks: [m] int64, their numbers in the finer graph.
            lengths: [E, 1], the lengths of the edges of the finer graph.
            structure: The finer graph, n nodes and E edges.

        Returns:
            Fibers [n, C_l, 2l+1]; a dropped node without known neighbours keeps zero.
        """
        size = structure.num_nodes()
        scattered = {
            degree: feature.new_zeros(size, *feature.shape[1:]).index_copy(0, picks, feature)
            for degree, feature in features.items()
        }
        sources, targets = structure.edges()
        known = self.mask(scattered)
        used = self.neighbours(known, sources, targets)
        weights = torch.where(used, self.weights(lengths, sources), lengths.new_zeros(()))
        total = weights.new_zeros(size).index_add(0, targets, weights)
        shares = weights / torch.where(total > 0, total, torch.ones_like(total))[targets]
        return {degree: _spread(feature, shares, sources, targets) for degree, feature in scattered.items()}


def _spread(feature: Tensor, shares: Tensor, sources: Tensor, targets: Tensor) -> Tensor:
    return feature.index_add(0, targets, shares[:, None, None] * feature[sources])
