"""The pose of a face, told by its landmarks."""

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from equivariance_zoo.faces.geometry.motion import rotation_onto
from equivariance_zoo.faces.shipped import sample

_STEADY = [*range(27, 36), 36, 39, 42, 45]
"""The nose and the corners of the eyes, which an expression hardly moves."""


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
