"""The ICT-FaceKit morphable model, as packed for this project: a real face template with its modes of identity."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faces.errors import FaceError
from faces.mesh import LANDMARKS, Mesh

_NO_VERTEX = 65535
_ARRAYS = {"mean": np.float64, "id_q": np.float64, "id_scale": np.float64, "quads": np.int64, "lm68": np.int64}


@dataclass(frozen=True, eq=False)
class IctModel:
    """A linear model of heads: a mean and modes of identity, with neutral expression.

    Attributes:
        mean: [V, 3] float64, centimetres, +y up and +z forward, -x the subject's right.
        identity_modes: [M, V, 3] float64, centimetres per standard deviation of the mode.
        triangles: [F, 3] int64.
        landmarks: [68] int64, the vertices of the iBUG landmarks.
    """

    mean: npt.NDArray[np.float64]
    identity_modes: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int64]
    landmarks: npt.NDArray[np.int64]

    def neutral(self, identity_weights: npt.ArrayLike) -> Mesh:
        """The head of one identity with neutral expression.

        Args:
            identity_weights: [m] with m <= M, one weight per mode, in standard deviations (a random person: N(0, 1)
                each); the modes left out weigh nothing.

        Raises:
            FaceError: the weights are not a finite vector of at most M entries.
        """
        weights = np.asarray(identity_weights, dtype=np.float64)
        if weights.ndim != 1 or len(weights) > len(self.identity_modes) or not np.isfinite(weights).all():
            raise FaceError(
                f"identity_weights: expected a finite vector of at most {len(self.identity_modes)} weights "
                f"but got shape {list(weights.shape)}: {weights}"
            )
        vertices = self.mean + np.einsum("m,mvc->vc", weights, self.identity_modes[: len(weights)])
        return Mesh(vertices=vertices, triangles=self.triangles, landmarks=self.landmarks)


def load_ict(path: str | Path) -> IctModel:
    """Load the packed ICT-FaceKit model.

    The file is an .npz with `mean` [V, 3] in centimetres, `id_q` [M, V, 3] int16 and `id_scale` [M] (mode i is
    `id_q[i] * id_scale[i]`, for a weight of one standard deviation), `quads` [F, 4] (65535 in the last column: a
    triangle) and `lm68` [68]. Other arrays in it are ignored.

    Raises:
        FaceError: the file is no such archive, or an array is missing, has another shape, or is not finite.
        OSError: the file cannot be read.
    """
    arrays = _read_arrays(Path(path))
    mean, scale = arrays["mean"], arrays["id_scale"]
    vertices = len(mean) if mean.ndim else 0
    for name, expected in (
        ("mean", (vertices, 3)),
        ("id_scale", (scale.size,)),
        ("id_q", (scale.size, vertices, 3)),
        ("quads", (arrays["quads"].size // 4, 4)),
        ("lm68", (LANDMARKS,)),
    ):
        if arrays[name].shape != expected:
            raise FaceError(f"{path}: expected {name} of shape {list(expected)} but got {list(arrays[name].shape)}")
    if not np.isfinite(scale).all():
        raise FaceError(f"{path}: expected finite numbers in id_scale but got {scale}")
    try:
        template = Mesh(mean, _triangulate(arrays["quads"]), arrays["lm68"])
    except FaceError as error:
        raise FaceError(f"{path}: {error}") from None
    return IctModel(
        mean=template.vertices,
        identity_modes=arrays["id_q"] * scale[:, None, None],
        triangles=template.triangles,
        landmarks=template.landmarks,
    )


def _read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    with path.open("rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
            return {name: archive[name].astype(dtype, casting="safe") for name, dtype in _ARRAYS.items()}
        except KeyError as error:
            raise FaceError(f"{path}: expected the arrays {', '.join(_ARRAYS)} but {error.args[0]}") from None
        except (ValueError, TypeError, IndexError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise FaceError(f"{path}: expected an .npz archive of the packed ICT-FaceKit model but {error}") from None


def _triangulate(quads: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    first, second = quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]
    return np.concatenate([first, second[quads[:, 3] != _NO_VERTEX]])
