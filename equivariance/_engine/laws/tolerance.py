"""Compares tensors up to rounding, and solves for linear maps between rows.

`matching` calls it with a tolerance; this module does not decide how large rounding errors are.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

_ROWS = 512
"""A linear map is solved for from at most this many rows, and then checked on all rows."""


class Tolerance:
    """Equality up to a relative `tolerance`, or up to 64 machine epsilons if that is more."""

    def __init__(self, tolerance: float) -> None:
        """Creates a comparison in which relative errors up to `tolerance` are rounding."""
        self.tolerance = tolerance

    def __call__(self, value: Tensor, expected: Tensor) -> bool:
        """True if two tensors are equal up to rounding.

        Integers are compared entry by entry, floating-point numbers column by column of the last axis.
        """
        if value.shape != expected.shape or value.dtype != expected.dtype:
            return False
        if value.numel() == 0:
            return True
        if not value.is_floating_point():
            return torch.equal(value, expected)
        return bool(self.columns(value, expected).all())

    def columns(self, value: Tensor, expected: Tensor) -> Tensor:
        """Returns True for each column of the last axis that is equal up to rounding.

        Infinities must be equal entry by entry. If they differ, or if there is a NaN, every column is False.
        """
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

    def length_test(self, rows: Tensor, others: Tensor) -> Callable[[int, int], bool] | None:
        """Returns a cheap test on columns from a start to a stop: True if their norms allow equality up to a rotation.

        The test is never False for columns that `__call__` would find equal.

        Args:
            rows, others: Rows of two tensors, shape [N, D].

        Returns:
            The test of (start, stop); None if some norms are not finite.
        """
        squares = [[0.0, *t.square().sum(0).cumsum(0).tolist()] for t in (rows, others)]
        if not all(math.isfinite(s[-1]) for s in squares):
            return None
        slack = self._tolerance(rows) + 1e3 * torch.finfo(rows.dtype).eps * math.sqrt(rows.shape[1])

        def lengths_agree(start: int, stop: int) -> bool:
            one, other = (math.sqrt(max(0.0, s[stop] - s[start])) for s in squares)
            # The rounding error of a difference of sums is proportional to the sums.
            rounding = math.sqrt(torch.finfo(rows.dtype).eps * rows.shape[1] * max(s[stop] for s in squares))
            return abs(one - other) <= 1.01 * slack * one + 10 * rounding

        return lengths_agree

    def _tolerance(self, value: Tensor) -> float:
        return max(self.tolerance, 64 * torch.finfo(value.dtype).eps)


def rows_of(tensor: Tensor, axis: int) -> Tensor:
    """Returns a tensor as rows, [N, D] in float64: the axis last, all other axes flattened."""
    return tensor.double().movedim(axis, -1).reshape(-1, tensor.shape[axis])


def are_finite(*tensors: Tensor) -> bool:
    """True if no entry is NaN or infinite."""
    return all(math.isfinite(float(t.sum())) or bool(t.isfinite().all()) for t in tensors)


def solve_linear_map(rows: Tensor, others: Tensor) -> Tensor:
    """Returns the linear map from `rows` to `others`, in the sense of least squares.

    At most `max(_ROWS, 8 D)` rows are used: a map that fits is the same for all rows.

    Args:
        rows: Shape [N, D], float64.
        others: Shape [N, E], float64.

    Returns:
        The matrix, shape [D, E].
    """
    count = max(_ROWS, 8 * rows.shape[1])
    if len(rows) > count:
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0), device="cpu")
        rows, others = (t[order[:count].to(t.device)] for t in (rows, others))
    return torch.linalg.lstsq(rows.cpu(), others.cpu(), driver="gelsd").solution.to(rows.device)  # CUDA has no gelsd
