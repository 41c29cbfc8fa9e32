"""Finds out if two tensors have the same rows, in another order or with other signs.

The experiments of the symmetries call it. This module runs nothing.
"""

from __future__ import annotations

import torch

_MOST = 4096
"""Largest number of rows that are compared pairwise."""


def reordered(made: torch.Tensor, wanted: torch.Tensor, tolerance: float) -> tuple[int, int] | None:
    """Returns the numbers of moved rows and of all rows, if only the order changed; else None.

    A row lies on the last axis, or (along each other axis in turn) on all other axes.

    Args:
        made: The tensor that was made.
        wanted: The tensor that was expected.
        tolerance: Largest distance of two equal rows, relative to the root mean square row.
    """
    if made.shape != wanted.shape or made.dim() == 0 or made.numel() == 0:
        return None
    for axis in [None, *range(made.dim())]:
        left, right = _rows(made, axis), _rows(wanted, axis)
        moved = _count_moved(left, right, tolerance)
        if moved:
            return moved, len(left)
    return None


def flipped(made: torch.Tensor, wanted: torch.Tensor, tolerance: float) -> tuple[int, int] | None:
    """Returns the numbers of rows with the opposite sign and of all rows, if only signs changed; else None."""
    if made.shape != wanted.shape or made.dim() == 0 or made.numel() == 0:
        return None
    left, right = _rows(made, None), _rows(wanted, None)
    allowed = tolerance * _row_size(right)
    same, opposite = (left - right).norm(dim=1) <= allowed, (left + right).norm(dim=1) <= allowed
    count = int((opposite & ~same).sum())
    return (count, len(left)) if count and bool((same | opposite).all()) else None


def ascending_axis(plain: torch.Tensor, made: torch.Tensor) -> int | None:
    """Returns the axis along which all columns of both tensors ascend, or all descend; None if there is none."""
    if made.shape != plain.shape:
        return None
    for axis in range(made.dim() - 1):
        steps = [t.diff(dim=axis) for t in (plain, made)]
        if made.shape[axis] < 4 or not all(bool((s != 0).any()) for s in steps):
            continue
        if all(bool((s >= 0).all()) for s in steps) or all(bool((s <= 0).all()) for s in steps):
            return axis
    return None


def _rows(tensor: torch.Tensor, axis: int | None) -> torch.Tensor:
    if axis is None:
        return tensor.reshape(-1, tensor.shape[-1]) if tensor.dim() > 1 else tensor.reshape(-1, 1)
    return tensor.movedim(axis, 0).reshape(tensor.shape[axis], -1)


def _row_size(rows: torch.Tensor) -> float:
    return float(rows.double().norm(dim=1).square().mean().sqrt())


def _count_moved(left: torch.Tensor, right: torch.Tensor, tolerance: float) -> int:
    """Returns the number of rows that moved; 0 if no reordering explains the difference."""
    count = len(left)
    if not 1 < count <= _MOST:
        return 0
    left, right = left.double(), right.double()
    distances = torch.cdist(left, right, compute_mode="donot_use_mm_for_euclid_dist")
    allowed = tolerance * _row_size(right)
    stayed = distances.diagonal() <= allowed
    nearest = distances.min(dim=1)
    if bool(stayed.all()) or bool((nearest.values > allowed).any()):
        return 0
    places = torch.where(stayed, torch.arange(count, device=left.device), nearest.indices)
    return int((~stayed).sum()) if len(places.unique()) == count else 0
