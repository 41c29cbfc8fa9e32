"""The morphable model on chosen vertices (eq. 1) and the weak-perspective projection (eq. 2).

The fits call it. The model is that of `faces`, the camera that of `scenes`; the module has neither of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from equivariance_zoo.faces.models.ict import IctModel
from equivariance_zoo.scenes.cameras import View, WeakPerspectiveCamera, ndc_of_pixels, pixels_of_ndc

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearShape:
    """Chosen vertices of a morphable model, eq. 1: X = mean + A_id a_id + A_exp a_exp.

    The published model has 199 identities and 29 expressions; the model of `faces` has 50 and 53.

    Attributes:
        mean: [n, 3] float64, centimetres; the origin is the mean of the model's 68 landmarks.
        modes: [K, n, 3] float64, the identities first; centimetres for a weight of 1.
        identities: Number of identities among the K modes.

    Raises:
        ValueError: If the shapes do not fit.
    """

    mean: Array
    modes: Array
    identities: int

    def __post_init__(self) -> None:
        """Checks the shapes."""
        if self.mean.ndim != 2 or self.mean.shape[1] != 3 or self.modes.shape[1:] != self.mean.shape:
            got = f"{list(self.mean.shape)} and {list(self.modes.shape)}"
            raise ValueError(f"mean, modes: expected shapes [n, 3] and [K, n, 3], got {got}")
        if not 0 <= self.identities <= len(self.modes):
            raise ValueError(f"identities: expected a number from 0 to {len(self.modes)}, got {self.identities}")

    @classmethod
    def of(cls, model: IctModel, vertices: npt.ArrayLike) -> LinearShape:
        """Returns chosen vertices of a model.

        Args:
            model: The morphable model.
            vertices: [n] integers, the numbers of the vertices.
        """
        chosen = np.asarray(vertices, dtype=np.int64)
        centre = model.mean[model.landmarks].mean(axis=0)
        modes = np.concatenate([model.identity_modes[:, chosen], model.expression_modes[:, chosen]])
        return cls(model.mean[chosen] - centre, modes, len(model.identity_modes))

    def points(self, weights: npt.ArrayLike) -> Array:
        """Returns the vertices [n, 3] for weights a = [a_id, a_exp] of length K (eq. 1).

        Raises:
            ValueError: If there are not K weights.
        """
        given = np.asarray(weights, dtype=np.float64)
        if given.shape != (len(self.modes),):
            raise ValueError(f"weights: expected {len(self.modes)} numbers, got shape {list(given.shape)}")
        return self.mean + np.tensordot(given, self.modes, 1)


@dataclass(frozen=True, eq=False)
class Pose:
    """The pose of eq. 2: Y = s [R X]_xy + t with R = R_z(r_z) R_y(r_y) R_x(r_x).

    Attributes:
        rotation: R [3, 3] float64.
        scale: s above 0, pixels per centimetre.
        translation: (t_x, t_y), pixels to the right of and above the centre of the picture.

    Raises:
        ValueError: If a value is no rotation, scale or translation.

    >>> pose = Pose.of_angles(0.0, 0.0, np.pi / 2, 2.0, (10.0, 0.0))
    >>> pose.project([[1.0, 0.0, 5.0]]).round(9).tolist()
    [[10.0, 2.0]]
    """

    rotation: Array
    scale: float
    translation: tuple[float, float]

    def __post_init__(self) -> None:
        """Checks the values, as the camera does."""
        self.camera(2)

    @classmethod
    def of_angles(
        cls, pitch: float, yaw: float, roll: float, scale: float = 1.0, translation: tuple[float, float] = (0.0, 0.0)
    ) -> Pose:
        """Returns the pose of angles r_x, r_y, r_z in radians."""
        return cls(Rotation.from_euler("xyz", [pitch, yaw, roll]).as_matrix(), scale, translation)

    @property
    def angles(self) -> tuple[float, float, float]:
        """Returns r_x, r_y, r_z in radians; r_y is from -pi / 2 to pi / 2."""
        pitch, yaw, roll = Rotation.from_matrix(self.rotation).as_euler("xyz")
        return float(pitch), float(yaw), float(roll)

    def camera(self, size: int) -> WeakPerspectiveCamera:
        """Returns the camera of a picture of size x size pixels, for vertices of `LinearShape`."""
        x, y = (2 * float(t) / size for t in self.translation)
        return WeakPerspectiveCamera(View(self.rotation, np.zeros(3)), 2 * float(self.scale) / size, (x, y))

    def project(self, points: npt.ArrayLike) -> Array:
        """Returns the positions Y [..., 2] of points [..., 3], in pixels right of and above the centre (eq. 2)."""
        return self.camera(2).project(points)


def points_of_pixels(pixels: npt.ArrayLike, size: int) -> Array:
    """Returns points [..., 2], right of and above the centre, of pixel coordinates (column, row) [..., 2]."""
    return ndc_of_pixels(pixels, size) * (size / 2)


def pixels_of_points(points: npt.ArrayLike, size: int) -> Array:
    """Returns pixel coordinates (column, row) [..., 2] of points [..., 2] right of and above the centre."""
    return pixels_of_ndc(np.asarray(points, dtype=np.float64) * (2 / size), size)
