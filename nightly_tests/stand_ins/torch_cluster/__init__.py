"""The functions of torch_cluster that the cloned repositories call, in plain PyTorch: the index has no build of it."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["knn_graph", "radius_graph"]


def _distances(x: Tensor, batch: Tensor | None, loop: bool) -> Tensor:
    """[N, N]; infinite between samples, and from a node to itself without ``loop``."""
    far = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    if batch is not None:
        far = far.masked_fill(batch[:, None] != batch, torch.inf)
    return far if loop else far.masked_fill(torch.eye(len(x), dtype=torch.bool), torch.inf)


def radius_graph(
    x: Tensor, r: float, batch: Tensor | None = None, loop: bool = False, max_num_neighbors: int = 32,
    flow: str = "source_to_target", num_workers: int = 1, batch_size: int | None = None,
) -> Tensor:  # fmt: skip
    """Edges [2, E] between nodes of one sample that are nearer than ``r``."""
    target, source = (_distances(x, batch, loop) < r).nonzero().T
    return torch.stack([source, target])


def knn_graph(
    x: Tensor, k: int, batch: Tensor | None = None, loop: bool = False, flow: str = "source_to_target",
    cosine: bool = False, num_workers: int = 1, batch_size: int | None = None,
) -> Tensor:  # fmt: skip
    """Edges [2, E] from the ``k`` nearest nodes of the same sample."""
    far, source = _distances(x, batch, loop).topk(min(k, len(x)), largest=False)
    target = torch.arange(len(x))[:, None].expand_as(source)[far.isfinite()]
    return torch.stack([source[far.isfinite()], target])
