"""Reads meshes and clouds from any file that trimesh reads."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError, name_in_errors
from equivariance_zoo.faces.geometry.mesh import require_finite
from equivariance_zoo.faces.readers.ply import require_whole_ply
from equivariance_zoo.training.extras import import_extra, without_log

_OTHERS = frozenset((".bz2", ".dxf", ".tar.bz2", ".tar.gz", ".zip"))
"""Excluded endings: archives, and drawings of lines."""


def readable_endings() -> frozenset[str]:
    """Returns the endings of the readable files, such as ".ply".

    Raises:
        ImportError: If trimesh is not installed.
    """
    trimesh = import_extra("trimesh", "mesh files", "faces")
    return frozenset(f".{ending}" for ending in trimesh.available_formats()) - _OTHERS


def read_mesh_file(path: str | Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64] | None]:
    """Reads points [n, 3] float64 in the file's unit and frame, and triangles [F, 3] int64, None for a cloud.

    The parts of a scene are joined.

    Raises:
        FaceError: If trimesh cannot read the format, the file is damaged or empty, or a coordinate is not finite.
        ImportError: If trimesh, or a package that it needs for the format, is not installed.
        OSError: If the file cannot be read.
    """
    trimesh = import_extra("trimesh", "mesh files", "faces")
    path = Path(path)
    # A missing or unreadable file is the system's own error, which trimesh would hide.
    path.open("rb").close()
    # An archive could unpack to any size, and names files of its own.
    archive = next((ending for ending in _OTHERS if path.name.lower().endswith(ending)), None)
    if archive is not None:
        raise FaceError(f"{path}: expected a mesh or a cloud but {archive} is none: unpack it first")
    if path.suffix.lower() == ".ply":
        require_whole_ply(path)
    try:
        with without_log("trimesh"):
            parts = trimesh.load_scene(path, process=False).dump()
    except ImportError:
        raise
    except Exception as error:
        # trimesh's readers raise exceptions of any class for damaged files.
        raise FaceError(f"{path}: expected a mesh or a cloud but it cannot be read: {error!r}") from None
    if not sum(len(part.vertices) for part in parts):
        raise FaceError(f"{path}: expected a mesh or a cloud but it has no points")
    points = np.concatenate([np.asarray(part.vertices, dtype=np.float64) for part in parts])
    with name_in_errors(path):
        require_finite("points", points)
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    faces = [
        np.asarray(part.faces, dtype=np.int64) + start
        for part, start in zip(parts, starts, strict=False)
        if isinstance(part, trimesh.Trimesh) and len(part.faces)
    ]
    return points, np.concatenate(faces) if faces else None
