"""The base of representations of a tensor that is made from something else: the window of a canvas, a rendered picture.

The user gives what it is made from as the argument. The callable receives what `present` makes of it. Elements act on
what the user gave.

Called by the engine, once for each request. The module makes no tensors.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch

from equivariance.representations.base import Representation


class Presented(Representation):
    """A representation whose tensor is made from the argument of the user."""

    @abstractmethod
    def present(self, value: Any, path: str) -> tuple[torch.Tensor, Representation]:
        """Returns the tensor that the callable receives, and the representation that remembers what it is made from.

        Args:
            value: The argument of the user.
            path: Its place, for the error.

        Raises:
            ContractError: If the value does not fit.
        """
