"""SE(3)-Transformer of the published network: attention on the edges of a DGL graph (report, eq. 3 and 4)."""

from __future__ import annotations

import math

import dgl
import torch
from dgl import function as fn
from dgl.nn.functional import edge_softmax
from e3nn import o3
from torch import Tensor, nn

from se3unet.layers.dense.kernel import RelativePositions, TFNLinear
from se3unet.layers.fibers import Fibers, channels_by_degree, fiber_irreps
from se3unet.layers.interaction import AttentiveSelfInteraction, ConcatenateSkip, SelfInteraction
from se3unet.layers.norms import NormBias
from se3unet.published.graphs import Edges

COORDINATES = o3.Irreps("1x1e")
HIDDEN = o3.Irreps("5x0e+5x1e+5x2e")


class EdgeAttention(nn.Module):
    """Attention with one head: softmax over the incoming edges of each node, then the weighted sum of the values."""

    def forward(self, values: Fibers, keys: Fibers, queries: Fibers, structure: dgl.DGLGraph) -> Fibers:
        """Attends over the incoming edges.

        Args:
            values: Fibers [E, C_l, 2l+1] on the edges.
            keys: Fibers [E, C_l, 2l+1] on the edges.
            queries: Fibers [n, C_l, 2l+1] on the nodes, of the same irreps as the keys.
            structure: Graph of n nodes and E edges.

        Returns:
            Fibers [n, C_l, 2l+1] on the nodes.
        """
        with structure.local_scope():
            key = _flatten(keys)
            structure.edata["key"] = key
            structure.ndata["query"] = _flatten(queries)
            structure.apply_edges(fn.e_dot_v("key", "query", "logit"))
            logits = structure.edata["logit"] / math.sqrt(key.shape[-1])
            weights = edge_softmax(structure, logits)
            output: Fibers = {}
            for degree, value in values.items():
                structure.edata["message"] = weights.unsqueeze(-1) * value
                structure.update_all(fn.copy_e("message", "message"), fn.sum("message", "sum"))
                output[degree] = structure.ndata["sum"]
            return output


def _flatten(fibers: Fibers) -> Tensor:
    return torch.cat([feature.flatten(-2) for feature in fibers.values()], -1)


class AttentionBlock(nn.Module):
    """Attention over the neighbourhood and a skip connection by concatenation (GSE3Res)."""

    def __init__(self, irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str, attentive: bool) -> None:
        """Sets up the layers.

        Args:
            irreps_in: Fibers of the input.
            irreps_out: Fibers of the output and of the values.
            attentive: If True, an attentive self-interaction replaces the 1x1 projection.
        """
        super().__init__()
        self.irreps_in, self.irreps_out = o3.Irreps(irreps_in), o3.Irreps(irreps_out)
        channels_in, channels_out = channels_by_degree(irreps_in), channels_by_degree(irreps_out)
        keys = fiber_irreps({degree: count for degree, count in channels_out.items() if degree in channels_in})
        # As published, relative positions are not added to a lone type-1 channel.
        self.relative = RelativePositions(irreps_in, "add") if channels_in[1] > 1 else None
        self.value = TFNLinear(irreps_in, irreps_out, edge_scalars=1)
        self.key = TFNLinear(irreps_in, keys, edge_scalars=1)
        self.query = SelfInteraction(irreps_in, keys)
        self.attention = EdgeAttention()
        self.skip = ConcatenateSkip(irreps_out, irreps_in)
        project = AttentiveSelfInteraction if attentive else SelfInteraction
        self.project = project(self.skip.irreps_out, irreps_out)

    def forward(self, features: Fibers, edges: Edges) -> Fibers:
        """Maps fibers [n, C_l, 2l+1] to fibers [n, C'_l, 2l+1] on the same nodes."""
        sources, _ = edges.structure.edges()
        gathered = {degree: feature[sources] for degree, feature in features.items()}
        if self.relative is not None:
            gathered = self.relative(gathered, edges.relative)
        values = self.value(gathered, edges.invariants, edges.basis)
        keys = self.key(gathered, edges.invariants, edges.basis)
        attended = self.attention(values, keys, self.query(features), edges.structure)
        return self.project(self.skip(attended, features))


class SE3Transformer(nn.ModuleList):
    """Three attention blocks with norm biases between them, from one type-1 channel to one type-1 channel."""

    irreps_in = COORDINATES
    irreps_out = COORDINATES

    def __init__(self, attentive: bool = False) -> None:
        """Sets up the layers. If `attentive`, the last self-interaction is attentive."""
        super().__init__(
            [
                AttentionBlock(COORDINATES, HIDDEN, attentive=False),
                NormBias(HIDDEN),
                AttentionBlock(HIDDEN, HIDDEN, attentive=False),
                NormBias(HIDDEN),
                AttentionBlock(HIDDEN, COORDINATES, attentive),
            ]
        )

    def forward(self, features: Fibers, edges: Edges) -> Fibers:
        """Maps fibers {1: [n, 1, 3]} to fibers {1: [n, 1, 3]} on the same nodes."""
        first, *rest = self
        features = first(features, edges)
        for norm, attention in zip(rest[::2], rest[1::2], strict=True):
            features = attention(norm(features), edges)
        return features
