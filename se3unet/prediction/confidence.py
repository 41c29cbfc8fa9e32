"""How much what a network says of a cloud is like a face."""

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
"""Real people's landmarks are 5 mm from the mean face's on average; those found on other shapes lie anywhere."""

_SIZES = (0.75, 1.3)
"""Of faces in mean faces, from children's to a unit that was guessed a little wrong."""

_STEPS = 3

_ALIKE = 1e-5
"""Float32 leaves confidences open by about as much. Landmarks do not depend on which of them is larger."""

Seen = TypeVar("Seen")


@dataclass(frozen=True, eq=False)
class Reading:
    """What heatmaps say.

    Attributes:
        landmarks: [68, 3] float64, soft landmarks in the frame and unit of the cloud.
        certainties: [68] from 0 to 1: the peak of each heatmap, less where the landmark is far from its place on a
            mean face that is laid over all of them.
        size: how much larger than the mean face the landmarks are, within what faces are.
    """

    landmarks: Array
    certainties: Array
    size: float

    @property
    def confidence(self) -> float:
        """The mean of the certainties."""
        return float(self.certainties.mean())


def read(heatmaps: Tensor, positions: Tensor) -> Reading:
    """Read heatmaps [N, 68] of a cloud [N, 3] whose unit is that of a normalised face."""
    peaks = heatmaps.amax(0).double().numpy()
    landmarks = soft_landmarks(heatmaps, positions).double().numpy()
    model = _mean_face()
    weights = np.square(peaks) + 1e-6
    for _ in range(_STEPS):
        laid, size = _laid_over(model, landmarks, weights)
        apart = np.linalg.norm(landmarks - laid, axis=1) * NOMINAL_UNIT_MM / _APART_MM
        # Again without those that are somewhere else.
        weights = np.square(peaks) / (1 + np.square(apart)) + 1e-6
    return Reading(landmarks, peaks * np.exp(-np.square(apart)), size)


def ranked(seen: Iterable[Seen], confidence: Callable[[Seen], float]) -> list[Seen]:
    """Sorts by confidence, the highest first; confidences that rounding may exchange keep their order."""
    left, found = list(seen), list[Seen]()
    while left:
        least = max(map(confidence, left)) - _ALIKE
        place = next(i for i, each in enumerate(left) if confidence(each) >= least)
        found.append(left.pop(place))
    return found


def _mean_face() -> Array:
    """Landmarks [68, 3] of the mean of the built-in faces, in nominal units."""
    built_in = sample(dtype=torch.float64)
    mean: Array = (built_in.landmarks * built_in.unit_mm[:, None, None]).mean(0).numpy() / NOMINAL_UNIT_MM
    return mean


def _laid_over(model: Array, landmarks: Array, weights: Array) -> tuple[Array, float]:
    """The model [68, 3] moved and scaled onto the landmarks, and how much larger than it they are."""
    share = (weights / weights.sum())[:, None]
    centre, own = (share * landmarks).sum(0), (share * model).sum(0)
    turned = (model - own) @ _rotation((share * (model - own)).T @ (landmarks - centre))
    spread = float(np.sqrt((share * np.square(landmarks - centre)).sum() / (share * np.square(turned)).sum()))
    size = min(max(spread, _SIZES[0]), _SIZES[1])
    return size * turned + centre, size


def _rotation(covariance: Array) -> Array:
    """The rotation R [3, 3] for which the rows x R fit best (Kabsch); any where nothing tells it."""
    left, _, right = np.linalg.svd(covariance)
    mirror = np.diag([1.0, 1.0, np.linalg.det(left) * np.linalg.det(right)])
    rotation: Array = left @ mirror @ right
    return rotation
