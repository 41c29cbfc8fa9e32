"""Cuts faces at random, because the cut and the unit of a scan differ from those of the training faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from equivariance_zoo.faces import FaceSet, farthest_points
from equivariance_zoo.faces.geometry.mesh import NOSE_TIP


@dataclass(frozen=True)
class Cuts:
    """Settings of the cuts: a ball about a random point near the tip of the nose.

    Attributes:
        off_centre_mm: Farthest centre of the ball from the tip of the nose.
        radius_mm: Least and largest radius.
        scale: Largest relative error of the unit of length.
        surface_points: Points of the dense cloud that the points are picked from, at most.
    """

    off_centre_mm: float = 70.0
    radius_mm: tuple[float, float] = (85.0, 140.0)
    scale: float = 0.07
    surface_points: int = 4096


def cut(faces: FaceSet, seed: int, cuts: Cuts | None = None) -> FaceSet:
    """Cuts every face once, at random: a FaceSet of as many points, in the frames of the faces.

    Landmarks outside the cut stay in place: their heatmaps are faint at all remaining points. The unit of each face
    changes by a random factor, and positions and landmarks are scaled accordingly.

    Args:
        faces: The faces to cut; their dense surfaces are read.
        seed: Random seed.
        cuts: Settings of the cuts; defaults if None.

    Raises:
        ValueError: If a cut leaves fewer surface points than the face has points.
    """
    parts = [
        _positions(faces, number, np.random.default_rng([seed, number]), cuts or Cuts()) for number in range(len(faces))
    ]
    positions, scales = (torch.stack(part) for part in zip(*parts, strict=True))
    stretch = scales.float()[:, None, None]
    return FaceSet(
        positions=positions * stretch,
        landmarks=faces.landmarks * stretch,
        surface=faces.surface * stretch,
        unit_mm=faces.unit_mm / scales,
        subjects=faces.subjects,
        expressions=faces.expressions,
        source=f"{faces.source}, cut",
    )


def _positions(faces: FaceSet, number: int, rng: np.random.Generator, cuts: Cuts) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns points [N, 3] of a ball of one face, and the factor of its unit."""
    surface, unit = faces.surface[number].double().numpy(), float(faces.unit_mm[number])
    to_nose = np.linalg.norm(surface - faces.landmarks[number, NOSE_TIP].double().numpy(), axis=1)
    near = surface[to_nose <= max(cuts.off_centre_mm / unit, to_nose.min())]
    centre, radius = near[rng.integers(len(near))], rng.uniform(*cuts.radius_mm) / unit
    ball = surface[np.linalg.norm(surface - centre, axis=1) < radius]
    points = faces.positions.shape[1]
    if len(ball) < points:
        raise ValueError(f"surface: expected {points} points or more in a cut of face {number}, got {len(ball)}")
    dense = ball[rng.permutation(len(ball))[: cuts.surface_points]]
    picks = dense[rng.permutation(farthest_points(dense, points))]
    scale = 1 + cuts.scale * rng.uniform(-1, 1)
    return torch.from_numpy(picks).float(), torch.tensor(scale, dtype=torch.float64)
