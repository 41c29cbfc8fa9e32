"""Reads a folder of scans: any mesh or cloud that trimesh reads, with landmarks in a file of the same name."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.face import Face, Source, require_index
from equivariance_zoo.faces.geometry.mesh import LANDMARKS
from equivariance_zoo.faces.readers.landmark_files import READERS, read_landmarks
from equivariance_zoo.faces.readers.meshfiles import read_mesh_file, readable_endings
from equivariance_zoo.training.cli import parse_path

WHOLE_HEADS = True

UNITS_MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
OUTER_EYE_CORNERS = (36, 45)
EYES_APART_MM = (50, 150)
"""Permitted distances of the outer corners of the eyes, in millimetres; about 90 mm is usual."""


@dataclass(frozen=True, eq=False)
class FileFaces:
    """The scans of a folder; each is read when it is accessed.

    If a scan lies in an inner folder (anna/smile.ply), the inner folder names the subject and the file names the
    expression. If it lies in the folder itself (anna.ply), it is the only scan of its subject, and neutral.

    Attributes:
        folder: The folder of the scans.
        files: The scans, with their landmarks.
        unit_mm: Length of the unit of the scans in millimetres.
    """

    folder: Path
    files: tuple[tuple[Path, Path], ...]
    unit_mm: float

    @property
    def name(self) -> str:
        """Name of the source: the name of the folder."""
        return self.folder.resolve().name

    def __len__(self) -> int:
        """Returns the number of scans."""
        return len(self.files)

    def __getitem__(self, index: int) -> Face:
        """Returns the face of a number.

        Raises:
            IndexError: If the number is out of range.
            FaceError: If a file cannot be used, there are not 68 landmarks, or the unit is implausible.
            OSError: If a file cannot be read.
        """
        require_index(index, len(self))
        path, landmark_path = self.files[index]
        points, triangles = read_mesh_file(path)
        landmarks = read_landmarks(landmark_path) * self.unit_mm
        if len(landmarks) != LANDMARKS:
            raise FaceError(f"{landmark_path}: expected {LANDMARKS} landmarks but got {len(landmarks)}")
        apart = float(np.linalg.norm(np.subtract(*landmarks[list(OUTER_EYE_CORNERS)])))
        if not EYES_APART_MM[0] < apart < EYES_APART_MM[1]:
            least, most = EYES_APART_MM
            expected = f"outer corners of the eyes (36, 45) {least} to {most} mm apart"
            raise FaceError(f"{landmark_path}: expected {expected} but got {apart:g} mm: is the unit another?")
        own_folder = path.parent != self.folder
        return Face(
            name=str(path),
            subject=path.parent.name if own_folder else path.stem,
            expression=path.stem if own_folder else "neutral",
            points=points * self.unit_mm,
            triangles=triangles,
            landmarks=landmarks,
        )


def find_files(folder: str | Path, unit: str = "mm") -> FileFaces:
    """Finds the scans of a folder and of the folders in it, each with its landmarks.

    Args:
        folder: The folder.
        unit: Unit of the coordinates: "mm", "cm" or "m".

    Raises:
        FaceError: If there is no scan, a scan has no landmarks, or the unit is unknown.
        ImportError: If trimesh is not installed.
    """
    if unit not in UNITS_MM:
        raise FaceError(f"unit={unit!r}: expected one of {', '.join(UNITS_MM)}")
    endings = readable_endings() - set(READERS)
    folder = Path(folder)
    scans = sorted(path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.suffix.lower() in endings)
    if not scans:
        raise FaceError(f"{folder}: expected meshes or clouds, such as .ply or .obj, but there is none")
    files = []
    for path in scans:
        landmarks = [path.with_suffix(ending) for ending in READERS if path.with_suffix(ending).is_file()]
        if not landmarks:
            raise FaceError(f"{path}: expected its landmarks beside it, in one of {', '.join(READERS)}")
        files.append((path, landmarks[0]))
    return FileFaces(folder, tuple(files), UNITS_MM[unit])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `python -m equivariance_zoo.faces prepare files`."""
    parser.add_argument("--folder", type=parse_path, required=True, help="scans with their landmarks beside them")
    parser.add_argument("--unit", choices=tuple(UNITS_MM), default="mm", help="of their coordinates; default: mm")


def from_options(options: argparse.Namespace) -> Source:
    """Builds the source of the options.

    Raises:
        FaceError: If the folder cannot be used.
        ImportError: If trimesh is not installed.
    """
    return find_files(options.folder, options.unit)
