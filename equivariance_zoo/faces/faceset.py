"""Prepared faces, the input of training and evaluation.

`preparation` makes a `FaceSet`, trainings and evaluations read it. It crops and samples nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from equivariance_zoo.faces.errors import FaceError, name_in_errors
from equivariance_zoo.faces.geometry.mesh import LANDMARKS
from equivariance_zoo.faces.readers.archives import read_npz
from equivariance_zoo.training.files import replacing

_TENSORS = {
    "positions": torch.float32,
    "landmarks": torch.float32,
    "surface": torch.float32,
    "unit_mm": torch.float64,
}
_TEXTS = ("subjects", "expressions", "source")
_FILE_TYPES: dict[str, type] = {
    **{name: np.float64 if dtype == torch.float64 else np.float32 for name, dtype in _TENSORS.items()},
    **dict.fromkeys(_TEXTS, np.str_),
}


@dataclass(frozen=True, eq=False)
class FaceSet:
    """Faces as clouds of one size, each in its unit frame: the mean of its surface at 0, its largest coordinate 1.

    A condition (`faces.under_condition`) moves them out of their unit frames; the unit stays.

    Attributes:
        positions: [n, N, 3] float32, points spread evenly over the face, in no particular order.
        landmarks: [n, 68, 3] float32, the iBUG landmarks in the same frame; they need not be points of the cloud.
        surface: [n, S, 3] float32, the dense cloud that the positions were picked from.
        unit_mm: [n] float64, the length of one unit in millimetres.
        subjects: n names, the subject of each face.
        expressions: n names of expressions, such as "neutral".
        source: Name of the source of the faces, for reports.

    Raises:
        FaceError: If a shape, a number of names or a type is not the stated one, or a value is not finite.
    """

    positions: Tensor
    landmarks: Tensor
    surface: Tensor
    unit_mm: Tensor
    subjects: tuple[str, ...]
    expressions: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        faces = len(self.subjects)
        if len(self.expressions) != faces:
            raise FaceError(f"expressions: expected {faces} names, as of subjects, but got {len(self.expressions)}")
        for name, points in (("positions", None), ("landmarks", LANDMARKS), ("surface", None)):
            _require(name, getattr(self, name), (faces, points, 3))
        _require("unit_mm", self.unit_mm, (faces,))
        if not (self.unit_mm > 0).all():
            raise FaceError(f"unit_mm: expected positive lengths but got {self.unit_mm.min():g}")

    def __len__(self) -> int:
        """Returns the number of faces."""
        return len(self.subjects)

    def __getitem__(self, which: slice | Sequence[int]) -> "FaceSet":
        """Returns some of the faces, by a slice or by their numbers.

        Raises:
            FaceError: If a number is out of range, or the numbers are not a list.
        """
        try:
            picked = np.arange(len(self))[which if isinstance(which, slice) else list(which)]
        except (TypeError, IndexError) as error:
            raise FaceError(f"which={which!r}: expected a slice or numbers of the {len(self)} faces: {error}") from None
        numbers = torch.tensor(picked.tolist(), dtype=torch.int64)
        return FaceSet(
            positions=self.positions[numbers],
            landmarks=self.landmarks[numbers],
            surface=self.surface[numbers],
            unit_mm=self.unit_mm[numbers],
            subjects=tuple(self.subjects[number] for number in picked),
            expressions=tuple(self.expressions[number] for number in picked),
            source=self.source,
        )

    def save(self, path: str | Path) -> None:
        """Writes an .npz file, completely or not at all.

        Raises:
            OSError: If the file cannot be written.
        """
        arrays: dict[str, Any] = {name: getattr(self, name).cpu().numpy() for name in _TENSORS}
        arrays |= {name: np.array(getattr(self, name), dtype=np.str_) for name in _TEXTS}
        with replacing(path) as file:
            np.savez(file, **arrays)

    @staticmethod
    def load(path: str | Path) -> "FaceSet":
        """Reads a file of `save`.

        Raises:
            FaceError: If the file does not hold a face set, or is damaged.
            OSError: If the file cannot be read.
        """
        arrays = read_npz(path, "prepared faces", _FILE_TYPES)
        tensors = {name: torch.from_numpy(arrays[name]) for name in _TENSORS}
        subjects, expressions = (tuple(arrays[name].ravel().tolist()) for name in ("subjects", "expressions"))
        with name_in_errors(path):
            return FaceSet(**tensors, subjects=subjects, expressions=expressions, source=str(arrays["source"]))


def split_by_subject(faces: FaceSet, first: float | int, seed: int) -> tuple[FaceSet, FaceSet]:
    """Splits faces at random into two sets with different subjects. Each set keeps the order of the faces.

    Args:
        faces: The faces to split.
        first: Number of subjects of the first set. If below 1, the fraction of all subjects, rounded.
        seed: Seed of the draw.

    Raises:
        FaceError: If the number is not between 1 and all subjects but one.
    """
    subjects = sorted(set(faces.subjects))
    count = round(first * len(subjects)) if 0 < first < 1 else first
    if count not in range(1, len(subjects)):
        expected = f"from 1 to {len(subjects) - 1} of the {len(subjects)} subjects, or a fraction that gives so many"
        raise FaceError(f"first={first}: expected {expected}")
    chosen = set(np.random.default_rng(seed).choice(subjects, size=int(count), replace=False).tolist())
    numbers = range(len(faces))
    return (
        faces[[number for number in numbers if faces.subjects[number] in chosen]],
        faces[[number for number in numbers if faces.subjects[number] not in chosen]],
    )


def _require(name: str, tensor: Tensor, expected: tuple[int | None, ...]) -> None:
    fits = tensor.ndim == len(expected) and all(
        want is None or want == got for want, got in zip(expected, tensor.shape, strict=True)
    )
    if not fits or tensor.dtype != _TENSORS[name]:
        shape = ", ".join("n" if size is None else str(size) for size in expected)
        got = f"{list(tensor.shape)} of {tensor.dtype}"
        raise FaceError(f"{name}: expected shape [{shape}] of {_TENSORS[name]} but got {got}")
    if not tensor.isfinite().all():
        raise FaceError(f"{name}: expected finite numbers but got NaN or infinity")
