"""Measures a network on faces in one pose each.

The command `evaluate` calls it per network and condition. It moves no face and averages nothing over conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from equivariance_zoo.faces import FaceSet, farthest_points, heatmaps
from equivariance_zoo.landmarks.metrics import (
    iou_curve,
    landmark_error_mm,
    normalized_error,
    refined_landmarks,
    soft_landmarks,
)

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(2, 20))
"""Thresholds of the heatmaps: 0.10, 0.15 ... 0.95."""

_SHARE = 0.7
"""Share of the surface's points from which each further look is picked, so that looks differ."""


class Network(Protocol):
    """A network that can be trained and evaluated: heatmaps [B, N, 68] in (0, 1) of clouds [B, N, 3]."""

    def __call__(self, positions: Tensor) -> Tensor:
        """Predicts heatmaps."""
        ...


@dataclass(frozen=True, eq=False)
class Measurement:
    """One network on all faces under one condition, on the CPU.

    Attributes:
        condition: The motion of the faces, one of `faces.CONDITIONS`.
        iou: [T, 68] float64, intersection over union at each of `THRESHOLDS`, the mean over the faces; faces with no
            point above the threshold, true or predicted, are left out, and NaN is a threshold where that is all.
        soft_mm: [n, 68] float64, errors of `soft_landmarks` in millimetres.
        refined_mm: [n, 68] float64, errors of `refined_landmarks` in millimetres; of their mean over several looks.
        normalized: [n] float64, the mean error of each face's refined landmarks over its outer interocular distance.
        faces: The moved faces.
        shown: Number of the face in the pictures, whose IoU is the median.
        heatmaps: [N, 68] float32, the predicted heatmaps of the shown face.
    """

    condition: str
    iou: Tensor
    soft_mm: Tensor
    refined_mm: Tensor
    normalized: Tensor
    faces: FaceSet
    shown: int
    heatmaps: Tensor


def measure(
    network: Network,
    faces: FaceSet,
    condition: str,
    device: torch.device | str = "cpu",
    progress: Callable[[], object] | None = None,
    looks: int = 1,
) -> Measurement:
    """Measures a network on moved faces.

    Each face is a batch of one, as in use: the published network's heatmaps depend on the other faces of a batch.

    Args:
        network: On `device`, in evaluation mode.
        faces: At least one.
        condition: The condition under which the faces were moved.
        device: Device of the network.
        progress: Called once after each face.
        looks: Clouds of each face that the refined landmarks are the mean of; those after the first are picked from
            its surface. Everything else is of the first.

    Raises:
        ValueError: If there is no face, looks is below 1, or a heatmap is not finite; it names the condition and the
            face.
    """
    if not len(faces):
        raise ValueError("faces: expected at least one, got none")
    if looks < 1:
        raise ValueError(f"looks: expected 1 or more, got {looks}")
    rows = []
    for number in range(len(faces)):
        face = faces[[number]]
        clouds = [face.positions, *(_another_look(face, seed) for seed in range(1, looks))]
        with torch.no_grad():
            seen = [(cloud, network(cloud.to(device)).float().cpu()) for cloud in clouds]
        if not all(found.isfinite().all() for _, found in seen):
            raise ValueError(f"heatmaps of {face.subjects[0]} under {condition}: expected finite numbers, got NaN")
        rows.append((seen[0][1][0], *_scores(seen, face)))
        if progress is not None:
            progress()
    heat, curves, soft, refined, normalized = (list(column) for column in zip(*rows, strict=True))
    by_face = torch.stack(curves).nanmean((1, 2))
    shown = int(by_face.argsort()[len(faces) // 2])
    return Measurement(
        condition=condition,
        iou=torch.stack(curves).nanmean(0),
        soft_mm=torch.cat(soft),
        refined_mm=torch.cat(refined),
        normalized=torch.cat(normalized),
        faces=faces,
        shown=shown,
        heatmaps=heat[shown],
    )


def _scores(seen: Sequence[tuple[Tensor, Tensor]], face: FaceSet) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns IoU [T, 68], soft and refined errors [1, 68] in mm, and the mean normalized error [1] of one face."""
    positions, found = seen[0]
    target = heatmaps(positions, face.landmarks)
    soft = soft_landmarks(found, positions)
    refined = torch.stack([refined_landmarks(maps, cloud, face.surface) for cloud, maps in seen]).mean(0)
    return (
        iou_curve(found, target, THRESHOLDS)[:, 0].double(),
        landmark_error_mm(soft, face.landmarks, face.unit_mm),
        landmark_error_mm(refined, face.landmarks, face.unit_mm),
        normalized_error(refined, face.landmarks).mean(-1),
    )


def _another_look(face: FaceSet, seed: int) -> Tensor:
    """Picks other points [1, N, 3] of the surface of one face, equally evenly spread."""
    surface, rng = face.surface[0].numpy(), np.random.default_rng(seed)
    count = face.positions.shape[1]
    some = surface[rng.permutation(len(surface))[: max(count, int(_SHARE * len(surface)))]]
    return torch.from_numpy(some[rng.permutation(farthest_points(some, count))]).unsqueeze(0)
