"""Scores alignments: normalized mean error, detection rate, failures, means in bands of yaw, cumulative errors.

The evaluations call it. It draws and writes nothing. Errors are percentages, as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial.transform import Rotation

from equivariance_zoo.landmarks.metrics import cumulative_errors

Array = npt.NDArray[np.float64]

BANDS = ((0.0, 30.0), (30.0, 60.0), (60.0, 90.0))
"""Bands of the absolute yaw in degrees: [0, 30], (30, 60], (60, 90]."""

FAILURE_NME, FAILURE_DETECTED = 10.0, 10.0
"""An annotation fails if its NME is above, or its detection rate below, these percentages (Table 1)."""


@dataclass(frozen=True)
class Bands:
    """Means of a score in the bands of yaw.

    Attributes:
        means: The mean of each band of `BANDS`; NaN if no face lies in it.
        mean, deviation: Mean and standard deviation (divided by 2) of the three means.
    """

    means: tuple[float, ...]
    mean: float
    deviation: float


def nme(predicted: npt.ArrayLike, true: npt.ArrayLike) -> Array:
    """Computes the normalized mean error in percent: 100 mean_i |p_i - q_i| / sqrt(w h).

    w and h are the width and the height of the box of the true points q. A similarity of both sets changes nothing if
    it does not turn them.

    Args:
        predicted: [..., L, 2], p.
        true: [..., L, 2], q, in the same frame and unit.

    Returns:
        [...]; NaN where a predicted point is NaN.

    Raises:
        ValueError: If the shapes differ, or a box is empty.
    """
    ours, theirs = _pair(predicted, true)
    size = np.sqrt(np.prod(np.ptp(theirs, axis=-2), axis=-1))
    if not (size > 0).all():
        raise ValueError(f"true: expected points with a box of an area above 0, got sqrt(w h) = {size.min()}")
    return 100 * np.linalg.norm(ours - theirs, axis=-1).mean(axis=-1) / size


def vertex_nme(
    predicted: npt.ArrayLike, true: npt.ArrayLike, detected: npt.ArrayLike, landmarks: npt.ArrayLike
) -> Array:
    """Computes the error of an annotation in percent: 100 sum_i d_i |p_i - q_i| / (sqrt(w h) sum_i d_i).

    w and h are those of the box of the true landmarks, so that the number is comparable to `nme`.

    Args:
        predicted, true: [..., C, 2], annotated and true positions of the vertices.
        detected: [..., C] bool, d; what is predicted elsewhere is ignored.
        landmarks: [..., L, 2], the true landmarks.

    Returns:
        [...]; NaN where no vertex is detected.

    Raises:
        ValueError: If the shapes differ.
    """
    ours, theirs = _pair(predicted, true)
    found, box = np.asarray(detected, dtype=bool), np.asarray(landmarks, dtype=np.float64)
    if found.shape != ours.shape[:-1]:
        raise ValueError(f"detected: expected shape {list(ours.shape[:-1])}, got {list(found.shape)}")
    distances = np.where(found, np.linalg.norm(np.where(found[..., None], ours - theirs, 0), axis=-1), 0)
    count = found.sum(axis=-1)
    size = np.sqrt(np.prod(np.ptp(box, axis=-2), axis=-1))
    return np.where(count > 0, 100 * distances.sum(axis=-1) / (size * np.maximum(count, 1)), np.nan)


def detection_rate(detected: npt.ArrayLike) -> Array:
    """Computes the share of detected vertices in percent, [...] of [..., C]: 100 sum_i d_i / C.

    Hidden vertices count as not detected. The mean over faces is the paper's average detection rate (ADR).
    """
    return 100 * np.asarray(detected, dtype=bool).mean(axis=-1)


def failed(errors: npt.ArrayLike, rates: npt.ArrayLike = 100.0) -> npt.NDArray[np.bool_]:
    """Returns True for failures: NME > 10 % or NaN, or a detection rate < 10 % (Table 1).

    Args:
        errors: [...], NME in percent.
        rates: [...], detection rates in percent; the default is that of a method that detects all.
    """
    return ~(np.asarray(errors) <= FAILURE_NME) | ~(np.asarray(rates) >= FAILURE_DETECTED)


def rotation_error(predicted: npt.ArrayLike, true: npt.ArrayLike) -> Array:
    """Computes the angle of P Q^T in degrees, [n] of rotations P and Q [n, 3, 3]."""
    ours, theirs = (Rotation.from_matrix(np.asarray(r, dtype=np.float64)) for r in (predicted, true))
    return np.degrees((ours * theirs.inv()).magnitude())


def by_yaw(values: npt.ArrayLike, yaw: npt.ArrayLike) -> Bands:
    """Computes the mean of a score in each band of yaw, and mean and standard deviation of the three means.

    Args:
        values: [n] scores.
        yaw: [n] in degrees, of either sign.

    Raises:
        ValueError: If the shapes differ, or a yaw is beyond 90 degrees.
    """
    scores, sizes = np.asarray(values, dtype=np.float64), np.abs(np.asarray(yaw, dtype=np.float64))
    if scores.shape != sizes.shape or scores.ndim != 1:
        raise ValueError(f"values, yaw: expected one shape [n], got {list(scores.shape)} and {list(sizes.shape)}")
    if not (sizes <= BANDS[-1][1]).all():
        raise ValueError(f"yaw: expected -90 to 90 degrees, got {sizes.max()}")
    band = np.searchsorted([high for _, high in BANDS], sizes)
    chosen = [scores[band == number] for number in range(len(BANDS))]
    means = [float(part.mean()) if len(part) else float("nan") for part in chosen]
    return Bands(tuple(means), float(np.mean(means)), float(np.std(means, ddof=1)))


def error_curve(errors: npt.ArrayLike, grid: npt.ArrayLike) -> Array:
    """Computes the cumulative error distribution (CED): (number of errors <= g) / n for each g.

    Args:
        errors: [n]; NaN, a failed fit, is above every g.
        grid: [G], in the unit of the errors.

    Returns:
        [G], from 0 to 1, non-decreasing in g.

    Raises:
        ValueError: If there is no face.
    """
    faces, places = (torch.from_numpy(np.array(a, dtype=np.float64)) for a in (errors, grid))
    curve: Array = cumulative_errors(faces, places).numpy()
    return curve


def _pair(predicted: npt.ArrayLike, true: npt.ArrayLike) -> tuple[Array, Array]:
    ours, theirs = np.asarray(predicted, dtype=np.float64), np.asarray(true, dtype=np.float64)
    if ours.shape != theirs.shape or ours.ndim < 2 or ours.shape[-1] != 2:
        got = f"{list(ours.shape)} and {list(theirs.shape)}"
        raise ValueError(f"predicted, true: expected one shape [..., n, 2], got {got}")
    return ours, theirs
