"""The precision that a forward pass computes in, which its inputs and parameters need not show: seen, and widened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from equivariance._torch_private import TorchDispatchMode, tree_leaves


class Narrowest(TorchDispatchMode):
    """Watches the operations of a pass.

    Attributes:
        dtype: The floating-point dtype with the largest machine epsilon of all that was made so far
    """

    def __init__(self, dtype: torch.dtype) -> None:
        """`dtype` is what nothing is narrower than, at first."""
        super().__init__()
        self.dtype = dtype

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation and look at what it made."""
        output = func(*args, **(kwargs or {}))
        made = {t.dtype for t in tree_leaves(output) if isinstance(t, torch.Tensor) and t.is_floating_point()}
        self.dtype = max({self.dtype, *made}, key=lambda d: torch.finfo(d).eps)
        return output


class Widened(TorchDispatchMode):
    """Runs what asks for a floating-point dtype in float64: a network with casts inside as if it had none."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation in float64."""
        given = dict(kwargs or {})
        asked = given.get("dtype")
        if asked is not None and asked.is_floating_point:
            given["dtype"] = torch.float64
        return func(*args, **given)
