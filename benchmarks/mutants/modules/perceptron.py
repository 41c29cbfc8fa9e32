"""geometric-vector-perceptron: perceptrons of features and vectors, and normalizations between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from geometric_vector_perceptron import GVP, GVPDropout, GVPLayerNorm
from torch import Tensor, nn

from benchmarks.mutants.example import Example
from benchmarks.mutants.modules import clouds


class Stack(nn.Module):
    """Two perceptrons with a normalization between them."""

    def __init__(self, between: nn.Module, **options: Any) -> None:
        """Eight features, four vectors."""
        super().__init__()
        self.first = GVP(dim_vectors_in=4, dim_vectors_out=6, dim_feats_in=8, dim_feats_out=8, **options)
        self.between = between
        self.second = GVP(dim_vectors_in=6, dim_vectors_out=4, dim_feats_in=8, dim_feats_out=8, **options)

    def forward(self, features: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Returns [N, 8] and [N, 4, 3]."""
        return self.second(self.between(*self.first((features, vectors))))


class Messages(nn.Module):
    """Messages of perceptrons: of both ends of an edge and its direction, summed over the edges."""

    def __init__(self, **options: Any) -> None:
        """Eight features, four vectors."""
        super().__init__()
        self.message = GVP(dim_vectors_in=9, dim_vectors_out=4, dim_feats_in=16, dim_feats_out=8, **options)
        self.norm = GVPLayerNorm(8)

    def forward(self, features: Tensor, vectors: Tensor, pos: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        """Returns [N, 8] and [N, 4, 3]."""
        i, j = edge_index
        ends = pos[j] - pos[i]
        scalars = torch.cat([features[i], features[j]], -1)
        moved = torch.cat([vectors[i], vectors[j], ends[:, None]], -2)
        scalars, moved = self.message((scalars, moved))
        return self.norm(features.index_add(0, i, scalars), vectors.index_add(0, i, moved))


def alone(make: Callable[[], nn.Module]) -> Example:
    """Features and vectors."""
    tensors = {"features": clouds.normal(7, 8), "vectors": clouds.normal(7, 4, 3, seed=1)}
    laws = {"features": clouds.FEATURES, "vectors": clouds.VECTORS}
    return Example(make, tensors, laws, (clouds.FEATURES, clouds.VECTORS), unpack=tuple,
                   symmetries=("rotation", "inversion", "permutation"))  # fmt: skip


def messages(**options: Any) -> Example:
    """Features and vectors on a graph."""
    tensors = {"features": clouds.normal(7, 8), "vectors": clouds.normal(7, 4, 3, seed=1),
               "pos": clouds.normal(7, 3, seed=2), "edge_index": clouds.pairs((7,))}  # fmt: skip
    laws = {"features": clouds.FEATURES, "vectors": clouds.VECTORS, "pos": clouds.POINTS, "edge_index": clouds.EDGES}
    return Example(lambda: Messages(**options), tensors, laws, (clouds.FEATURES, clouds.VECTORS), unpack=tuple,
                   symmetries=("translation", "rotation", "inversion", "permutation", "edges"))  # fmt: skip


MODULES = {
    "GVP, GVPLayerNorm, GVP": lambda: alone(lambda: Stack(GVPLayerNorm(8))),
    "GVP, GVPLayerNorm, GVP, gates": lambda: alone(lambda: Stack(GVPLayerNorm(8), vector_gating=True)),
    "GVP, GVPDropout, GVP": lambda: alone(lambda: Stack(GVPDropout(0.0))),
    "GVP, identity for vectors": lambda: alone(lambda: Stack(GVPLayerNorm(8), vectors_activation=nn.Identity())),
    "GVP, messages": messages,
    "GVP, messages, gates": lambda: messages(vector_gating=True),
}
