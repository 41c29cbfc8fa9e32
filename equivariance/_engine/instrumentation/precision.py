"""Watches the precision of a forward pass, and widens it to float64.

Inputs and parameters need not show in which precision a pass computes. `testbed` uses both modes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from equivariance._torch_private import TorchDispatchMode, tree_leaves


class Narrowest(TorchDispatchMode):
    """Watches the operations of a pass.

    Attributes:
        dtype: The floating-point dtype with the largest machine epsilon of all results so far.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        """Starts with `dtype`; only a dtype with a larger machine epsilon replaces it."""
        super().__init__()
        self.dtype = dtype

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Runs the operation and looks at the dtype of its results."""
        output = func(*args, **(kwargs or {}))
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
