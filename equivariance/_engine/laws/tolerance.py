"""Whether two tensors are equal up to rounding, and linear maps between rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

_ROWS = 512
"""A linear map is solved for from so many rows, and then tried on all."""


class Tolerance:
    """Equality up to a relative `tolerance`, or to 64 machine epsilons where that is more."""

    def __init__(self, tolerance: float) -> None:
        """Relative errors up to `tolerance` are rounding."""
        self.tolerance = tolerance

    def __call__(self, value: Tensor, expected: Tensor) -> bool:
        """Equal up to rounding: integers entry by entry, numbers column by column of the last axis."""
        if value.shape != expected.shape or value.dtype != expected.dtype:
            return False
        if value.numel() == 0:
            return True
        if not value.is_floating_point():
            return torch.equal(value, expected)
        return bool(self.columns(value, expected).all())

    def columns(self, value: Tensor, expected: Tensor) -> Tensor:
        """Which columns of the last axis are equal up to rounding; NaN and infinities must be the same ones."""
        columns = value.shape[-1] if value.dim() else 1
        left, right = (t.reshape(-1, columns) for t in (value, expected))
        off, size = (torch.linalg.vector_norm(t, dim=0, dtype=torch.float64) for t in (left - right, right))
        if not math.isfinite(float(off.sum())) or not math.isfinite(float(size.sum())):
            finite = left.isfinite()
            if not torch.equal(finite, right.isfinite()) or not torch.equal(left[~finite], right[~finite]):
                return torch.zeros_like(off, dtype=torch.bool)
            left, right = (torch.where(finite, t, 0).double() for t in (left, right))
            off, size = (torch.linalg.vector_norm(t, dim=0) for t in (left - right, right))
        whole = torch.linalg.vector_norm(size)
        return off <= self._tolerance(value) * size + 1e3 * torch.finfo(value.dtype).eps * whole

    def kept_lengths(self, rows: Tensor, others: Tensor) -> Callable[[int, int], bool] | None:
        """Whether columns from a start to a stop may be the same up to a rotation: whether their length is.

        Cheap, and never false of what `__call__` would find equal; None where some numbers have no length.
        """
        squares = [[0.0, *t.square().sum(0).cumsum(0).tolist()] for t in (rows, others)]
        if not all(math.isfinite(s[-1]) for s in squares):
            return None
        slack = self._tolerance(rows) + 1e3 * torch.finfo(rows.dtype).eps * math.sqrt(rows.shape[1])

        def kept(start: int, stop: int) -> bool:
            one, other = (math.sqrt(max(0.0, s[stop] - s[start])) for s in squares)
            # Differences of sums are rounded, as much as the sums are large.
            rounding = math.sqrt(torch.finfo(rows.dtype).eps * rows.shape[1] * max(s[stop] for s in squares))
            return abs(one - other) <= 1.01 * slack * one + 10 * rounding

        return kept

    def _tolerance(self, value: Tensor) -> float:
        return max(self.tolerance, 64 * torch.finfo(value.dtype).eps)


def rows_of(tensor: Tensor, axis: int) -> Tensor:
    """The axis last, everything else first, in float64."""
    return tensor.double().movedim(axis, -1).reshape(-1, tensor.shape[axis])


def are_finite(*tensors: Tensor) -> bool:
    """Whether no entry is NaN or infinite."""
    return all(math.isfinite(float(t.sum())) or bool(t.isfinite().all()) for t in tensors)


def solved(rows: Tensor, others: Tensor) -> Tensor:
    """The linear map from rows to others, solved for from some of the rows: one that fits, fits them all."""
    count = max(_ROWS, 8 * rows.shape[1])
    if len(rows) > count:
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0), device="cpu")
        rows, others = (t[order[:count].to(t.device)] for t in (rows, others))
    return torch.linalg.lstsq(rows.cpu(), others.cpu(), driver="gelsd").solution.to(rows.device)  # CUDA has no gelsd
