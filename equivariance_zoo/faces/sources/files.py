"""A folder of scans: any mesh or cloud that trimesh reads, with its landmarks in a file of the same name."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.face import Face, Source
from equivariance_zoo.faces.geometry.mesh import LANDMARKS
from equivariance_zoo.faces.readers.landmark_files import READERS, read_landmarks
from equivariance_zoo.faces.readers.meshfiles import read_mesh_file, readable_endings

WHOLE_HEADS = True

UNITS_MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
OUTER_EYE_CORNERS = (36, 45)
EYES_APART_MM = (50, 150)
"""What the distance of the outer corners of the eyes, about 90 mm, must be within."""


@dataclass(frozen=True, eq=False)
class FileFaces:
    """The scans of a folder; each is read when asked for.

    A scan in a folder of its own within the folder is of the subject that the inner folder is named after, with the
    file's name for its expression (anna/smile.ply); one that lies in the folder itself is a subject's only one, and
    neutral (anna.ply).

    Attributes:
        folder: where the scans are.
        files: the scans, with their landmarks.
        unit_mm: the length of their unit in millimetres.
    """

    folder: Path
    files: tuple[tuple[Path, Path], ...]
    unit_mm: float

    @property
    def name(self) -> str:
        """What the faces are: the folder's name."""
        return self.folder.resolve().name

    def __len__(self) -> int:
        """How many scans there are."""
        return len(self.files)

    def __getitem__(self, index: int) -> Face:
        """The face of a number.

        Raises:
            IndexError: there is no such face.
            FaceError: a file cannot be used, there are not 68 landmarks, or the unit is another.
            OSError: a file cannot be read.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
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
    """The scans of a folder and of the folders in it, each with its landmarks.

    Args:
        folder: the folder.
        unit: of the coordinates: "mm", "cm" or "m".

    Raises:
        FaceError: there is no scan, one has no landmarks, or the unit is none.
        ImportError: trimesh is not installed.
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
    """The options of `python -m equivariance_zoo.faces prepare files`."""
    parser.add_argument("--folder", type=Path, required=True, help="scans with their landmarks beside them")
    parser.add_argument("--unit", choices=tuple(UNITS_MM), default="mm", help="of their coordinates; default: mm")


def from_options(options: argparse.Namespace) -> Source:
    """The source that the options ask for.

    Raises:
        FaceError: the folder cannot be used.
        ImportError: trimesh is not installed.
    """
    return find_files(options.folder, options.unit)
