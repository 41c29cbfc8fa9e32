"""The functions of torch_scatter that the cloned repositories call, in plain PyTorch: the index has no build of it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.utils import scatter as _scatter

__all__ = [
    "scatter", "scatter_add", "scatter_max", "scatter_mean", "scatter_min", "scatter_softmax", "scatter_sum",
]  # fmt: skip


def scatter(
    src: Tensor, index: Tensor, dim: int = -1, out: None = None, dim_size: int | None = None, reduce: str = "sum"
) -> Tensor:
    """The sum, mean, smallest or largest of what has the same index."""
    index = index.flatten() if index.dim() == 1 else index.movedim(dim, 0).flatten(1)[:, 0]
    return _scatter(src, index, dim=dim % src.dim(), dim_size=dim_size, reduce=reduce)


def scatter_sum(src: Tensor, index: Tensor, dim: int = -1, out: None = None, dim_size: int | None = None) -> Tensor:
    """The sum."""
    return scatter(src, index, dim, out, dim_size, "sum")


def scatter_mean(src: Tensor, index: Tensor, dim: int = -1, out: None = None, dim_size: int | None = None) -> Tensor:
    """The mean."""
    return scatter(src, index, dim, out, dim_size, "mean")


scatter_add = scatter_sum


def _extreme(src: Tensor, index: Tensor, dim_size: int | None, reduce: str) -> tuple[Tensor, Tensor]:
    """The values, and the first place of each; the length of ``src`` for an index that does not occur."""
    found = scatter(src, index, 0, None, dim_size, reduce)
    places = torch.arange(len(src))
    places = torch.where(src == found[index], places, len(src))
    first = torch.full_like(found, len(src), dtype=torch.long)
    return found, first.scatter_reduce(0, index, places, "amin")


def scatter_min(
    src: Tensor, index: Tensor, dim: int = -1, out: None = None, dim_size: int | None = None
) -> tuple[Tensor, Tensor]:
    """The smallest values of a list of numbers, and where they stand."""
    return _extreme(src, index, dim_size, "min")


def scatter_max(
    src: Tensor, index: Tensor, dim: int = -1, out: None = None, dim_size: int | None = None
) -> tuple[Tensor, Tensor]:
    """The largest values of a list of numbers, and where they stand."""
    return _extreme(src, index, dim_size, "max")


def scatter_softmax(src: Tensor, index: Tensor, dim: int = -1, dim_size: int | None = None) -> Tensor:
    """The softmax over what has the same index."""
    largest = scatter(src, index, dim, None, dim_size, "max").index_select(dim, index)
    weights = (src - largest).exp()
    return weights / scatter_sum(weights, index, dim, None, dim_size).index_select(dim, index)
