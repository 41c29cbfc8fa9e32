"""Watches the precision of a forward pass, widens it to float64, and makes its random numbers independent of it.

Inputs and parameters need not show in which precision a pass computes. `capabilities` and `testbed` use the modes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from equivariance._engine.instrumentation.operations import (
    changed_in_place,
    describe_schema,
    draws,
    tensors_in,
    with_tensors,
)
from equivariance._torch_private import TorchDispatchMode, schema_of, tree_leaves


class Narrowest(TorchDispatchMode):
    """Watches the operations of a pass.

    Attributes:
        dtype: The floating-point dtype with the largest machine epsilon of all results so far.
        draws: True if an operation drew random numbers.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        """Starts with `dtype`; only a dtype with a larger machine epsilon replaces it."""
        super().__init__()
        self.dtype = dtype
        self.draws = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Runs the operation and looks at the dtype of its results."""
        output = func(*args, **(kwargs or {}))
        self.draws = self.draws or draws(func)
        made = {t.dtype for t in tree_leaves(output) if isinstance(t, torch.Tensor) and t.is_floating_point()}
        self.dtype = max({self.dtype, *made}, key=lambda d: torch.finfo(d).eps)
        return output


class Widened(TorchDispatchMode):
    """Runs operations that ask for a floating-point dtype in float64, so that casts inside a network have no effect."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Runs the operation in float64."""
        given = dict(kwargs or {})
        asked = given.get("dtype")
        if asked is not None and asked.is_floating_point:
            given["dtype"] = torch.float64
        return func(*args, **given)


class SameDraws(TorchDispatchMode):
    """Draws random numbers in float64 and rounds them, so that passes in all precisions draw the same numbers.

    Torch draws other numbers in float32 than in float64 from the same seed. Without this mode, the distance between the
    two passes is that of two seeds, and no rounding.
    """

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Runs the operation, in float64 if it draws random numbers."""
        given = dict(kwargs or {})
        if not draws(func):
            return func(*args, **given)
        tensors = tensors_in((args, given))
        floating = [t.dtype for t in tensors if t.is_floating_point()]
        asked = given.get("dtype") or (floating[0] if floating else torch.get_default_dtype())
        if not asked.is_floating_point or asked == torch.float64:
            return func(*args, **given)
        wide = [t.to(torch.float64) if t.is_floating_point() else t for t in tensors]
        inputs = iter(wide)
        args, given = with_tensors(args, inputs), with_tensors(given, inputs)
        takes_dtype = any(a.name == "dtype" for a in schema_of(func).arguments)
        output = func(*args, **{**given, "dtype": torch.float64} if takes_dtype else given)
        _, written = describe_schema(func)
        changed = [id(t) for t in changed_in_place(written, args, given)]
        for original, made in zip(tensors, wide, strict=True):
            if id(made) in changed and made is not original:
                original.copy_(made)
        return _narrow(output, asked, {id(w): t for t, w in zip(tensors, wide, strict=True)})


def _narrow(value: Any, dtype: torch.dtype, passed: Mapping[int, torch.Tensor]) -> Any:
    """Returns the output of an operation in `dtype`, with the tensors that the caller passed."""
    if isinstance(value, (list, tuple)):
        return type(value)([_narrow(entry, dtype, passed) for entry in value])
    if not isinstance(value, torch.Tensor):
        return value
    if id(value) in passed:
        return passed[id(value)]
    return value.to(dtype) if value.dtype == torch.float64 else value
