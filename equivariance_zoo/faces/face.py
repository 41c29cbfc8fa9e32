"""A face of a source, and the protocol of a source of faces.

`sources` implements the protocol, `crop` and `preparation` read it. It reads no file.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError, name_in_errors
from equivariance_zoo.faces.geometry.mesh import LANDMARKS, require_finite, require_shape, require_vertices


@dataclass(frozen=True, eq=False)
class Face:
    """One face: a mesh or a cloud, in millimetres, in the frame of its source.

    Attributes:
        name: Name, unique within its source.
        subject: Name of the person; data are split by subject.
        expression: Name of the expression, such as "neutral".
        points: [n, 3] float64, the vertices of the mesh, or the cloud.
        triangles: [F, 3] int64, vertex numbers; None for a cloud.
        landmarks: [68, 3] float64, in iBUG order; None if unknown.

    Raises:
        FaceError: If a shape is not the stated one, there is no point, or a number is not finite or has no vertex.
    """

    name: str
    subject: str
    expression: str
    points: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int64] | None
    landmarks: npt.NDArray[np.float64] | None

    def __post_init__(self) -> None:
        with name_in_errors(self.name):
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


def require_index(index: int, count: int) -> None:
    """Checks that a source of `count` faces has a face of the number `index`.

    Raises:
        IndexError: If it has none.
    """
    if not 0 <= index < count:
        raise IndexError(index)


class Source(Protocol):
    """A sequence of faces, each made or read when it is accessed."""

    @property
    def name(self) -> str:
        """Name of the source for reports, such as "ICT-FaceKit"."""

    def __len__(self) -> int:
        """Returns the number of faces."""

    def __getitem__(self, index: int, /) -> Face:
        """Returns the face of a number from 0, the same one at every call.

        Raises:
            IndexError: If the number is out of range.
            FaceError: If the file of the face cannot be used; the message names the file and the reason.
            OSError: If a file cannot be read.
        """
