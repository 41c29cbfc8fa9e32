"""The pose of a face, told by its landmarks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from faces import sample

STEADY = (*range(27, 36), 36, 39, 42, 45)
"""The nose and the corners of the eyes, which an expression hardly moves."""


def upright(landmarks: npt.NDArray[np.floating]) -> Rotation:
    """The rotation that turns a face as the built-in ones are: +y up, +z forward, -x the subject's right.

    Args:
        landmarks: [68, 3] in any frame and unit.
    """
    model = sample().landmarks.double().mean(0).numpy()[list(STEADY)]
    own = np.asarray(landmarks, dtype=np.float64)[list(STEADY)]
    return Rotation.align_vectors(model - model.mean(0), own - own.mean(0))[0]
