"""Layers that pass messages along the edges of a neighbourhood: attention, and convolution without attention."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn

from se3unet.geometry.edges import EdgeChunk, Edges
from se3unet.geometry.neighbourhoods import products_and_squares, weighted_sums
from se3unet.layers.fibers import Fibers, channels_by_degree, check_fibers, component_major, fiber_irreps, node_major
from se3unet.layers.interaction import SelfInteraction
from se3unet.layers.kernel import EdgeLinear, RelativeMode

# Sum of envelope weights at which the messages of a neighbourhood have half strength. With 40 neighbours around a point
# the sum is 20. If all distances tie, the envelope and the messages are zero up to rounding.
FAINT = 0.01


def _audibility(envelope: Tensor) -> Tensor:
    """Returns the factor U / (U + FAINT) of each node, [..., 1], with U the sum of the envelope [..., k]."""
    total = envelope.sum(-1, keepdim=True)
    return total / (total + FAINT)


def enveloped_softmax(logits: Tensor, envelope: Tensor) -> Tensor:
    """Computes attention weights alpha_ij = u_ij exp(s_ij) / sum_j' u_ij' exp(s_ij') (report, eq. 4; envelope u).

    A neighbour of envelope 0 has weight 0. The weights of a node are scaled by U / (U + 0.01), U = sum_j u_ij. If all u
    vanish, the weights vanish continuously.

    Args:
        logits: [..., k, H], s.
        envelope: [..., k], u.

    Returns:
        [..., k, H].
    """
    counts = (envelope > 0).unsqueeze(-1)
    shift = logits.detach().masked_fill(~counts, -torch.inf).amax(-2, keepdim=True)
    exponents = torch.where(counts, logits - shift, torch.zeros_like(logits))
    terms = envelope.unsqueeze(-1) * exponents.exp()
    total = terms.sum(-2, keepdim=True)
    alpha = terms / torch.where(total > 0, total, torch.ones_like(total))
    return alpha * _audibility(envelope).unsqueeze(-1)


class TFNConvolution(nn.Module):
    """Tensor field convolution: eq. 3 of the report without attention; the envelope averages the messages."""

    def __init__(
        self, irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str, relative_positions: RelativeMode
    ) -> None:
        """Sets up the kernel.

        Args:
            irreps_in: Fibers of the nodes.
            irreps_out: Fibers of the messages.
            relative_positions: The operation that joins edge vectors and features of the source.
        """
        super().__init__()
        self.irreps_in, self.irreps_out = o3.Irreps(irreps_in), o3.Irreps(irreps_out)
        self.linear = EdgeLinear(irreps_in, (irreps_out,), relative_positions)

    def forward(self, fibers: Fibers, edges: Edges) -> Fibers:
        """Convolves fibers [B, N, C_l, 2l+1] to fibers [B, N, C'_l, 2l+1]."""
        check_fibers("fibers", fibers, self.irreps_in)
        nodes = _on_nodes(fibers, edges)
        envelope = edges.graph.envelope.flatten(0, 1)
        weights = envelope / (envelope.sum(-1, keepdim=True) + FAINT)
        return _over_chunks(self._on_chunk, edges, nodes, weights, self.linear.matrices())

    def _on_chunk(self, chunk: EdgeChunk, nodes: Fibers, weights: Tensor, matrices: tuple[Tensor, ...]) -> Fibers:
        (values,) = self.linear.on_edges(nodes, chunk, matrices)
        return _attend(weights[chunk.nodes].unsqueeze(-1), values)


class MultiHeadAttention(nn.Module):
    """Attention of a node over its neighbourhood (report, eq. 3 without its self-interaction, and eq. 4).

    Values and keys are one TFN-type linear map of the neighbour's features and the edge vector. Queries are a linear
    self-interaction. Each head has a share of the channels of every degree. Its logits are the inner products of query
    and key, divided by the square root of the number of components.
    """

    def __init__(
        self, irreps_in: o3.Irreps | str, irreps_out: o3.Irreps | str, heads: int, relative_positions: RelativeMode
    ) -> None:
        """Sets up queries, keys and values.

        Args:
            irreps_in: Fibers of the nodes.
            irreps_out: Fibers of the messages. Keys and queries have the degrees that `irreps_in` has too.
            heads: Number of heads H.
            relative_positions: The operation that joins edge vectors and features of the source.

        Raises:
            ValueError: If `heads` does not divide the channels of every degree, or no degree is left for the keys.
        """
        super().__init__()
        channels_in, channels_out = channels_by_degree(irreps_in), channels_by_degree(irreps_out)
        keys = {degree: count for degree, count in channels_out.items() if degree in channels_in}
        if not keys:
            raise ValueError(f"irreps_out: expected a degree in common with irreps_in={irreps_in}, got {irreps_out}")
        if heads < 1 or any(count % heads for count in channels_out.values()):
            raise ValueError(f"heads: expected a divisor of the channels of every degree in {irreps_out}, got {heads}")
        self.heads = heads
        self.irreps_in, self.irreps_out = o3.Irreps(irreps_in), o3.Irreps(irreps_out)
        self.linear = EdgeLinear(irreps_in, (irreps_out, fiber_irreps(keys)), relative_positions)
        self.query = SelfInteraction(irreps_in, fiber_irreps(keys))

    def forward(self, fibers: Fibers, edges: Edges) -> Fibers:
        """Attends from fibers [B, N, C_l, 2l+1] to fibers [B, N, C'_l, 2l+1]."""
        nodes, queries = _on_nodes(fibers, edges), _on_nodes(self.query(fibers), edges)
        envelope = edges.graph.envelope.flatten(0, 1)
        return _over_chunks(self._on_chunk, edges, nodes, queries, envelope, self.linear.matrices())

    def _on_chunk(
        self, chunk: EdgeChunk, nodes: Fibers, queries: Fibers, envelope: Tensor, matrices: tuple[Tensor, ...]
    ) -> Fibers:
        values, keys = self.linear.on_edges(nodes, chunk, matrices)
        logits = self._logits({degree: query[..., chunk.nodes] for degree, query in queries.items()}, keys)
        return _attend(enveloped_softmax(logits, envelope[chunk.nodes]), values)

    def _logits(self, queries: Fibers, keys: Fibers) -> Tensor:
        """Computes inner products [n, k, H] of queries [2l+1, C_l, n] and keys [2l+1, C_l, n * k], bounded by sqrt(D).

        Both are divided by sqrt(|v|^2 + D), D the number of their components, so that their norm is below 1.
        """
        size = sum(len(query) * query.shape[1] for query in queries.values()) // self.heads
        products, squares, lengths = [], [], []
        for degree, query in queries.items():
            by_head = _by_head(query, self.heads)
            on_edges = _by_head(keys[degree], self.heads).unflatten(-1, (query.shape[-1], -1))
            product, square = products_and_squares(by_head, on_edges)
            products.append(product)
            squares.append(square)
            lengths.append(by_head.square().sum(0).T.unsqueeze(1))
        length, square = (functools.reduce(torch.add, parts) for parts in (lengths, squares))
        bounds = (length + size).rsqrt() * (square + size).rsqrt()
        return functools.reduce(torch.add, products) * bounds * size**0.5


def _on_nodes(fibers: Fibers, edges: Edges) -> Fibers:
    """Returns component-major fibers [2l+1, C, B * N] in the dtype of the geometry, also under autocast."""
    return {degree: component_major(feature).to(edges.along.dtype) for degree, feature in fibers.items()}


def _by_head(feature: Tensor, heads: int) -> Tensor:
    """Reshapes [2l+1, C, E] to [(2l+1) C / H, H, E]: every H-th channel belongs to the same head."""
    return feature.unflatten(1, (-1, heads)).flatten(0, 1)


def _attend(weights: Tensor, values: Fibers) -> Fibers:
    """Sums values [2l+1, C, n * k] over neighbours by weights [n, k, H]: [2l+1, C, n]."""
    nodes, _, heads = weights.shape
    sums: Fibers = {}
    for degree, value in values.items():
        by_head = _by_head(value, heads).unflatten(-1, (nodes, -1))
        sums[degree] = weighted_sums(weights, by_head).reshape(*value.shape[:2], nodes)
    return sums


# The compiler would unroll the loop. Without the loop, it compiles the function of one chunk, once.
@torch.compiler.disable(recursive=False)
def _over_chunks(on_chunk: Callable[..., Fibers], edges: Edges, *given: Any) -> Fibers:
    """Joins the outputs of a layer for each chunk, [2l+1, C, n], to fibers [B, N, C, 2l+1]."""
    sums = [on_chunk(chunk, *given) for chunk in edges.chunks()]
    return {degree: node_major(torch.cat([part[degree] for part in sums], -1), len(edges.along)) for degree in sums[0]}
