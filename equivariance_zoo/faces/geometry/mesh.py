"""A triangle mesh of a face with its 68 landmarks, and the crop of a whole head to the part in FaceScape."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError

LANDMARKS = 68

CHIN = 8
BROWS = slice(17, 27)
NOSE_TIP = 30

BELOW_CHIN_CM = 4.1
ABOVE_BROWS_CM = 8.9
BEHIND_NOSE_CM = 14.8


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh in centimetres, +y up and +z forward, -x the subject's right.

    Attributes:
        vertices: [V, 3] float64, centimetres.
        triangles: [F, 3] int64, vertex numbers.
        landmarks: [68] int64, the vertices of the iBUG landmarks, in iBUG order (0: jaw at the subject's right ear).

    Raises:
        FaceError: If a shape is not the stated one, a coordinate is not finite, or a vertex number has no vertex.
    """

    vertices: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int64]
    landmarks: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        require_shape("vertices", self.vertices, (None, 3))
        require_shape("triangles", self.triangles, (None, 3))
        require_shape("landmarks", self.landmarks, (LANDMARKS,))
        require_finite("vertices", self.vertices)
        for name, numbers in (("triangles", self.triangles), ("landmarks", self.landmarks)):
            require_vertices(name, numbers, len(self.vertices))

    @property
    def landmark_positions(self) -> npt.NDArray[np.float64]:
        """Returns the coordinates of the landmarks, [68, 3] float64, centimetres."""
        return self.vertices[self.landmarks]


def crop_like_facescape(mesh: Mesh) -> Mesh:
    """Crops a head to the part in FaceScape's scans: from below the chin to the forehead, without the back.

    Kept are the vertices above the chin (landmark 8) less 4.1 cm, below the highest brow point (17 to 26) plus 8.9 cm
    and in front of the tip of the nose (30) less 14.8 cm. A triangle is kept if all its corners are kept.

    Raises:
        FaceError: If a landmark lies outside of the crop.
    """
    landmarks = mesh.landmark_positions
    height, depth = mesh.vertices[:, 1], mesh.vertices[:, 2]
    kept = height > landmarks[CHIN, 1] - BELOW_CHIN_CM
    kept &= height < landmarks[BROWS, 1].max() + ABOVE_BROWS_CM
    kept &= depth > landmarks[NOSE_TIP, 2] - BEHIND_NOSE_CM
    lost = np.flatnonzero(~kept[mesh.landmarks])
    if lost.size:
        raise FaceError(f"mesh: expected every landmark within the crop but landmarks {lost.tolist()} are outside")
    renumbered = np.cumsum(kept) - 1
    whole = kept[mesh.triangles].all(axis=1)
    return Mesh(
        vertices=mesh.vertices[kept],
        triangles=renumbered[mesh.triangles[whole]],
        landmarks=renumbered[mesh.landmarks],
    )


def require_shape(name: str, array: npt.NDArray[np.generic], expected: tuple[int | None, ...]) -> None:
    """Rejects an array of another shape; None stands for any length.

    Raises:
        FaceError: If the shape is another.
    """
    fits = len(array.shape) == len(expected) and all(
        want is None or got == want for got, want in zip(array.shape, expected, strict=True)
    )
    if not fits:
        shape = ", ".join("n" if size is None else str(size) for size in expected)
        raise FaceError(f"{name}: expected shape [{shape}] but got {list(array.shape)}")


def require_finite(name: str, array: npt.NDArray[np.floating]) -> None:
    """Rejects an array of rows of coordinates with NaN or infinity.

    Raises:
        FaceError: If a row is not finite.
    """
    bad = np.flatnonzero(~np.isfinite(array).all(axis=-1))
    if bad.size:
        raise FaceError(f"{name}: expected finite coordinates but row {bad[0]} is not")


def require_vertices(name: str, numbers: npt.NDArray[np.integer], vertices: int) -> None:
    """Rejects vertex numbers out of range.

    Raises:
        FaceError: If a number is below 0, or not below the number of vertices.
    """
    if numbers.size and (numbers.min() < 0 or numbers.max() >= vertices):
        raise FaceError(
            f"{name}: expected vertex numbers from 0 to {vertices - 1} but got {numbers.min()} to {numbers.max()}"
        )
