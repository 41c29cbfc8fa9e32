"""Directions of vectors, and the Wigner 3j symbols."""

from __future__ import annotations

from functools import cache

import torch
from e3nn import o3
from torch import Tensor


def norm_and_direction(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Computes length and unit direction along the last axis, at every representable scale.

    A zero vector has length 0, direction 0 and zero gradients: the only choice that commutes with rotations.

    Args:
        vectors: [..., d].

    Returns:
        lengths [..., 1] and directions [..., d].
    """
    # Division by the largest component keeps the squares from overflow and underflow. Autograd may take the component
    # for a constant, because the length is multiplied by it again.
    scale = vectors.detach().abs().amax(-1, keepdim=True)
    is_zero = scale == 0
    scale = torch.where(is_zero, torch.ones_like(scale), scale)
    scaled = vectors / scale
    squares = scaled.square().sum(-1, keepdim=True)
    length = torch.where(is_zero, torch.ones_like(squares), squares).sqrt()
    lengths = torch.where(is_zero, torch.zeros_like(length), length * scale)
    directions = torch.where(is_zero, torch.zeros_like(scaled), scaled / length)
    return lengths, directions


@cache
def wigner_3j(l1: int, l2: int, l3: int) -> Tensor:
    """Returns e3nn's Wigner 3j symbols, float64 on the CPU, [2 l1 + 1, 2 l2 + 1, 2 l3 + 1], of unit Frobenius norm."""
    # Cached constants must not be inference tensors, which autograd rejects later.
    with torch.inference_mode(False):
        return o3.wigner_3j(l1, l2, l3, dtype=torch.float64, device=torch.device("cpu"))
