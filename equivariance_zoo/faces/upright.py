"""The pose of a face, told by its landmarks."""

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from equivariance_zoo.faces.shipped import sample

_STEADY = [*range(27, 36), 36, 39, 42, 45]
"""The nose and the corners of the eyes, which an expression hardly moves."""


def upright(landmarks: npt.NDArray[np.floating]) -> Rotation:
    """The rotation that turns a face as the built-in ones are: +y up, +z forward, -x the subject's right.

    Args:
        landmarks: [68, 3] in any frame and unit.
    """
    model = sample().landmarks.numpy().mean(axis=0)[_STEADY].astype(np.float64)
    own = np.asarray(landmarks, dtype=np.float64)[_STEADY]
    return Rotation.align_vectors(model - model.mean(axis=0), own - own.mean(axis=0))[0]
