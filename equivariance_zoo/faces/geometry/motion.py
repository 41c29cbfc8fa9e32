"""Rigid motions of a cloud: x' = x R^T + t, and the rotation that aligns points with others."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from equivariance_zoo.faces.errors import FaceError

_FLAT = 1e-6
"""Points determine a rotation if their root mean square in two directions exceeds this share of a coordinate."""


@dataclass(frozen=True, eq=False)
class RigidMotion:
    """A rotation about the origin, then a translation.

    Attributes:
        rotation: A single rotation, not a stack.
        translation: [3] float64, in the unit of the points.
    """

    rotation: Rotation
    translation: npt.NDArray[np.float64]

    def apply(self, points: Tensor) -> Tensor:
        """Moves points [..., 3] to x R^T + t: computed in float64, returned in their dtype and on their device.

        Raises:
            FaceError: If the last axis is not three coordinates, or they are not floating-point numbers.
        """
        if points.ndim < 1 or points.shape[-1] != 3 or not points.is_floating_point():
            got = f"{list(points.shape)} of {points.dtype}"
            raise FaceError(f"points: expected shape [..., 3] of floating-point numbers but got {got}")
        exact = points.to(torch.float64)
        matrix = exact.new_tensor(self.rotation.as_matrix())
        return (exact @ matrix.T + exact.new_tensor(self.translation)).to(points.dtype)


def random_motion(rng: np.random.Generator, max_translation: float = 10.0) -> RigidMotion:
    """Draws a rotation uniform over SO(3) (Haar) and a translation uniform in +- max_translation units along each axis.

    Raises:
        FaceError: If max_translation is negative or not finite.
    """
    if not 0 <= max_translation < np.inf:
        raise FaceError(f"max_translation: expected a finite length of at least 0 but got {max_translation}")
    return RigidMotion(
        rotation=Rotation.random(rng=rng),
        translation=rng.uniform(-max_translation, max_translation, size=3),
    )


def rotation_onto(target: npt.NDArray[np.float64], points: npt.NDArray[np.float64], least: float = 0.0) -> Rotation:
    """Returns the rotation about the means that aligns points with others, with the least sum of squares (Kabsch).

    Args:
        target: [n, 3] float64.
        points: [n, 3] float64, the same points in the same order.
        least: Length in the unit of the points. Their root mean square must exceed it in two directions.

    Raises:
        FaceError: If the points or targets coincide or lie on one line: rounding alone would choose a rotation.
    """
    for each, length in ((target, 0.0), (points, least)):
        extents = np.linalg.svd(each - each.mean(axis=0), compute_uv=False) / np.sqrt(len(each))
        if not extents[1:].max(initial=0.0) > max(length, _FLAT * np.abs(each).max()):
            sizes = ", ".join(f"{extent:.2g}" for extent in extents)
            raise FaceError(f"landmarks: expected points that span a plane but got points of sizes {sizes}")
    return Rotation.align_vectors(target - target.mean(axis=0), points - points.mean(axis=0))[0]
