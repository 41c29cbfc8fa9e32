"""Four built-in faces, so that a network can be tried without a download.

Tests, examples and the subjects of the networks call it. The faces are random identities, not scans.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from equivariance_zoo.faces.errors import FaceError

FACES = 4


@dataclass(frozen=True, eq=False)
class FaceSample:
    """Faces as point clouds with landmarks, centred at the mean of the surface, the largest coordinate about one.

    Frame: +y up, +z forward, -x the subject's right.

    Attributes:
        positions: [count, 1024, 3], spread evenly over the face, in no particular order.
        landmarks: [count, 68, 3], in iBUG order; points of the surface, not of the cloud.
        unit_mm: [count] float64, the length of one unit in millimetres.
    """

    positions: Tensor
    landmarks: Tensor
    unit_mm: Tensor


def sample(count: int = FACES, dtype: torch.dtype = torch.float32) -> FaceSample:
    """Returns the first built-in faces, the same ones at every call.

    They are random identities of the ICT-FaceKit morphable model (MIT licence, see faces/data), not FaceScape faces.
    Their coordinates are rounded to float32 for both dtypes, so that both dtypes describe the same cloud.

    Args:
        count: Number of faces, 1 to 4.
        dtype: torch.float32 or torch.float64, of positions and landmarks.

    Raises:
        FaceError: If the count or the dtype is another.
    """
    if count not in range(1, FACES + 1):
        raise FaceError(f"count: expected 1 to {FACES} built-in faces but got {count}")
    if dtype not in (torch.float32, torch.float64):
        raise FaceError(f"dtype: expected torch.float32 or torch.float64 but got {dtype}")
    arrays = _arrays()
    return FaceSample(
        positions=torch.tensor(arrays["positions"][:count], dtype=dtype),
        landmarks=torch.tensor(arrays["landmarks"][:count], dtype=dtype),
        unit_mm=torch.tensor(arrays["unit_mm"][:count], dtype=torch.float64),
    )


@cache
def _arrays() -> dict[str, npt.NDArray[np.floating]]:
    with (files("equivariance_zoo.faces") / "data" / "sample.npz").open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        return {name: archive[name] for name in ("positions", "landmarks", "unit_mm")}
