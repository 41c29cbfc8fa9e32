"""Decides whether a value still consists of the same unchanged tensors, and compares tensors fast.

`reference`, `transform_cache` and `relative_error` call it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from equivariance._torch_private import version_counter
from equivariance.contracts.nested import UNSPECIFIED, leaves

LARGE, _FIRST, _BLOCK = 8192, 1024, 65536
"""`LARGE`: below this number of entries, NumPy is slower than torch. `_FIRST`, `_BLOCK`: entries compared at a time."""


def version_of(tensor: torch.Tensor) -> object:
    """Returns torch's counter of changes in place.

    In inference mode torch does not count; the returned object then equals only itself.
    """
    return object() if tensor.is_inference() else version_counter(tensor)


def identity_of(tensor: torch.Tensor) -> tuple[Any, ...]:
    """Returns memory address, layout, dtype, version and device of a tensor."""
    return (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, version_of(tensor), tensor.device)


def identities(value: Any) -> list[tuple[Any, ...]]:
    """Returns a list that is equal for two values if they consist of the same unchanged tensors.

    Integers are compared by content, because graph libraries return their edges as new tensors each time. Tensors whose
    changes torch does not count are compared by content too.
    """
    return [
        (path, *identity_of(tensor))
        if tensor.is_floating_point() and not tensor.is_inference()
        else (path, tensor.cpu().contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
        for path, tensor, _ in leaves(value, UNSPECIFIED)
    ]


def equal(value: Any, other: Any) -> bool:
    """True if two values hold the same number of tensors and the tensors are equal."""
    left, right = leaves(value, UNSPECIFIED), leaves(other, UNSPECIFIED)
    return len(left) == len(right) and all(alike(a, b) for (_, a, _), (_, b, _) in zip(left, right, strict=True))


def is_unchanged(value: Any, before: Any) -> bool:
    """True if a value still holds the tensors of its earlier copy `before`; NaN equals NaN."""
    left, right = leaves(value, UNSPECIFIED), leaves(before, UNSPECIFIED)
    return len(left) == len(right) and all(
        alike(a, b) or _alike_with_nan(a, b) for (_, a, _), (_, b, _) in zip(left, right, strict=True)
    )


def _alike_with_nan(left: Tensor, right: Tensor) -> bool:
    if left.shape != right.shape or not left.is_floating_point():
        return False
    missing = left.isnan()
    return bool(missing.any()) and torch.equal(missing, right.isnan()) and torch.equal(left[~missing], right[~missing])


def alike(left: Tensor, right: Tensor) -> bool:
    """True if two tensors are equal, as `torch.equal`; several times as fast for large tensors of floats."""
    if left.shape != right.shape or left.numel() < LARGE or not (read_by_numpy(left) and read_by_numpy(right)):
        return torch.equal(left, right)
    one, other = (t.detach().view(-1).numpy() for t in (left, right))
    starts = 0, *range(_FIRST, len(one), _BLOCK)  # different values mostly differ in the first entries
    blocks = (slice(start, stop) for start, stop in pairwise((*starts, len(one))))
    return all(bool((one[block] == other[block]).all()) for block in blocks)


def read_by_numpy(tensor: Tensor) -> bool:
    """True if NumPy can read the tensor as it lies in memory: contiguous float32 or float64 on the CPU."""
    kind = type(tensor) is Tensor and tensor.dtype in (torch.float32, torch.float64) and tensor.device.type == "cpu"
    return kind and tensor.is_contiguous() and not tensor.is_neg()


def same(value: Any, other: Any) -> bool:
    """True if two values hold the same tensors, not only equal ones."""
    if isinstance(value, torch.Tensor) and isinstance(other, torch.Tensor):
        return value is other or (value.data_ptr() == other.data_ptr() and identity_of(value) == identity_of(other))
    left, right = leaves(value, UNSPECIFIED), leaves(other, UNSPECIFIED)
    return (
        len(left) == len(right)
        and len(left) > 0
        and all(identity_of(a) == identity_of(b) for (_, a, _), (_, b, _) in zip(left, right, strict=True))
    )
