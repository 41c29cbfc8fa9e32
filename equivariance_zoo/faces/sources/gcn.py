"""Reads the layout of 3DFA-GCN: a folder with a file of clouds, a file of landmarks and a file of heatmaps."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError, name_in_errors
from equivariance_zoo.faces.face import Face, Source, require_index
from equivariance_zoo.faces.geometry.mesh import LANDMARKS, require_shape
from equivariance_zoo.faces.readers.pickles import numbers, read_npy
from equivariance_zoo.training.cli import parse_integer, parse_path

WHOLE_HEADS = False

SHAPES = "shape_sample.npy"
POSITIONS = "landmark_position_select_all.npy"


@dataclass(frozen=True, eq=False)
class GcnFaces:
    """The faces of one folder.

    Attributes:
        points: [n, N, 3] in the files' unit and precision.
        landmarks: [n, 68, 3] in the same unit.
        unit_mm: Length of the files' unit in millimetres.
        per_subject: Number of consecutive faces of one person.
    """

    points: npt.NDArray[np.floating]
    landmarks: npt.NDArray[np.floating]
    unit_mm: float
    per_subject: int

    @property
    def name(self) -> str:
        """Name of the source."""
        return "3DFA-GCN files"

    def __len__(self) -> int:
        """Returns the number of faces."""
        return len(self.points)

    def __getitem__(self, index: int) -> Face:
        """Returns the face of a number; a cloud.

        Raises:
            IndexError: If the number is out of range.
            FaceError: If a coordinate is not finite.
        """
        require_index(index, len(self))
        subject, number = divmod(index, self.per_subject)
        return Face(
            name=f"gcn-{index}",
            subject=f"gcn-{subject}",
            expression=str(number),
            points=self.points[index].astype(np.float64) * self.unit_mm,
            triangles=None,
            landmarks=self.landmarks[index].astype(np.float64) * self.unit_mm,
        )


def read_gcn(folder: str | Path, unit_mm: float = 1.0, per_subject: int = 1, unpickle: bool = False) -> GcnFaces:
    """Reads `shape_sample.npy` [n, N, 3] and `landmark_position_select_all.npy` [n, 68, 3] of a folder.

    `Heat_data_sample.npy` is skipped: heatmaps are computed by eq. 5. The layout has no subjects. Without them, a split
    puts one person on both sides; `per_subject` gives the number of consecutive faces of one person.

    Args:
        folder: The folder, such as `FaceScape-npy`.
        unit_mm: Length of the files' unit in millimetres.
        per_subject: Number of consecutive faces of one person.
        unpickle: If True, files that hold pickles (lists of arrays) are read, restricted to numpy's types.

    Raises:
        FaceError: If a file has another content or shape or is damaged, or an argument is not positive.
        OSError: If a file cannot be read.
    """
    for name, value in (("unit_mm", unit_mm), ("per_subject", per_subject)):
        if not 0 < value < np.inf:
            raise FaceError(f"{name}={value}: expected a positive number")
    arrays = []
    for file in (SHAPES, POSITIONS):
        path = Path(folder) / file
        with name_in_errors(path):
            arrays.append(numbers("faces", read_npy(path, unpickle)))
            count = len(arrays[0]) if arrays[0].ndim else 0
            require_shape("faces", arrays[-1], (count, None if file == SHAPES else LANDMARKS, 3))
    points, landmarks = arrays
    return GcnFaces(points, landmarks, unit_mm, per_subject)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `python -m equivariance_zoo.faces prepare gcn`."""
    parser.add_argument("--folder", type=parse_path, required=True, help=f"with {SHAPES} and {POSITIONS}")
    parser.add_argument("--unit-mm", type=float, default=1, metavar="X", help="millimetres of their unit; default: 1")
    parser.add_argument(
        "--per-subject",
        type=parse_integer,
        default=1,
        metavar="N",
        help="faces in a row of one person; default: 1",
    )
    parser.add_argument("--unpickle", action="store_true", help="read pickles; nothing but numpy's types is let in")


def from_options(options: argparse.Namespace) -> Source:
    """Builds the source of the options.

    Raises:
        FaceError: If a file or an option cannot be used.
        OSError: If a file cannot be read.
    """
    return read_gcn(options.folder, options.unit_mm, options.per_subject, options.unpickle)
