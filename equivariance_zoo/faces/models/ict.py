"""The packed ICT-FaceKit morphable model: a real face template with its modes of variation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError, name_in_errors
from equivariance_zoo.faces.geometry.mesh import LANDMARKS, Mesh
from equivariance_zoo.faces.models.ict_clone import pack_ict
from equivariance_zoo.faces.readers.archives import read_npz
from equivariance_zoo.faces.readers.obj import NO_VERTEX, triangulate

_NO_VERTEX = 65535
_ARRAYS = {"mean": np.float64, "id_q": np.float64, "id_scale": np.float64, "quads": np.int64, "lm68": np.int64}
_EXPRESSION_ARRAYS = {"ex_q": np.float64, "ex_scale": np.float64, "ex_names": np.str_}


@dataclass(frozen=True, eq=False)
class IctModel:
    """A linear model of heads: a mean, modes of identity, and expressions.

    Attributes:
        mean: [V, 3] float64, centimetres, +y up and +z forward, -x the subject's right.
        identity_modes: [M, V, 3] float64, centimetres per standard deviation of the mode.
        triangles: [F, 3] int64.
        landmarks: [68] int64, the vertices of the iBUG landmarks.
        expression_modes: [E, V, 3] float64, centimetres, the offsets of each expression in full.
        expression_names: E names, such as "jawOpen".
    """

    mean: npt.NDArray[np.float64]
    identity_modes: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int64]
    landmarks: npt.NDArray[np.int64]
    expression_modes: npt.NDArray[np.float64]
    expression_names: tuple[str, ...]

    def neutral(self, identity_weights: npt.ArrayLike) -> Mesh:
        """Returns the head of one identity with neutral expression.

        Args:
            identity_weights: [m] with m <= M, one weight per mode, in standard deviations (a random person: N(0, 1)
                each). Modes without a weight have weight 0.

        Raises:
            FaceError: If the weights are not a finite vector of at most M entries.
        """
        weights = np.asarray(identity_weights, dtype=np.float64)
        if weights.ndim != 1 or len(weights) > len(self.identity_modes) or not np.isfinite(weights).all():
            raise FaceError(
                f"identity_weights: expected a finite vector of at most {len(self.identity_modes)} weights "
                f"but got shape {list(weights.shape)}: {weights}"
            )
        vertices = self.mean + np.einsum("m,mvc->vc", weights, self.identity_modes[: len(weights)])
        return Mesh(vertices=vertices, triangles=self.triangles, landmarks=self.landmarks)

    def expressive(self, identity_weights: npt.ArrayLike, expression_weights: Mapping[str, float]) -> Mesh:
        """Returns the head of one identity with an expression.

        Args:
            identity_weights: As for `neutral`.
            expression_weights: Weights by name, from 0 (absent) to 1 (in full).

        Raises:
            FaceError: If the identity weights are wrong, or an expression or its weight is invalid.
        """
        head = self.neutral(identity_weights)
        vertices = head.vertices
        for name, weight in expression_weights.items():
            if name not in self.expression_names:
                known = ", ".join(self.expression_names) or "none: the model has no expressions"
                raise FaceError(f"expression_weights: expected names of expressions ({known}) but got {name!r}")
            if not 0 <= weight <= 1:
                raise FaceError(f"expression_weights: expected {name} from 0 to 1 but got {weight}")
            vertices = vertices + weight * self.expression_modes[self.expression_names.index(name)]
        return replace(head, vertices=vertices)


def load_ict(path: str | Path) -> IctModel:
    """Loads the ICT-FaceKit model, packed or from a clone.

    A folder is the clone's `FaceXModel` (or the clone itself), which is packed at every call. The command
    `python -m equivariance_zoo.faces pack-ict` writes the packed file. It is an .npz with these
    arrays; other arrays are ignored:

    - `mean` [V, 3] in centimetres.
    - `id_q` [M, V, 3] int16 and `id_scale` [M]: mode i is `id_q[i] * id_scale[i]`, for one standard deviation.
    - `quads` [F, 4], with 65535 in the last column of a triangle, and `lm68` [68].
    - `ex_q` [E, V, 3] int16, `ex_scale` [E] and `ex_names` [E], if the model has expressions.

    Raises:
        FaceError: If the file is no packed model, the folder is no clone, or an array is missing, has another shape, or
            is not finite.
        OSError: If the file or a file of the folder cannot be read.
    """
    arrays = _read(Path(path))
    mean, scale = arrays["mean"], arrays["id_scale"]
    vertices = len(mean) if mean.ndim else 0
    names = arrays["ex_names"].size
    for name, expected in (
        ("mean", (vertices, 3)),
        ("id_scale", (scale.size,)),
        ("id_q", (scale.size, vertices, 3)),
        ("quads", (arrays["quads"].size // 4, 4)),
        ("lm68", (LANDMARKS,)),
        ("ex_names", (names,)),
        ("ex_scale", (names,)),
        ("ex_q", (names, vertices, 3) if names else (0,)),
    ):
        if arrays[name].shape != expected:
            raise FaceError(f"{path}: expected {name} of shape {list(expected)} but got {list(arrays[name].shape)}")
    for name in ("id_scale", "ex_scale"):
        if not np.isfinite(arrays[name]).all():
            raise FaceError(f"{path}: expected finite numbers in {name} but got {arrays[name]}")
    corners = np.where(arrays["quads"] == _NO_VERTEX, NO_VERTEX, arrays["quads"])
    with name_in_errors(path):
        template = Mesh(mean, triangulate(corners), arrays["lm68"])
    return IctModel(
        mean=template.vertices,
        identity_modes=arrays["id_q"] * scale[:, None, None],
        triangles=template.triangles,
        landmarks=template.landmarks,
        expression_modes=arrays["ex_q"].reshape(names, vertices, 3) * arrays["ex_scale"][:, None, None],
        expression_names=tuple(arrays["ex_names"].tolist()),
    )


def _read(path: Path) -> dict[str, npt.NDArray[Any]]:
    types = _ARRAYS | _EXPRESSION_ARRAYS
    if path.is_dir():
        arrays = pack_ict(path)
    else:
        arrays = read_npz(path, "the packed ICT-FaceKit model", _ARRAYS, _EXPRESSION_ARRAYS)
    return {name: arrays[name].astype(dtype) if name in arrays else np.empty(0, dtype) for name, dtype in types.items()}
