"""Inputs: clouds, features, graphs, all in float32 and drawn from a seed. No length but the components' is 3."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.mutants.example import Law

DENSE_POINTS = Law(point=True, nodes=1, samples=0)
DENSE_VECTORS = Law("1o", nodes=1, samples=0)
DENSE_FEATURES = Law(nodes=1, samples=0)
POINTS, VECTORS, FEATURES = Law(point=True, nodes=0), Law("1o", nodes=0), Law(nodes=0)
EDGES = Law(counts="nodes", edges=1)
OF_EDGES = Law(edges=0)
BATCH = Law(counts="samples", nodes=0)
PER_SAMPLE = Law(samples=0)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    """Returns normally distributed numbers."""
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def kinds(*shape: int, most: int, seed: int = 0) -> Tensor:
    """Returns whole numbers below `most`."""
    return torch.randint(most, shape, generator=torch.Generator().manual_seed(seed))


def pairs(sizes: tuple[int, ...]) -> Tensor:
    """Returns all edges [2, E] between different nodes of one sample."""
    batch = batch_of(sizes)
    near = (batch[:, None] == batch) & ~torch.eye(len(batch), dtype=torch.bool)
    return near.nonzero().T.contiguous()


def batch_of(sizes: tuple[int, ...]) -> Tensor:
    """Returns the sample of each node."""
    return torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
