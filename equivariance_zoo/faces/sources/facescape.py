"""Reads FaceScape files of the original SE(3)-Unet: a file such as `train_neutral.npy` with lists of faces."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError, name_in_errors
from equivariance_zoo.faces.face import Face, Source, require_index
from equivariance_zoo.faces.geometry.mesh import LANDMARKS, require_shape
from equivariance_zoo.faces.readers.archives import read_npz
from equivariance_zoo.faces.readers.pickles import is_npz, numbers, read_npy
from equivariance_zoo.training.cli import parse_path

WHOLE_HEADS = False

_NUMBERS = ("point_list", "landmark_list", "scale_list")
_NAMES = ("subject_list", "emotion_list")


@dataclass(frozen=True, eq=False)
class FaceScapeFaces:
    """The faces of one file.

    Attributes:
        points: [n, N, 3] in the file's unit and precision; N is 8,192 in FaceScape's.
        landmarks: [n, 68, 3] in the same unit.
        scales: [n], units per millimetre: x / scale is millimetres.
        subjects: n names.
        expressions: n names.
    """

    points: npt.NDArray[np.floating]
    landmarks: npt.NDArray[np.floating]
    scales: npt.NDArray[np.floating]
    subjects: tuple[str, ...]
    expressions: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the source."""
        return "FaceScape"

    def __len__(self) -> int:
        """Returns the number of faces."""
        return len(self.subjects)

    def __getitem__(self, index: int) -> Face:
        """Returns the face of a number; a cloud.

        Raises:
            IndexError: If the number is out of range.
            FaceError: If a coordinate is not finite.
        """
        require_index(index, len(self))
        return Face(
            name=f"facescape-{index}",
            subject=self.subjects[index],
            expression=self.expressions[index],
            points=self.points[index].astype(np.float64) / self.scales[index],
            triangles=None,
            landmarks=self.landmarks[index].astype(np.float64) / self.scales[index],
        )


def read_facescape(path: str | Path, unpickle: bool = False) -> FaceScapeFaces:
    """Reads an .npz archive or an .npy file with a pickled dictionary. The first bytes decide which.

    Needed are `point_list` [n, N, 3], `landmark_list` [n, 68, 3], `scale_list` [n], `subject_list` and `emotion_list`
    (n names or numbers). `heatmaps_list` and `normal_list` are skipped: heatmaps are computed by eq. 5.

    Args:
        path: The file.
        unpickle: If True, a pickle is read, restricted to numpy's types.

    Raises:
        FaceError: If the file has another content or is damaged, or an entry is missing or has another shape.
        OSError: If the file cannot be read.
    """
    entries = _npz(path) if is_npz(path) else _read_pickle(path, unpickle)
    missing = [name for name in (*_NUMBERS, *_NAMES) if name not in entries]
    if missing:
        raise FaceError(f"{path}: expected {', '.join(missing)} too but got {', '.join(map(str, entries))}")
    with name_in_errors(path):
        points, landmarks, scales = (numbers(name, entries[name]) for name in _NUMBERS)
        subjects, expressions = (tuple(str(entry) for entry in np.ravel(entries[name])) for name in _NAMES)
        count = len(subjects)
        for name, array, shape in (
            ("point_list", points, (count, None, 3)),
            ("landmark_list", landmarks, (count, LANDMARKS, 3)),
            ("scale_list", scales, (count,)),
            ("emotion_list", np.array(expressions), (count,)),
        ):
            require_shape(name, array, shape)
        if not ((scales > 0) & np.isfinite(scales)).all():
            raise FaceError(f"scale_list: expected positive numbers but got {scales.min():g} to {scales.max():g}")
    return FaceScapeFaces(points, landmarks, scales, subjects, expressions)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `python -m equivariance_zoo.faces prepare facescape`."""
    parser.add_argument("--file", type=parse_path, required=True, help="train_neutral.npy, say: a pickle or an .npz")
    parser.add_argument("--unpickle", action="store_true", help="read a pickle; nothing but numpy's types is let in")


def from_options(options: argparse.Namespace) -> Source:
    """Builds the source of the options.

    Raises:
        FaceError: If the file cannot be used.
        OSError: If the file cannot be read.
    """
    return read_facescape(options.file, options.unpickle)


def _npz(path: str | Path) -> dict[str, Any]:
    types: dict[str, type] = {**dict.fromkeys(_NUMBERS, np.float64), **dict.fromkeys(_NAMES, np.str_)}
    return read_npz(path, "FaceScape faces", types)


def _read_pickle(path: str | Path, unpickle: bool) -> dict[Any, Any]:
    content = read_npy(path, unpickle)
    if not isinstance(content, dict):
        raise FaceError(f"{path}: expected a dictionary of FaceScape faces but it holds {type(content).__name__}")
    return content
