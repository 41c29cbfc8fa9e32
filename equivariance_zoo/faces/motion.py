"""Rigid motions of a cloud: x' = x R^T + t."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from equivariance_zoo.faces.errors import FaceError


@dataclass(frozen=True, eq=False)
class RigidMotion:
    """A rotation about the origin, then a translation.

    Attributes:
        rotation: a single rotation.
        translation: [3] float64, in the unit of the points.
    """

    rotation: Rotation
    translation: npt.NDArray[np.float64]

    def apply(self, points: Tensor) -> Tensor:
        """x R^T + t for points [..., 3]: computed in float64, returned in the points' dtype and on their device.

        Raises:
            FaceError: the last axis is not three coordinates, or they are not floating-point numbers.
        """
        if points.ndim < 1 or points.shape[-1] != 3 or not points.is_floating_point():
            got = f"{list(points.shape)} of {points.dtype}"
            raise FaceError(f"points: expected shape [..., 3] of floating-point numbers but got {got}")
        exact = points.to(torch.float64)
        matrix = exact.new_tensor(self.rotation.as_matrix())
        return (exact @ matrix.T + exact.new_tensor(self.translation)).to(points.dtype)


def random_motion(rng: np.random.Generator, max_translation: float = 10.0) -> RigidMotion:
    """A rotation uniform over SO(3) (Haar), and a translation uniform within +- max_translation units along each axis.

    Raises:
        FaceError: max_translation is negative or not finite.
    """
    if not 0 <= max_translation < np.inf:
        raise FaceError(f"max_translation: expected a finite length of at least 0 but got {max_translation}")
    return RigidMotion(
        rotation=Rotation.random(rng=rng),
        translation=rng.uniform(-max_translation, max_translation, size=3),
    )
