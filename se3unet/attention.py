"""Layers that pass messages along the edges of a neighbourhood: attention, and the convolution left without it."""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor, nn

from se3unet.edges import Edges
from se3unet.fibers import Fibers, channels_by_degree, fiber_irreps
from se3unet.graph import gather
from se3unet.interaction import SelfInteraction
from se3unet.kernel import RelativeMode, RelativePositions, TFNLinear

# Sum of envelope weights at which a neighbourhood is heard at half strength; it is 20 where 40 neighbours surround a
# point. Where all distances tie the envelope is zero up to rounding, and so are the messages.
FAINT = 0.01


def _audibility(envelope: Tensor) -> Tensor:
    """Factor U / (U + FAINT) of each node, [B, N, 1], with U the sum of the envelope [B, N, k]."""
    total = envelope.sum(-1, keepdim=True)
    return total / (total + FAINT)


def enveloped_softmax(logits: Tensor, envelope: Tensor) -> Tensor:
    """Attention weights alpha_ij = u_ij exp(s_ij) / sum_j' u_ij' exp(s_ij') (report, eq. 4, with an envelope u).

    A neighbour of envelope 0 gets weight 0. The weights of a node are scaled by U / (U + 0.01), U = sum_j u_ij, so that
    they vanish, rather than jump, where all u do.

    Args:
        logits: [B, N, k, H], s.
        envelope: [B, N, k], u.

    Returns:
        [B, N, k, H].
    """
    counts = (envelope > 0).unsqueeze(-1)
    shift = logits.detach().masked_fill(~counts, -torch.inf).amax(2, keepdim=True)
    exponents = torch.where(counts, logits - shift, torch.zeros_like(logits))
    terms = envelope.unsqueeze(-1) * exponents.exp()
    total = terms.sum(2, keepdim=True)
    alpha = terms / torch.where(total > 0, total, torch.ones_like(total))
    return alpha * _audibility(envelope).unsqueeze(-1)


def _bounded(vectors: Tensor) -> Tensor:
    """Divide vectors [..., D] by sqrt(|v|^2 + D), which leaves them shorter than 1."""
    return vectors / (vectors.square().sum(-1, keepdim=True) + vectors.shape[-1]).sqrt()


class TFNConvolution(nn.Module):
    """Tensor field convolution: attention removed from eq. 3 of the report, messages averaged by the envelope."""

    def __init__(
        self, irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str, relative_positions: RelativeMode
    ) -> None:
        """Set up the kernel.

        Args:
            irreps_in: fibers of the nodes.
            irreps_out: fibers of the messages.
            relative_positions: how edge vectors join the features of the source.
        """
        super().__init__()
        self.relative = RelativePositions(irreps_in, relative_positions)
        self.value = TFNLinear(self.relative.irreps_out, irreps_out)
        self.irreps_in, self.irreps_out = self.relative.irreps_in, self.value.irreps_out

    def forward(self, fibers: Fibers, edges: Edges) -> Fibers:
        """Convolve fibers [B, N, C_l, 2l+1] to fibers [B, N, C'_l, 2l+1]."""
        graph = edges.graph
        sources = {degree: gather(feature, graph.neighbours) for degree, feature in fibers.items()}
        values = self.value(self.relative(sources, graph.vectors), edges.invariants, edges.basis)
        weights = graph.envelope / (graph.envelope.sum(-1, keepdim=True) + FAINT)
        return {degree: torch.einsum("bnk,bnkcm->bncm", weights, value) for degree, value in values.items()}


class MultiHeadAttention(nn.Module):
    """Attention of a node over its neighbourhood (report, eq. 3 without its self-interaction, and eq. 4).

    Values and keys are TFN-type linear maps of the neighbour's features and the edge vector, queries a linear
    self-interaction. Each head has its share of the channels of every degree; its logits are the inner products of
    query and key, divided by the square root of the number of components.
    """

    def __init__(
        self, irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str, heads: int, relative_positions: RelativeMode
    ) -> None:
        """Set up queries, keys and values.

        Args:
            irreps_in: fibers of the nodes.
            irreps_out: fibers of the messages; keys and queries have those of its degrees that `irreps_in` has.
            heads: number of heads H.
            relative_positions: how edge vectors join the features of the source.

        Raises:
            ValueError: heads do not divide the channels of every degree, or no degree is left for the keys.
        """
        super().__init__()
        channels_in, channels_out = channels_by_degree(irreps_in), channels_by_degree(irreps_out)
        keys = {degree: count for degree, count in channels_out.items() if degree in channels_in}
        if not keys:
            raise ValueError(f"irreps_out: expected a degree in common with irreps_in={irreps_in}, got {irreps_out}")
        if heads < 1 or any(count % heads for count in channels_out.values()):
            raise ValueError(f"heads: expected a divisor of the channels of every degree in {irreps_out}, got {heads}")
        self.heads = heads
        self.relative = RelativePositions(irreps_in, relative_positions)
        self.value = TFNLinear(self.relative.irreps_out, irreps_out)
        self.key = TFNLinear(self.relative.irreps_out, fiber_irreps(keys))
        self.query = SelfInteraction(irreps_in, fiber_irreps(keys))
        self.irreps_in, self.irreps_out = self.relative.irreps_in, self.value.irreps_out

    def forward(self, fibers: Fibers, edges: Edges) -> Fibers:
        """Attend from fibers [B, N, C_l, 2l+1] to fibers [B, N, C'_l, 2l+1]."""
        graph = edges.graph
        sources = {degree: gather(feature, graph.neighbours) for degree, feature in fibers.items()}
        relative = self.relative(sources, graph.vectors)
        values = self.value(relative, edges.invariants, edges.basis)
        keys = self._by_head(self.key(relative, edges.invariants, edges.basis))
        queries = self._by_head(self.query(fibers))
        logits = torch.einsum("bnhc,bnkhc->bnkh", _bounded(queries), _bounded(keys)) * keys.shape[-1] ** 0.5
        weights = enveloped_softmax(logits, graph.envelope)
        return {degree: self._attend(weights, value) for degree, value in values.items()}

    def _by_head(self, fibers: Fibers) -> Tensor:
        """Lay fibers [..., C_l, 2l+1] end to end, [..., H, sum_l C_l (2l+1) / H]."""
        return torch.cat([feature.unflatten(-2, (self.heads, -1)).flatten(-2) for feature in fibers.values()], -1)

    def _attend(self, weights: Tensor, value: Tensor) -> Tensor:
        by_head = value.unflatten(-2, (self.heads, -1)).flatten(-2)
        attended = torch.einsum("bnkh,bnkhc->bnhc", weights, by_head)
        return attended.reshape(*attended.shape[:2], *value.shape[-2:])
