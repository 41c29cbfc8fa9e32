"""Pieces that networks of several styles share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Two linear layers with a smooth nonlinearity between them."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, outputs))


def smooth_cutoff(distances: Tensor, cutoff: float) -> Tensor:
    """Half a cosine, from 1 at distance 0 to 0 at the cutoff and beyond."""
    return torch.where(distances < cutoff, 0.5 * (1 + (torch.pi * distances / cutoff).cos()), 0)


def safe_norm(vectors: Tensor, keepdim: bool = False) -> Tensor:
    """Lengths along the last axis, with a finite gradient at zero."""
    return vectors.square().sum(-1, keepdim=keepdim).clamp(min=1e-12).sqrt()


def pairs(count: int) -> Tensor:
    """Source and target numbers [2, count * (count - 1)] of all edges between different nodes."""
    source, target = torch.meshgrid(torch.arange(count), torch.arange(count), indexing="ij")
    different = source != target
    return torch.stack([source[different], target[different]])
