"""Image coordinates of a pinhole camera: rays, which turn with the camera, and points with their depth.

Used in contracts. Grids of pixels have representations of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from equivariance.errors import ArgumentError, ContractError, ForeignElementError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation


@dataclass(frozen=True)
class _Pinhole(Representation):
    """Image coordinates on the last axis.

    Attributes:
        focal: Focal length, in the units of the image coordinates.
        looks: Direction in which the camera looks: "-z" gives u = -f x / z, v = -f y / z; "+z" gives u = f x / z.

    Raises:
        ArgumentError: If the focal length is not positive, or the direction is another.
    """

    focal: float = 1.0
    looks: str = "-z"

    _component_axes: ClassVar[int] = 1
    _length: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Checks the camera."""
        if not (isinstance(self.focal, (int, float)) and math.isfinite(self.focal) and self.focal > 0):
            raise ArgumentError("focal", self.focal, "a positive length")
        if self.looks not in ("-z", "+z"):
            raise ArgumentError("looks", self.looks, "'-z' or '+z'")

    @property
    def turns(self) -> bool:
        """True: image coordinates change with the camera."""
        return True

    @property
    def _signed(self) -> float:
        """The focal length, negative for a camera that looks along -z: u = signed x / z."""
        return -self.focal if self.looks == "-z" else self.focal

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks the length of the last axis and the dtype."""
        super().check(tensor, path)
        if not tensor.dim() or tensor.shape[-1] != self._length or not tensor.is_floating_point():
            what = f"tensor of shape {tuple(tensor.shape)} and dtype {tensor.dtype}"
            expected = f"a last axis of {self._length} floating-point numbers, for {type(self).__name__}"
            raise ContractError(path, what, expected)

    def _turned(self, points: torch.Tensor, element: Transform) -> torch.Tensor:
        matrix = torch.tensor(element.matrix, dtype=torch.float64, device=points.device)
        return points @ matrix.T


@dataclass(frozen=True)
class ImageRays(_Pinhole):
    """Image coordinates (u, v) of directions: a rotation of the scene about the camera is a homography.

    A translation needs the depth; `Unprojected` has it.

    >>> from equivariance.groups import rotation
    >>> half = rotation([[-1, 0, 0], [0, -1, 0], [0, 0, 1]])
    >>> ImageRays(focal=2.0).transform(torch.tensor([[0.5, 1.0]]), half).tolist()
    [[-0.5, -1.0]]
    """

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Turns the rays (u, v, f) and projects them.

        Raises:
            ForeignElementError: If the element has a translation.
        """
        if any(element.vector):
            raise ForeignElementError("element", element, "one without translation: rays have no depth")
        rays = torch.cat([values, torch.full_like(values[..., :1], self._signed)], -1)
        turned = self._turned(rays, element)
        return self._signed * turned[..., :2] / turned[..., 2:]


@dataclass(frozen=True)
class Unprojected(_Pinhole):
    """Image coordinates and depth (u, v, z) of points: they move as the points do, x = s R x + t.

    >>> from equivariance.groups import translation
    >>> Unprojected(focal=1.0).transform(torch.tensor([[0.5, 0.0, -2.0]]), translation([0, 0, -2])).tolist()
    [[0.25, 0.0, -4.0]]
    """

    _length: ClassVar[int] = 3

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Moves the points and projects them."""
        depth = values[..., 2:]
        points = torch.cat([values[..., :2] * depth / self._signed, depth], -1)
        vector = torch.tensor(element.vector, dtype=torch.float64, device=values.device)
        moved = element.scale * self._turned(points, element) + vector
        return torch.cat([self._signed * moved[..., :2] / moved[..., 2:], moved[..., 2:]], -1)
