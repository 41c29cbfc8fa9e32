"""Reads Wavefront .obj files. Vertices keep their numbers, because landmarks refer to vertex numbers."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError

NO_VERTEX = -1


def read_obj(path: str | Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Reads vertices [V, 3] float64 in the file's unit and order, and faces [F, 4] int64 as vertex numbers from 0.

    A triangle has -1 in its last column. Normals, texture coordinates and materials are skipped.

    Raises:
        FaceError: If there are no vertices, a number is invalid, or a face is neither a triangle nor a quad.
        OSError: If the file cannot be read.
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
    """Reads the vertices only, [V, 3] float64.

    Raises:
        FaceError: If there are no vertices, or a vertex is not three numbers.
        OSError: If the file cannot be read.
    """
    return _vertices(path, _lines(path))


def triangulate(faces: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Returns triangles [T, 3] of faces [F, 4], -1 in the last column of a triangle. Cuts quads from corner 0 to 2."""
    first, second = faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]
    return np.concatenate([first, second[faces[:, 3] != NO_VERTEX]])


def _lines(path: str | Path) -> list[str]:
    # A file that is not text has no line that begins like a vertex, and is rejected for its lack of vertices.
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
