"""Computes sums over the k edges into each node.

Tensors are component-major: [X, H, n, k] for X numbers of each of H heads on the edges into n nodes, [X, H, n] on the
nodes, [n, k, H] for weights. Products and sums are each other's derivatives.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from se3unet.geometry.graph import batch_numbers


def _products(queries: Tensor, keys: Tensor) -> Tensor:
    """Computes inner products six times faster than one small matrix product per node."""
    return (queries.unsqueeze(-1) * keys).sum(0).permute(1, 2, 0)


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(queries, keys)
        return _products(queries, keys), keys.square().sum(0).permute(1, 2, 0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        of_products, of_squares = gradients
        queries, keys = ctx.saved_tensors
        to_keys = queries.unsqueeze(-1) * of_products.permute(2, 0, 1)
        return weighted_sums(of_products, keys), to_keys.addcmul_(keys, 2 * of_squares.permute(2, 0, 1))


class _WeightedSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, values: Tensor) -> Tensor:
        ctx.save_for_backward(weights, values)
        return torch.einsum("nkh,xhnk->xhn", weights, values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        (gradient,) = gradients
        weights, values = ctx.saved_tensors
        return _products(gradient, values), gradient.unsqueeze(-1) * weights.permute(2, 0, 1)


def products_and_squares(queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
    """Computes inner products [n, k, H] of queries [X, H, n] with keys [X, H, n, k], and squared norms of the keys."""
    return _Products.apply(queries, keys)


def weighted_sums(weights: Tensor, values: Tensor) -> Tensor:
    """Sums weights [n, k, H] times values [X, H, n, k] over the edges into each node: [X, H, n]."""
    return _WeightedSums.apply(weights, values)


def gathered_sums(weights: Tensor, feature: Tensor, neighbours: Tensor) -> Tensor:
    """Sums features [B, M, C, 2l+1] of neighbours [B, N, k] int64 by weights [B, N, k]: [B, N, C, 2l+1].

    Features are weighted as they are read, so that no tensor on the edges is stored.
    """
    table = feature.flatten(2).flatten(0, 1)
    indices = batch_numbers(neighbours, feature.shape[1]).flatten(0, 1)
    sums = functional.embedding_bag(
        indices, table, mode="sum", per_sample_weights=weights.flatten(0, 1).to(table.dtype)
    )
    return sums.view(*neighbours.shape[:2], *feature.shape[2:])
