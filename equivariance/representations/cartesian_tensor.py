"""Cartesian vectors and matrices on any axes.

Used in contracts for tensors that irreps on one last axis cannot describe. The module knows no symmetric matrices in
six numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation
from equivariance.representations.planes import motion_in


@dataclass(frozen=True)
class CartesianTensor(Representation):
    """Components x, y, z on each of several axes: vectors [N, 3, C] on axis 1, matrices [N, 3, 3] on axes 1 and 2.

    Each axis rotates: x'_ij = R_ik R_jl x_kl. Translations change nothing. For other layouts, for example symmetric
    matrices in six numbers, write a subclass of `Representation`.

    Attributes:
        axes: The component axes, each of length 3; empty for pseudoscalars.
        pseudo: True adds a sign under inversion, as for a cross product.
        dimensions: 3, or 2 for components x, y in a plane.

    Raises:
        ArgumentError: If an axis is listed twice, or if there are no axes and `pseudo` is False.
    """

    axes: tuple[int, ...] = (-1,)
    pseudo: bool = False
    dimensions: int = 3

    keeps_lengths: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Rejects axes that are not distinct whole numbers."""
        whole = isinstance(self.axes, tuple) and all(type(a) is int for a in self.axes)
        if not whole or not (self.axes or self.pseudo) or len(set(self.axes)) < len(self.axes):
            raise ArgumentError("axes", self.axes, "a tuple of axes, each once, for example (1, 2)")
        if self.dimensions not in (2, 3):
            raise ArgumentError("dimensions", self.dimensions, "2 or 3")

    @property
    def turns(self) -> bool:
        """True unless the tensor is a pseudoscalar."""
        return bool(self.axes)

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that each axis has length 3 and that the dtype is floating-point."""
        super().check(tensor, path)
        fits = all(-tensor.dim() <= a < tensor.dim() and tensor.shape[a] == self.dimensions for a in self.axes)
        if not fits or len({a % tensor.dim() for a in self.axes}) < len(self.axes):
            expected = f"{'three' if self.dimensions == 3 else 'two'} components on each of the axes {self.axes}"
            raise ContractError(path, f"tensor of shape {tuple(tensor.shape)}", expected)
        if not tensor.is_floating_point():
            raise ContractError(path, f"tensor of dtype {tensor.dtype}", "floating-point numbers, for CartesianTensor")

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Applies R to every axis, and the sign of a pseudotensor."""
        turn, _ = motion_in(element, self.dimensions)
        matrix = torch.tensor(turn, dtype=torch.float64, device=values.device)
        for axis in self.axes:
            values = (values.movedim(axis, -1) @ matrix.T).movedim(-1, axis)
        return values * element.determinant if self.pseudo else values
