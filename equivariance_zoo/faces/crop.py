"""Crops a head in any pose, by its landmarks, to the part in FaceScape's scans."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError, name_in_errors
from equivariance_zoo.faces.face import Face
from equivariance_zoo.faces.geometry.mesh import ABOVE_BROWS_CM, BEHIND_NOSE_CM, BELOW_CHIN_CM, BROWS, CHIN, NOSE_TIP
from equivariance_zoo.faces.upright import upright

_MM_PER_CM = 10

_LEAST_MM = 1.0
"""Least root mean square of nose and eyes, in millimetres. Faces have tens of millimetres."""


def crop(face: Face) -> Face:
    """Crops a head from below the chin to the forehead, without the back. The frame of the source is kept.

    A point is kept if it lies above the chin (landmark 8) less 41 mm, below the highest brow point (17 to 26) plus
    89 mm, and in front of the nose tip (30) less 148 mm. A triangle is kept if all its corners are kept. The directions
    up and forward are taken from the built-in faces, aligned by nose and eye corners. The crop of a moved face is
    therefore the moved crop.

    Raises:
        FaceError: If the face has no landmarks, they determine no pose, or a landmark lies outside the crop.
    """
    if face.landmarks is None:
        raise FaceError(f"{face.name}: expected landmarks, which the crop goes by, but it has none")
    with name_in_errors(face.name):
        pose = upright(face.landmarks, _LEAST_MM)
    landmarks = pose.apply(face.landmarks)
    kept = _within(pose.apply(face.points), landmarks)
    lost = np.flatnonzero(~_within(landmarks, landmarks))
    if lost.size:
        raise FaceError(f"{face.name}: expected every landmark within the crop but {lost.tolist()} are outside")
    if not kept.any():
        raise FaceError(f"{face.name}: expected points around the landmarks but none is within the crop")
    if face.triangles is None:
        return replace(face, points=face.points[kept])
    whole = face.triangles[kept[face.triangles].all(axis=1)]
    return replace(face, points=face.points[kept], triangles=(np.cumsum(kept) - 1)[whole])


def _within(points: npt.NDArray[np.float64], landmarks: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    height, depth = points[:, 1], points[:, 2]
    inside: npt.NDArray[np.bool_] = height > landmarks[CHIN, 1] - BELOW_CHIN_CM * _MM_PER_CM
    inside &= height < landmarks[BROWS, 1].max() + ABOVE_BROWS_CM * _MM_PER_CM
    return inside & (depth > landmarks[NOSE_TIP, 2] - BEHIND_NOSE_CM * _MM_PER_CM)
