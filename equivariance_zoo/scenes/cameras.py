"""Cameras: positions in the world to the camera, to normalized device coordinates (NDC), to pixels, and back.

The world and the camera are right-handed. In the frame of the camera, +x is to the right, +y up, and the camera looks
along -z. Depth is -z, in units of the world. NDC are -1 to 1 over the picture, the first to the right, the second up.
Pixel coordinates are (column, row) from the upper left corner; the centre of the first pixel is (0.5, 0.5). Pictures
are square.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from equivariance_zoo.scenes import kernels

Array = npt.NDArray[np.float64]

_ORTHONORMAL = 1e-6
_UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, eq=False)
class View:
    """A pose of the camera: x_camera = R (x_world - c).

    The difference is taken first. For signed permutations of the world, and for shifts of positions on a dyadic grid,
    a view that moves with the world gives the same bits.

    Attributes:
        rotation: R [3, 3] float64; its rows are the axes of the camera in the world.
        position: c [3] float64, the position of the camera in the world. In weak perspective, c is the point that is
            seen at the camera's translation.

    Raises:
        ValueError: If R is not a rotation to 1e-6, or a number is not finite.
    """

    rotation: Array
    position: Array

    def __post_init__(self) -> None:
        """Checks the rotation and the position."""
        for name, shape in (("rotation", (3, 3)), ("position", (3,))):
            value = np.array(getattr(self, name), dtype=np.float64)
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"{name}: expected finite numbers of shape {list(shape)}, got {value.tolist()}")
            object.__setattr__(self, name, value)
        error = np.abs(self.rotation @ self.rotation.T - np.eye(3)).max()
        if error > _ORTHONORMAL or np.linalg.det(self.rotation) < 0:
            raise ValueError(f"rotation: expected a rotation matrix, got {self.rotation.tolist()}")

    @classmethod
    def looking_at(cls, target: npt.ArrayLike, position: npt.ArrayLike, roll: float = 0.0) -> View:
        """Returns the view from a position to a target, with +y of the world upwards in the picture.

        Args:
            target: [3], the point in the middle of the picture.
            position: [3], the position of the camera.
            roll: Angle in radians by which the camera turns counter-clockwise, seen from behind it.

        Raises:
            ValueError: If the camera is at the target, or above or below it.
        """
        eye = np.asarray(position, dtype=np.float64)
        back = eye - np.asarray(target, dtype=np.float64)
        right = np.cross(_UP, back)
        if np.linalg.norm(right) < _ORTHONORMAL * max(float(np.linalg.norm(back)), 1e-300):
            raise ValueError(f"position: expected one beside the vertical through the target, got {eye.tolist()}")
        back, right = back / np.linalg.norm(back), right / np.linalg.norm(right)
        up = np.cross(back, right)
        cosine, sine = math.cos(roll), math.sin(roll)
        return cls(np.stack([cosine * right + sine * up, cosine * up - sine * right, back]), eye)

    def to_camera(self, points: npt.ArrayLike) -> Array:
        """Returns points [..., 3] of the world in the frame of the camera."""
        points = _points(points)
        flat: Array = kernels.to_camera(points.reshape(-1, 3), self.rotation, self.position)
        return flat.reshape(points.shape)

    def to_world(self, points: npt.ArrayLike) -> Array:
        """Returns points [..., 3] of the camera's frame in the world."""
        return _points(points) @ self.rotation + self.position

    def moved(self, rotation: Array, translation: npt.ArrayLike) -> View:
        """Returns the view that sees a world moved to G x + t as this one sees the world.

        Args:
            rotation: G [3, 3].
            translation: t [3].
        """
        return View(self.rotation @ rotation.T, rotation @ self.position + np.asarray(translation, dtype=np.float64))


class Camera(Protocol):
    """A view with a projection. `PerspectiveCamera` and `WeakPerspectiveCamera` are the two kinds."""

    @property
    def view(self) -> View:
        """Returns the pose of the camera."""

    @property
    def perspective(self) -> bool:
        """True if a larger depth makes a smaller picture."""

    @property
    def slope(self) -> float:
        """Returns k: a point that is seen at the NDC (u, v) sees the camera in the direction (-k u, -k v, 1)."""

    def project(self, points: npt.ArrayLike) -> Array:
        """Returns the NDC [..., 2] of points [..., 3] of the world."""

    def project_seen(self, seen: Array) -> Array:
        """Returns the NDC [..., 2] of points [..., 3] in the frame of the camera."""

    def unproject(self, ndc: npt.ArrayLike, depth: npt.ArrayLike) -> Array:
        """Returns the points [..., 3] of the world that are seen at NDC [..., 2] in a depth [...]."""


@dataclass(frozen=True, eq=False)
class PerspectiveCamera:
    """A pinhole camera, as KeypointNet has it: u = -f x / z, v = -f y / z; x = -u z / f, y = -v z / f.

    Attributes:
        view: Pose of the camera.
        focal: f = 1 / tan(fov / 2), the focal length in NDC.

    Raises:
        ValueError: If the focal length is not a number above 0.
    """

    view: View
    focal: float

    def __post_init__(self) -> None:
        """Checks the focal length."""
        _positive("focal", self.focal)

    @classmethod
    def with_field(cls, view: View, degrees: float) -> PerspectiveCamera:
        """Returns a camera with a field of view in degrees, from 0 to 180 (both excluded)."""
        if not 0 < degrees < 180:
            raise ValueError(f"degrees: expected a field of view between 0 and 180, got {degrees!r}")
        return cls(view, 1 / math.tan(math.radians(degrees) / 2))

    @property
    def perspective(self) -> bool:
        """Returns True."""
        return True

    @property
    def slope(self) -> float:
        """Returns 1 / f."""
        return 1 / self.focal

    def project(self, points: npt.ArrayLike) -> Array:
        """Returns the NDC [..., 2] of points [..., 3] of the world.

        Raises:
            ValueError: If a point is not in front of the camera.
        """
        return self.project_seen(self.view.to_camera(points))

    def project_seen(self, seen: Array) -> Array:
        """Returns the NDC [..., 2] of points [..., 3] in the frame of the camera.

        Raises:
            ValueError: If a point is not in front of the camera.
        """
        behind = ~(seen[..., 2] < 0)
        if behind.any():
            raise ValueError(
                f"points: expected all in front of the camera, got {int(behind.sum())} at or behind it (or NaN)"
            )
        return -self.focal * seen[..., :2] / seen[..., 2:]

    def unproject(self, ndc: npt.ArrayLike, depth: npt.ArrayLike) -> Array:
        """Returns the points [..., 3] of the world that are seen at NDC [..., 2] in a depth [...]."""
        ndc, depth = np.asarray(ndc, dtype=np.float64), np.asarray(depth, dtype=np.float64)
        seen = np.concatenate([ndc * depth[..., None] / self.focal, -depth[..., None]], axis=-1)
        return self.view.to_world(seen)

    def moved(self, rotation: Array, translation: npt.ArrayLike) -> PerspectiveCamera:
        """Returns the camera that moves with the world; see `View.moved`."""
        return replace(self, view=self.view.moved(rotation, translation))


@dataclass(frozen=True, eq=False)
class WeakPerspectiveCamera:
    """A camera without foreshortening, as Trans3DHead and CPRFA have it: (u, v) = s (R (x - c))_xy + (t_x, t_y).

    Trans3DHead's scale is s = 1 + its last number. CPRFA's scale and translation are in pixels; see `in_pixels`. Both
    papers let their second coordinate grow downwards in the picture; here v grows upwards, and the row of a pixel is
    (1 - v) / 2 times the size.

    Attributes:
        view: R, and c, the point that is seen at the translation.
        scale: s, NDC per unit of the world.
        translation: (t_x, t_y) in NDC.

    Raises:
        ValueError: If the scale is not a number above 0, or the translation not two finite numbers.
    """

    view: View
    scale: float
    translation: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Checks the scale and the translation."""
        _positive("scale", self.scale)
        if np.shape(self.translation) != (2,) or not np.isfinite(self.translation).all():
            raise ValueError(f"translation: expected two finite numbers, got {self.translation!r}")

    @classmethod
    def in_pixels(cls, view: View, scale: float, translation: tuple[float, float], size: int) -> WeakPerspectiveCamera:
        """Returns the camera of CPRFA's scale (pixels per unit) and translation (pixel coordinates of the point c)."""
        u, v = ndc_of_pixels(np.asarray(translation, dtype=np.float64), size)
        return cls(view, scale * 2 / size, (float(u), float(v)))

    @property
    def perspective(self) -> bool:
        """Returns False."""
        return False

    @property
    def slope(self) -> float:
        """Returns 0: all points see the camera in one direction."""
        return 0.0

    def project(self, points: npt.ArrayLike) -> Array:
        """Returns the NDC [..., 2] of points [..., 3] of the world."""
        return self.project_seen(self.view.to_camera(points))

    def project_seen(self, seen: Array) -> Array:
        """Returns the NDC [..., 2] of points [..., 3] in the frame of the camera."""
        return self.scale * seen[..., :2] + np.asarray(self.translation)

    def unproject(self, ndc: npt.ArrayLike, depth: npt.ArrayLike) -> Array:
        """Returns the points [..., 3] of the world that are seen at NDC [..., 2] in a depth [...]."""
        ndc, depth = np.asarray(ndc, dtype=np.float64), np.asarray(depth, dtype=np.float64)
        flat = (ndc - np.asarray(self.translation)) / self.scale
        return self.view.to_world(np.concatenate([flat, -depth[..., None]], axis=-1))

    def moved(self, rotation: Array, translation: npt.ArrayLike) -> WeakPerspectiveCamera:
        """Returns the camera that moves with the world; see `View.moved`."""
        return replace(self, view=self.view.moved(rotation, translation))


def depth_of(camera: Camera, points: npt.ArrayLike) -> Array:
    """Returns the depths [...] of points [..., 3] of the world: -z in the frame of the camera."""
    return -camera.view.to_camera(points)[..., 2]


def pixels_of_ndc(ndc: npt.ArrayLike, size: int) -> Array:
    """Returns pixel coordinates (column, row) [..., 2] of NDC [..., 2] in a picture of size x size pixels."""
    return centred_of_ndc(ndc, size) + size / 2


def centred_of_ndc(ndc: npt.ArrayLike, size: int) -> Array:
    """Returns pixels [..., 2] to the right of and below the centre. Mirrored NDC are mirrored exactly."""
    return np.asarray(ndc, dtype=np.float64) * np.array([size / 2, -size / 2])


def ndc_of_pixels(pixels: npt.ArrayLike, size: int) -> Array:
    """Returns NDC [..., 2] of pixel coordinates (column, row) [..., 2]."""
    return (np.asarray(pixels, dtype=np.float64) - size / 2) * np.array([2 / size, -2 / size])


def ndc_grid(size: int) -> Array:
    """Returns the NDC of the pixel centres, [size, size, 2]: u of column j is (j + 1/2) 2 / size - 1."""
    centres = np.arange(size) + 0.5
    return ndc_of_pixels(np.stack(np.meshgrid(centres, centres), axis=-1), size)


def screen_of(camera: Camera, seen: Array, size: int) -> Array:
    """Returns the screen positions [V, 3] that the kernels read (see `kernels`) of points in the camera's frame.

    Raises:
        ValueError: In perspective, if a point is not in front of the camera.
    """
    depth = -seen[:, 2]
    screen = np.empty((len(seen), 3))
    screen[:, :2] = centred_of_ndc(camera.project_seen(seen), size)
    screen[:, 2] = 1 / depth if camera.perspective else -depth
    return screen


def _points(points: npt.ArrayLike) -> Array:
    array = np.ascontiguousarray(points, dtype=np.float64)
    if array.ndim < 1 or array.shape[-1] != 3:
        raise ValueError(f"points: expected shape [..., 3], got {list(array.shape)}")
    return array


def _positive(name: str, value: float) -> None:
    if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
        raise ValueError(f"{name}: expected a number above 0, got {value!r}")
