"""Vectors whose sign has no meaning: eigenvectors, unit quaternions, normals without a side.

Used in contracts. The action is that of the representation inside; the comparison chooses the sign.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.representations.composed.wrapping import Wrapping


@dataclass(frozen=True)
class UpToSign(Wrapping):
    """A representation in which v and -v are equal.

    Attributes:
        base: The representation of the vectors.
        axis: The axis that lists the components of one vector. All other axes list vectors, each with its own sign.

    Raises:
        ArgumentError: If `base` is no representation, or the axis is no whole number.

    >>> import torch
    >>> UpToSign("1x1o").nearest(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[-1.0, -2.0, -3.0]])).tolist()
    [[-1.0, -2.0, -3.0]]
    """

    axis: int = -1

    def __post_init__(self) -> None:
        """Checks the axis."""
        super().__post_init__()
        if type(self.axis) is not int:
            raise ArgumentError("axis", self.axis, "a whole number")

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that the tensor has the axis."""
        super().check(tensor, path)
        if not -tensor.dim() <= self.axis < tensor.dim():
            raise ContractError(path, f"tensor of shape {tuple(tensor.shape)}", f"components on axis {self.axis}")

    def nearest(self, values: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
        """Returns each vector with the sign that brings it nearest to the expected one."""
        along = (values * expected).sum(self.axis, keepdim=True)
        return torch.where(along < 0, -values, values)
