"""A face as a source gives it, and what a source of faces is."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.geometry.mesh import LANDMARKS, require_finite, require_shape, require_vertices


@dataclass(frozen=True, eq=False)
class Face:
    """One face: a mesh or a cloud, in millimetres, in the frame of its source.

    Attributes:
        name: unique within its source.
        subject: whose face it is; data are split by it.
        expression: "neutral", or the expression's name.
        points: [n, 3] float64, the vertices of the mesh, or the cloud.
        triangles: [F, 3] int64, vertex numbers; None: a cloud.
        landmarks: [68, 3] float64, in iBUG order; None: not known.

    Raises:
        FaceError: a shape is another, there is no point, a number is not finite, or a vertex number has no vertex.
    """

    name: str
    subject: str
    expression: str
    points: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int64] | None
    landmarks: npt.NDArray[np.float64] | None

    def __post_init__(self) -> None:
        try:
            require_shape("points", self.points, (None, 3))
            if not len(self.points):
                raise FaceError("points: expected at least one but got none")
            require_finite("points", self.points)
            if self.triangles is not None:
                require_shape("triangles", self.triangles, (None, 3))
                require_vertices("triangles", self.triangles, len(self.points))
            if self.landmarks is not None:
                require_shape("landmarks", self.landmarks, (LANDMARKS, 3))
                require_finite("landmarks", self.landmarks)
        except FaceError as error:
            raise FaceError(f"{self.name}: {error}") from None


class Source(Protocol):
    """Where faces come from: a sequence of faces that are made or read when asked for."""

    @property
    def name(self) -> str:
        """What the faces are, for reports: "ICT-FaceKit", say."""

    def __len__(self) -> int:
        """How many faces there are."""

    def __getitem__(self, index: int, /) -> Face:
        """The face of a number from 0, the same one at every call.

        Raises:
            IndexError: there is no such face.
            FaceError: what the face is read from cannot be used; the message names the file and what is wrong.
            OSError: a file cannot be read.
        """
