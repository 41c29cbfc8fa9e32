"""Scores how face-like predicted landmarks are.

`finding` calls it for every view of a scan. It runs no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from equivariance_zoo.faces import sample
from equivariance_zoo.landmarks.metrics import soft_landmarks
from se3unet.prediction.units import NOMINAL_UNIT_MM

Array = npt.NDArray[np.float64]

_APART_MM = 15.0
"""Distance from the mean face at which a certainty fades. Landmarks of real people are 5 mm from it on average."""

_SIZES = (0.75, 1.3)
"""Range of face sizes in mean faces, from children to units guessed with a small error."""

_STEPS = 3

_ALIKE = 1e-5
"""Rounding of confidences in float32. Confidences that differ by less keep their order."""

Seen = TypeVar("Seen")


@dataclass(frozen=True, eq=False)
class Reading:
    """Landmarks and certainties read off heatmaps.

    Attributes:
        landmarks: [68, 3] float64, soft landmarks in the frame and unit of the cloud.
        certainties: [68] from 0 to 1: the peak of each heatmap, reduced if the landmark is far from its place on the
            aligned mean face.
        size: Size of the landmarks in mean faces, clipped to the range of faces.
    """

    landmarks: Array
    certainties: Array
    size: float

    @property
    def confidence(self) -> float:
        """Mean of the certainties, from 0 to 1."""
        return float(self.certainties.mean())


def read(heatmaps: Tensor, positions: Tensor) -> Reading:
    """Reads heatmaps [N, 68] of a cloud [N, 3] in the unit of a normalised face."""
    peaks = heatmaps.amax(0).double().numpy()
    landmarks = soft_landmarks(heatmaps, positions).double().numpy()
    model = _mean_face()
    weights = np.square(peaks) + 1e-6
    for _ in range(_STEPS):
        laid, size = _laid_over(model, landmarks, weights)
        apart = np.linalg.norm(landmarks - laid, axis=1) * NOMINAL_UNIT_MM / _APART_MM
        # Again without outliers.
        weights = np.square(peaks) / (1 + np.square(apart)) + 1e-6
    return Reading(landmarks, peaks * np.exp(-np.square(apart)), size)


def rank(seen: Iterable[Seen], confidence: Callable[[Seen], float]) -> list[Seen]:
    """Sorts by confidence, the highest first. Confidences that differ by rounding only keep their order."""
    left, found = list(seen), list[Seen]()
    while left:
        least = max(map(confidence, left)) - _ALIKE
        place = next(i for i, each in enumerate(left) if confidence(each) >= least)
        found.append(left.pop(place))
    return found


def _mean_face() -> Array:
    """Returns landmarks [68, 3] of the mean of the built-in faces, in nominal units."""
    built_in = sample(dtype=torch.float64)
    mean: Array = (built_in.landmarks * built_in.unit_mm[:, None, None]).mean(0).numpy() / NOMINAL_UNIT_MM
    return mean


def _laid_over(model: Array, landmarks: Array, weights: Array) -> tuple[Array, float]:
    """Returns the model [68, 3] moved and scaled onto the landmarks, and the scale."""
    share = (weights / weights.sum())[:, None]
    centre, own = (share * landmarks).sum(0), (share * model).sum(0)
    turned = (model - own) @ _rotation((share * (model - own)).T @ (landmarks - centre))
    spread = float(np.sqrt((share * np.square(landmarks - centre)).sum() / (share * np.square(turned)).sum()))
    size = min(max(spread, _SIZES[0]), _SIZES[1])
    return size * turned + centre, size


def _rotation(covariance: Array) -> Array:
    """Returns the rotation R [3, 3] for which the rows x R fit best (Kabsch). If it is not unique, any of them."""
    left, _, right = np.linalg.svd(covariance)
    mirror = np.diag([1.0, 1.0, np.linalg.det(left) * np.linalg.det(right)])
    rotation: Array = left @ mirror @ right
    return rotation
