"""Whether a value still consists of the very same tensors, unchanged, told without comparing entries."""

from __future__ import annotations

from typing import Any

import torch

from equivariance.trees import UNSPECIFIED, leaves


def version_of(tensor: torch.Tensor) -> object:
    """Counts changes in place; where torch does not count them, in inference mode, it equals nothing but itself."""
    return object() if tensor.is_inference() else tensor._version


def identity_of(tensor: torch.Tensor) -> tuple[Any, ...]:
    """Memory, layout and version."""
    return (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, version_of(tensor), tensor.device)


def identities(value: Any) -> list[tuple[Any, ...]]:
    """What tells whether a value still consists of the same tensors, unchanged.

    Integers are compared by content, as graph libraries hand out their edges as new tensors every time, and so are
    tensors whose changes torch does not count.
    """
    return [
        (path, *identity_of(tensor))
        if tensor.is_floating_point() and not tensor.is_inference()
        else (path, tensor.cpu().contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
        for path, tensor, _ in leaves(value, UNSPECIFIED)
    ]


def equal(value: Any, other: Any) -> bool:
    """Whether two values hold as many tensors, and equal ones."""
    left, right = leaves(value, UNSPECIFIED), leaves(other, UNSPECIFIED)
    return len(left) == len(right) and all(torch.equal(a, b) for (_, a, _), (_, b, _) in zip(left, right, strict=True))


def same(value: Any, other: Any) -> bool:
    """Whether two values hold the very same tensors."""
    if isinstance(value, torch.Tensor) and isinstance(other, torch.Tensor):
        return value is other or (value.data_ptr() == other.data_ptr() and identity_of(value) == identity_of(other))
    left, right = leaves(value, UNSPECIFIED), leaves(other, UNSPECIFIED)
    return (
        len(left) == len(right)
        and len(left) > 0
        and all(identity_of(a) == identity_of(b) for (_, a, _), (_, b, _) in zip(left, right, strict=True))
    )
