"""Lengths of the vectors of a field, the invariants of the other layers."""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor


def split(fields: Tensor, irreps: o3.Irreps) -> list[Tensor]:
    """Splits a field [batch, channels, *grid] into blocks [batch, mul, 2l+1, *grid].

    Raises:
        ValueError: If the channels are not those of the irreps.
    """
    if fields.dim() < 2 or fields.shape[1] != irreps.dim:
        raise ValueError(f"fields: expected {irreps.dim} channels on axis 1, for {irreps}, got {tuple(fields.shape)}")
    blocks = fields.split([block.dim for block in irreps], dim=1)
    return [b.unflatten(1, (block.mul, block.ir.dim)) for b, block in zip(blocks, irreps, strict=True)]


def join(blocks: list[Tensor]) -> Tensor:
    """Joins blocks to a field; the inverse of `split`."""
    return torch.cat([block.flatten(1, 2) for block in blocks], dim=1)


def lengths(block: Tensor) -> Tensor:
    """Returns norms over axis 2, kept with length 1. Zero vectors have length 0 and gradient 0."""
    squares = block.square().sum(2, keepdim=True)
    is_zero = squares == 0
    safe = torch.where(is_zero, torch.ones_like(squares), squares)
    return torch.where(is_zero, torch.zeros_like(squares), safe.sqrt())


def is_scalar(irrep: o3.Irrep, parity: bool) -> bool:
    """True if an irrep is invariant: of degree 0 and, if `parity`, even."""
    return bool(irrep.l == 0 and (irrep.p == 1 or not parity))
