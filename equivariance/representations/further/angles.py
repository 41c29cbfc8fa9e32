"""Euler angles, and logarithms of lengths: numbers whose transformation is not linear.

Used in contracts. Angles are compared as the rotations that they stand for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.spatial.transform import Rotation

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation


@dataclass(frozen=True)
class Angles(Representation):
    """Three Euler angles on the last axis that stand for a rotation A: A' = R A, or R A R^T under a mirror.

    Angles are compared on the rotation, so that a wrap by a full turn is no error. Near gimbal lock the angles of a
    rotation are ill-conditioned, and the comparison is not.

    Attributes:
        order: The axes in the notation of scipy: "xyz" about fixed axes, "XYZ" about axes that turn along.
        degrees: True for degrees, False for radians.

    Raises:
        ArgumentError: If the order is no three axes of one kind, neighbours different.

    >>> from equivariance.groups import rotation
    >>> Angles("xyz", degrees=True).transform(torch.zeros(1, 3), rotation([0, 0, math.pi / 2])).round().tolist()
    [[0.0, 0.0, 90.0]]
    """

    order: str = "xyz"
    degrees: bool = False

    _component_axes: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Checks the order."""
        try:
            Rotation.from_euler(self.order, [0.0, 0.0, 0.0])
        except (ValueError, TypeError) as error:
            raise ArgumentError("order", self.order, "three axes, such as 'xyz' or 'ZYX'") from error

    @property
    def turns(self) -> bool:
        """True: the angles change with rotations."""
        return True

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that the last axis has three entries and that the dtype is floating-point."""
        super().check(tensor, path)
        if not tensor.dim() or tensor.shape[-1] != 3 or not tensor.is_floating_point():
            what = f"tensor of shape {tuple(tensor.shape)} and dtype {tensor.dtype}"
            raise ContractError(path, what, "a last axis of 3 floating-point numbers, for Angles")

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns the angles of the moved rotation."""
        turned = self._rotations(values)
        matrix = torch.from_numpy(element.array).to(values.device)
        moved = matrix @ turned if element.determinant > 0 else matrix @ turned @ matrix.T
        flat = Rotation.from_matrix(moved.reshape(-1, 3, 3).cpu().numpy())
        angles = torch.from_numpy(flat.as_euler(self.order, degrees=self.degrees, suppress_warnings=True))
        return angles.reshape(values.shape).to(values.device)

    def compared(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns the matrices of the rotations, nine numbers each; padded rows are zero."""
        return self._rotations(super().compared(values, element)).flatten(-2)

    def _rotations(self, values: torch.Tensor) -> torch.Tensor:
        """Returns the rotations, [..., 3, 3] float64; NaN where an angle is not finite."""
        finite = torch.where(values.isfinite(), values, torch.zeros_like(values)).double()
        flat = Rotation.from_euler(self.order, finite.reshape(-1, 3).cpu().numpy(), degrees=self.degrees)
        made = torch.from_numpy(flat.as_matrix()).reshape(*values.shape[:-1], 3, 3).to(values.device)
        bad = ~values.isfinite().all(-1)
        return torch.where(bad[..., None, None], torch.full_like(made, math.nan), made)


@dataclass(frozen=True)
class LogScale(Representation):
    """Logarithms of lengths, or of powers of length: v' = v + power log(s) under a change of scale by s.

    Attributes:
        power: The power of length of which the values are logarithms: 1 for log-lengths, 2 for log-areas.
    """

    power: float = 1.0

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Adds the logarithm of the scale."""
        return values + self.power * math.log(element.scale) if element.scale != 1 else values
