"""The pose of a face, told by its landmarks."""

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.shipped import sample

_STEADY = [*range(27, 36), 36, 39, 42, 45]
"""The nose and the corners of the eyes, which an expression hardly moves."""

_FLAT = 1e-6
"""Points tell a rotation if their root mean square in two directions is more than this share of a coordinate."""


def upright(landmarks: npt.NDArray[np.floating], least: float = 0.0) -> Rotation:
    """Returns the rotation that turns a face as the built-in ones are: +y up, +z forward, -x the subject's right.

    Args:
        landmarks: [68, 3] in any frame and unit.
        least: length in their unit. The root mean square of the nose and the eyes of a face is larger than this length
            in two directions.

    Raises:
        FaceError: the nose and the eyes lie at one place or on one line, which tells no pose.
    """
    model = sample().landmarks.numpy().mean(axis=0)[_STEADY].astype(np.float64)
    return rotation_onto(model, np.asarray(landmarks, dtype=np.float64)[_STEADY], least)


def rotation_onto(target: npt.NDArray[np.float64], points: npt.NDArray[np.float64], least: float = 0.0) -> Rotation:
    """Returns the rotation about their means that lays points on others with the least sum of squares (Kabsch).

    Args:
        target: [n, 3] float64.
        points: [n, 3] float64, of the same points in the same order.
        least: length in the unit of the points. Their root mean square must be larger in two directions.

    Raises:
        FaceError: the points or their targets lie at one place or on one line: rounding alone would choose a rotation.
    """
    for each, length in ((target, 0.0), (points, least)):
        extents = np.linalg.svd(each - each.mean(axis=0), compute_uv=False) / np.sqrt(len(each))
        if not extents[1:].max(initial=0.0) > max(length, _FLAT * np.abs(each).max()):
            sizes = ", ".join(f"{extent:.2g}" for extent in extents)
            raise FaceError(f"landmarks: expected points that span a plane but got points of sizes {sizes}")
    return Rotation.align_vectors(target - target.mean(axis=0), points - points.mean(axis=0))[0]
