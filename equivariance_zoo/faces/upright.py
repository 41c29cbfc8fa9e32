"""Finds the pose of a face by its landmarks."""

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from equivariance_zoo.faces.geometry.motion import rotation_onto
from equivariance_zoo.faces.shipped import sample

_STEADY = [*range(27, 36), 36, 39, 42, 45]
"""Landmarks of the nose and the corners of the eyes, which an expression hardly moves."""


def upright(landmarks: npt.NDArray[np.floating], least: float = 0.0) -> Rotation:
    """Returns the rotation to the pose of the built-in faces: +y up, +z forward, -x the subject's right.

    Args:
        landmarks: [68, 3] in any frame and unit.
        least: Length in the unit of the landmarks. The root mean square of nose and eyes must exceed it in two
            directions.

    Raises:
        FaceError: If the nose and the eyes coincide or lie on one line, so that no pose is determined.
    """
    model = sample().landmarks.numpy().mean(axis=0)[_STEADY].astype(np.float64)
    return rotation_onto(model, np.asarray(landmarks, dtype=np.float64)[_STEADY], least)
