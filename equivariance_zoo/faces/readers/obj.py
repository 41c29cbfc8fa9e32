"""Wavefront .obj files, read so that vertices keep their numbers: landmarks are given by them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError

NO_VERTEX = -1


def read_obj(path: str | Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Vertices [V, 3] float64 in the file's unit and order, and faces [F, 4] int64 as vertex numbers from 0.

    A triangle has -1 in its last column. Normals, texture coordinates and materials are passed over.

    Raises:
        FaceError: there are no vertices, a number is none, or a face is neither a triangle nor a quad of vertices.
        OSError: the file cannot be read.
    """
    lines = _lines(path)
    vertices = _vertices(path, lines)
    try:
        faces = [[int(corner.partition("/")[0]) for corner in line.split()[1:]] for line in lines if line[:2] == "f "]
    except ValueError as error:
        raise FaceError(f"{path}: expected vertex numbers in the faces but {error}") from None
    for number, face in enumerate(faces, 1):
        if len(face) not in (3, 4) or not all(0 < corner <= len(vertices) for corner in face):
            raise FaceError(f"{path}: expected 3 or 4 of the {len(vertices)} vertices but face {number} has {face}")
    corners = [[*face, NO_VERTEX + 1][:4] for face in faces]
    return vertices, np.array(corners, dtype=np.int64).reshape(-1, 4) - 1


def read_vertices(path: str | Path) -> npt.NDArray[np.float64]:
    """The vertices alone, [V, 3] float64.

    Raises:
        FaceError: there are none, or one is not three numbers.
        OSError: the file cannot be read.
    """
    return _vertices(path, _lines(path))


def triangulate(faces: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Triangles [T, 3] of faces [F, 4] whose last column is -1 for a triangle: each quad is cut from corner 0 to 2."""
    first, second = faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]
    return np.concatenate([first, second[faces[:, 3] != NO_VERTEX]])


def _lines(path: str | Path) -> list[str]:
    # What is no text has no line that begins as a vertex does, and is refused for that.
    return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()


def _vertices(path: str | Path, lines: list[str]) -> npt.NDArray[np.float64]:
    try:
        vertices = [[float(number) for number in line.split()[1:4]] for line in lines if line.startswith("v ")]
    except ValueError as error:
        raise FaceError(f"{path}: expected the numbers of an .obj file but {error}") from None
    if not vertices:
        raise FaceError(f"{path}: expected an .obj file but it has no vertex")
    for number, vertex in enumerate(vertices, 1):
        if len(vertex) != 3:
            raise FaceError(f"{path}: expected three coordinates but vertex {number} has {len(vertex)}")
    return np.array(vertices)
