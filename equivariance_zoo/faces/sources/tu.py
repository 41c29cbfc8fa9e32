"""Reads FaceScape's topologically uniform models: {subject}/models_reg/{number}_{expression}.obj."""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError, name_in_errors
from equivariance_zoo.faces.face import Face, Source, require_index
from equivariance_zoo.faces.geometry.mesh import LANDMARKS, require_shape, require_vertices
from equivariance_zoo.faces.readers.archives import read_npz
from equivariance_zoo.faces.readers.obj import read_obj, triangulate
from equivariance_zoo.training.cli import parse_path

WHOLE_HEADS = True

KEYS = ("v10", "v16")
"""Keys of the toolkit's landmark tables: for the models of version 1.0 and of version 1.6."""

_FILE = re.compile(r"(\d+)_(.+)\.obj")


@dataclass(frozen=True, eq=False)
class TuFaces:
    """The models of a folder, in the order of subjects and expressions; each is read when it is accessed.

    Coordinates are read as millimetres; +y is up, +z forward.

    Attributes:
        files: The models.
        landmarks: [68] int64, the vertices of the iBUG landmarks.
    """

    files: tuple[Path, ...]
    landmarks: npt.NDArray[np.int64]

    @property
    def name(self) -> str:
        """Name of the source."""
        return "FaceScape TU models"

    def __len__(self) -> int:
        """Returns the number of models."""
        return len(self.files)

    def __getitem__(self, index: int) -> Face:
        """Returns the face of a number.

        Raises:
            IndexError: If the number is out of range.
            FaceError: If the file is no .obj file, is damaged, or has fewer vertices than the landmark table needs.
            OSError: If the file cannot be read.
        """
        require_index(index, len(self))
        path = self.files[index]
        vertices, faces = read_obj(path)
        try:
            require_vertices("landmarks", self.landmarks, len(vertices))
        except FaceError as error:
            raise FaceError(f"{path}: {error}; is it the table of another version?") from None
        match = _FILE.fullmatch(path.name)
        return Face(
            name=str(path),
            subject=path.parent.parent.name,
            expression=match[2] if match else path.stem,
            points=vertices,
            triangles=triangulate(faces),
            landmarks=vertices[self.landmarks],
        )


def find_tu(folder: str | Path, landmark_file: str | Path, key: str = "v10", neutral: bool = False) -> TuFaces:
    """Finds the models under a folder.

    Args:
        folder: The folder with the folders of the subjects.
        landmark_file: The toolkit's `landmark_indices.npz`.
        key: Key of the landmark table: "v10" or "v16".
        neutral: If True, only the expression "neutral" is used.

    Raises:
        FaceError: If there is no model, or the table is missing, damaged or of another shape.
        OSError: If the table cannot be read.
    """
    if key not in KEYS:
        raise FaceError(f"key={key!r}: expected one of {', '.join(KEYS)}")
    table = read_npz(landmark_file, "landmark indices", {key: np.int64})[key]
    with name_in_errors(landmark_file):
        require_shape(key, table, (LANDMARKS,))
    found = [path for path in Path(folder).glob("*/models_reg/*.obj") if _FILE.fullmatch(path.name)]
    files = [path for path in found if not neutral or path.stem.endswith("_neutral")]
    if not files:
        wanted = "1_neutral.obj" if neutral else "*.obj"
        raise FaceError(f"{folder}: expected models named {{subject}}/models_reg/{wanted} but there is none")
    return TuFaces(tuple(sorted(files, key=_order)), table)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `python -m equivariance_zoo.faces prepare tu`."""
    parser.add_argument("--folder", type=parse_path, required=True, help="where the folders of the subjects are")
    parser.add_argument("--landmarks", type=parse_path, required=True, help="the toolkit's landmark_indices.npz")
    parser.add_argument("--version", choices=KEYS, default="v10", help="which of its tables; default: v10")
    parser.add_argument("--neutral", action="store_true", help="neutral faces only, as the report")


def from_options(options: argparse.Namespace) -> Source:
    """Builds the source of the options.

    Raises:
        FaceError: If the folder or the table cannot be used.
        OSError: If the table cannot be read.
    """
    return find_tu(options.folder, options.landmarks, options.version, options.neutral)


def _order(path: Path) -> tuple[list[tuple[int, str]], int]:
    # Subject 2 before subject 10.
    subject = [(int(number or 0), text) for number, text in re.findall(r"(\d*)(\D*)", path.parent.parent.name)]
    return subject, int(path.stem.split("_")[0])
