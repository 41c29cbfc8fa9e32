"""Finds the face of a scan in any pose: the network predicts on balls about points of the surface.

`predictor` calls it. The search depends on distances only, so that a moved scan gives the moved landmarks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from equivariance_zoo.faces import Face, FaceError, farthest_points
from equivariance_zoo.faces.crop import crop
from equivariance_zoo.landmarks.metrics import refined_landmarks
from se3unet.prediction.confidence import Reading, rank, read
from se3unet.prediction.units import NOMINAL_UNIT_MM

Array = npt.NDArray[np.float64]
Heatmaps = Callable[[Tensor], Tensor]
"""Maps clouds [B, N, 3] float32 in the unit of a normalised face to heatmaps [B, N, 68], both on the CPU."""

POINTS = 1024
SURFACE_POINTS = 8192
_CANDIDATES = 16
_RADIUS = 110.0 / NOMINAL_UNIT_MM
_CLOSER_RADIUS = 125.0 / NOMINAL_UNIT_MM
_FOLLOWED = 3
_CLOSER_STEPS = 2
_LOOKS = 2
_SHARE = 0.7
_DENSE = 4096
_AT_ONCE = 8
_NOSE = slice(27, 36)


@dataclass(frozen=True, eq=False)
class Found:
    """The face of a scan, in the frame of the scan, in nominal units.

    Attributes:
        landmarks: [68, 3] float64, on the surface.
        reading: Landmarks and certainties of the last view.
        positions: [1024, 3] float64, the input of the network.
        heatmaps: [1024, 68] float32, the output of the network.
        surface: [S, 3] float64, a dense cloud of the face.
    """

    landmarks: Array
    reading: Reading
    positions: Array
    heatmaps: Tensor
    surface: Array


def find(cloud: Array, heatmaps: Heatmaps) -> Found:
    """Finds the face in a dense cloud [n, 3] of 1,024 points or more, in nominal units.

    The first views are balls about points over the whole surface, the next are balls about the noses of the best views.
    The last view is the crop by the landmarks of the best one. The result may not be a face; see its confidence.
    """
    seen = _read_all([_View.of(cloud, centre, _RADIUS) for centre in _candidates(cloud)], heatmaps)
    followed = rank(seen, _confidence)[:_FOLLOWED]
    best = followed[0]
    for _ in range(_CLOSER_STEPS):
        noses = [reading.landmarks[_NOSE].mean(0) for _, _, reading in followed]
        closer = _read_all([_View.of(cloud, nose, _CLOSER_RADIUS) for nose in noses], heatmaps)
        followed = rank(closer, _confidence)[:1]
        best = rank([best, *followed], _confidence)[0]
    return _finish(cloud, best, heatmaps)


@dataclass(frozen=True, eq=False)
class _View:
    """A part of a scan: a dense cloud [S, 3], and the points [1024, 3] of it that the network sees."""

    surface: Array
    points: Array

    @staticmethod
    def of(cloud: Array, centre: Array, radius: float) -> _View:
        """Returns the points within a ball. If the cloud is sparse, the nearest 1,024 points."""
        distances = np.linalg.norm(cloud - centre, axis=1)
        least = np.partition(distances, POINTS - 1)[POINTS - 1]
        return _View.spread(cloud[distances <= max(radius, least)], _DENSE)

    @staticmethod
    def spread(cloud: Array, most: int, seed: int = 0) -> _View:
        """Returns points spread evenly over a cloud, of which at most `most` points are kept at random."""
        rng = np.random.default_rng(seed)
        surface = cloud[rng.permutation(len(cloud))[:most]]
        # Shuffled: in the order of picking, pooling would keep the first points.
        return _View(surface, surface[rng.permutation(farthest_points(surface, POINTS))])


_Seen = tuple[_View, Tensor, Reading]


def _candidates(cloud: Array) -> Array:
    """Returns points spread over the surface, so that one point is near the nose, and the centre of the cloud."""
    rng = np.random.default_rng(0)
    some = cloud[rng.permutation(len(cloud))[:_DENSE]]
    return np.concatenate([some.mean(0, keepdims=True), some[farthest_points(some, _CANDIDATES)]])


def _confidence(seen: _Seen) -> float:
    return seen[2].confidence


def _read_all(views: Sequence[_View], heatmaps: Heatmaps) -> list[_Seen]:
    seen = []
    for start in range(0, len(views), _AT_ONCE):
        some = views[start : start + _AT_ONCE]
        # About the mean of each, so that a scan far from the origin loses no digits in float32.
        clouds = [torch.from_numpy(view.points - view.points.mean(0)).float() for view in some]
        for view, cloud, maps in zip(some, clouds, heatmaps(torch.stack(clouds)), strict=True):
            seen.append((view, maps, _move(read(maps, cloud), view.points.mean(0))))
    return seen


def _move(reading: Reading, by: Array) -> Reading:
    return Reading(reading.landmarks + by, reading.certainties, reading.size)


def _resize(reading: Reading, scale: float) -> Reading:
    return Reading(reading.landmarks * scale, reading.certainties, reading.size * scale)


def _finish(cloud: Array, first: _Seen, heatmaps: Heatmaps) -> Found:
    """Predicts on the crop and at the size of the training faces.

    The landmarks are the mean over several looks, weighted by their certainties. The looks use different points of one
    surface, so that their errors differ.
    """
    size = first[2].size
    part = _as_in_training(cloud, first[2])
    if part is None:
        view, maps, reading = first
        return Found(_refine(first, 1.0, view.surface), reading, view.points, maps, view.surface)
    # Some of the points only, even of a small cloud, so that the picks of the looks differ.
    fewer = min(SURFACE_POINTS, max(POINTS, int(_SHARE * len(part))))
    views = [_View.spread(part, fewer if seed else SURFACE_POINTS, seed) for seed in range(_LOOKS)]
    shown = [_View(view.surface / size, view.points / size) for view in views]
    seen = [
        (view, maps, _resize(reading, size))
        for view, (_, maps, reading) in zip(views, _read_all(shown, heatmaps), strict=True)
    ]
    places = [_refine(first, 1.0, views[0].surface), *(_refine(each, size, views[0].surface) for each in seen)]
    weights = np.stack([np.square(each[2].certainties) + 1e-6 for each in (first, *seen)])[..., None]
    landmarks = (weights * np.stack(places)).sum(0) / weights.sum(0)
    view, maps, reading = rank(seen, _confidence)[0]
    return Found(landmarks, rank([first[2], reading], lambda r: r.confidence)[0], view.points, maps, views[0].surface)


def _refine(seen: _Seen, size: float, surface: Array) -> Array:
    """Returns landmarks [68, 3] on a dense surface, from heatmaps of a cloud that was divided by `size`."""
    view, maps, _ = seen
    middle = view.points.mean(0)
    points, dense = (torch.from_numpy((each - middle) / size) for each in (view.points, surface))
    found: Array = refined_landmarks(maps, points, dense).numpy() * size + middle
    return found


def _as_in_training(cloud: Array, reading: Reading) -> Array | None:
    """Returns the crop [n, 3] like FaceScape's faces, by the landmarks; None if they are not those of a face."""
    to_mm = NOMINAL_UNIT_MM / reading.size
    try:
        part: Array = crop(Face("scan", "", "", cloud * to_mm, None, reading.landmarks * to_mm)).points / to_mm
    except FaceError:
        return None
    return part if len(part) >= POINTS else None
