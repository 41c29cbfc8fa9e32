"""egnn-pytorch: E(n)-equivariant layers, dense and on graphs, with masks, edges, neighbours and global attention."""

from __future__ import annotations

from typing import Any

import torch
from egnn_pytorch import EGNN, EGNN_Network, EGNN_Sparse, EGNN_Sparse_Network
from torch import nn

from benchmarks.mutants.example import Example, Law
from benchmarks.mutants.modules import clouds

RESULTS = (clouds.DENSE_FEATURES, clouds.DENSE_POINTS)
MASK = torch.arange(7) < torch.tensor([[7], [5]])


def dense(**options: Any) -> Example:
    """A layer on two clouds of seven nodes."""
    tensors = {"feats": clouds.normal(2, 7, 8), "coors": clouds.normal(2, 7, 3, seed=1)}
    laws = {"feats": clouds.DENSE_FEATURES, "coors": clouds.DENSE_POINTS}
    return Example(lambda: EGNN(dim=8, **options), tensors, laws, RESULTS, unpack=tuple)


def network(more: dict[str, torch.Tensor], laws: dict[str, Law], **options: Any) -> Example:
    """Two layers."""
    tensors = {"feats": clouds.kinds(2, 7, most=5), "coors": clouds.normal(2, 7, 3, seed=1), **more}
    laws = {"feats": clouds.DENSE_FEATURES, "coors": clouds.DENSE_POINTS, **laws}
    return Example(
        lambda: EGNN_Network(num_tokens=5, dim=8, depth=2, **options), tensors, laws, RESULTS, unpack=tuple,
        keywords=tuple(more),
    )  # fmt: skip


def edges() -> Example:
    """With features of pairs and a mask."""
    more = {"edges": clouds.normal(2, 7, 7, 4, seed=2), "mask": MASK}
    laws = {"edges": Law(nodes=(1, 2), samples=0), "mask": clouds.DENSE_FEATURES}
    return network(more, laws, edge_dim=4, init_eps=0.1)


def adjacency() -> Example:
    """With an adjacency matrix, of which degrees are made."""
    near = clouds.normal(7, 7, seed=3)
    more = {"adj_mat": (near + near.T) > 0.8}
    return network(more, {"adj_mat": Law(nodes=(0, 1))}, num_adj_degrees=2, adj_dim=4, only_sparse_neighbors=True)


class Packed(nn.Module):
    """Packs coordinates and features into one tensor, as the sparse layers of the library want them."""

    def __init__(self, layer: nn.Module) -> None:
        """Keep the layer."""
        super().__init__()
        self.layer = layer

    def forward(
        self, feats: torch.Tensor, coors: torch.Tensor, edge_index: torch.Tensor, **more: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns new features [N, C] and coordinates [N, 3]."""
        found = self.layer(torch.cat([coors, feats], -1), edge_index, **more)
        return found[:, 3:], found[:, :3]


def sparse(make: Any, *more: str) -> Example:
    """On a graph of two samples, with the batch vector and features of edges where they are asked for."""
    tensors = {"feats": clouds.normal(11, 8), "coors": clouds.normal(11, 3, seed=1),
               "edge_index": clouds.pairs((5, 6))}  # fmt: skip
    laws = {"feats": clouds.FEATURES, "coors": clouds.POINTS, "edge_index": clouds.EDGES}
    given = {"batch": clouds.batch_of((5, 6)), "edge_attr": clouds.normal(50, 4, seed=2)}
    kinds = {"batch": clouds.BATCH, "edge_attr": clouds.OF_EDGES}
    symmetries = ("translation", "rotation", "inversion", "permutation", "edges", *["batch"] * ("batch" in more))
    return Example(
        lambda: Packed(make()), {**tensors, **{n: given[n] for n in more}}, {**laws, **{n: kinds[n] for n in more}},
        (clouds.FEATURES, clouds.POINTS), unpack=tuple, keywords=more, symmetries=symmetries,
    )  # fmt: skip


def sparse_network() -> nn.Module:
    """Two layers."""
    return EGNN_Sparse_Network(n_layers=2, feats_dim=8, edge_attr_dim=4, norm_coors=True)


MODULES = {
    "EGNN": dense,
    "EGNN, neighbours": lambda: dense(num_nearest_neighbors=4, init_eps=0.1),
    "EGNN, normalized": lambda: dense(norm_coors=True, norm_feats=True, soft_edges=True, m_pool_method="mean"),
    "EGNN, Fourier features": lambda: dense(fourier_features=2, init_eps=0.1, coor_weights_clamp_value=2.0),
    "EGNN_Network": lambda: network({}, {}, init_eps=0.1),
    "EGNN_Network, edges and mask": edges,
    "EGNN_Network, adjacency": adjacency,
    "EGNN_Network, global attention": lambda: network(
        {"mask": MASK}, {"mask": clouds.DENSE_FEATURES}, global_linear_attn_every=1, global_linear_attn_heads=2,
        global_linear_attn_dim_head=8,
    ),
    "EGNN_Sparse": lambda: sparse(lambda: EGNN_Sparse(feats_dim=8)),
    "EGNN_Sparse, soft edges": lambda: sparse(lambda: EGNN_Sparse(feats_dim=8, soft_edge=1, norm_coors=True)),
    "EGNN_Sparse_Network": lambda: sparse(sparse_network, "batch", "edge_attr"),
}  # fmt: skip
