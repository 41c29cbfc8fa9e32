"""Fits of the morphable model to observed points without a network: plain, regularized and robust.

All minimize sum_i w_i ||s (R X_i(a))_xy + t - y_i||^2 / noise^2 + sum_k (a_k / sigma_k)^2 over the observed vertices.
The plain fit has a = 0 and w = 1, as perspective-n-point (PnP) solvers do. The regularized fit finds a as well. The
robust fit also reweights the vertices (Cauchy), so that outliers lose their influence: everything else is held against
it. All are deterministic, and none depends on the order of the vertices beyond rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equivariance_zoo.cprfa.model3d import LinearShape, Pose

Array = npt.NDArray[np.float64]

FEWEST = 4
"""Vertices in general position that determine an affine map of space to the plane."""

_EXPRESSION_SIGMA = 0.2
"""Standard deviation of the weights of expressions, which are mostly 0; that of identities is 1."""

_POSE_STEPS = 2
"""Steps before the shape is fitted: the shape must not bend towards outliers."""

_SMALLEST_SPREAD = 1e-6
"""Smallest spread of residuals, over the extent of the observed points."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    Attributes:
        pose: The pose.
        weights: [K] weights of the model's modes.
        trust: [n] from 0 to 1, the final weights of the vertices; 0 for those that are not observed.
    """

    pose: Pose
    weights: Array
    trust: Array

    def points(self, shape: LinearShape) -> Array:
        """Returns the projected positions [m, 2] of vertices of the same model, such as its 68 landmarks."""
        return self.pose.project(shape.points(self.weights))


def fit_plain(shape: LinearShape, observed: npt.ArrayLike, visible: npt.ArrayLike) -> Fit:
    """Fits the pose of the mean shape by least squares.

    Args:
        shape: The vertices of the model.
        observed: [n, 2], right of and above the centre of the picture, in pixels; ignored where not visible.
        visible: [n] bool.

    Raises:
        ValueError: If the shapes do not fit, an observed point is not finite, or fewer than 4 vertices are visible.
    """
    points, there = _checked(shape, observed, visible)
    trust = there.astype(np.float64)
    return Fit(_pose(shape.mean, points, trust), np.zeros(len(shape.modes)), trust)


def fit_regularized(
    shape: LinearShape, observed: npt.ArrayLike, visible: npt.ArrayLike, noise: float = 2.0, steps: int = 12
) -> Fit:
    """Fits pose and shape by alternating least squares, with a normal prior on the weights.

    Args:
        shape, observed, visible: As for `fit_plain`.
        noise: Standard deviation of the observed points in pixels. A large one keeps the shape near the mean.
        steps: Number of alternations.

    Raises:
        ValueError: As for `fit_plain`, or if `noise` or `steps` is not above 0.
    """
    return _alternate(shape, observed, visible, noise, steps, robust=False)


def fit_robust(
    shape: LinearShape, observed: npt.ArrayLike, visible: npt.ArrayLike, noise: float = 2.0, steps: int = 12
) -> Fit:
    """Fits as `fit_regularized` does, with Cauchy weights w = 1 / (1 + (r / 2m)^2); m is the median residual.

    Args:
        shape, observed, visible: As for `fit_plain`.
        noise, steps: As for `fit_regularized`.

    Raises:
        ValueError: As for `fit_regularized`.
    """
    return _alternate(shape, observed, visible, noise, steps, robust=True)


def _alternate(
    shape: LinearShape, observed: npt.ArrayLike, visible: npt.ArrayLike, noise: float, steps: int, robust: bool
) -> Fit:
    for name, value in (("noise", noise), ("steps", steps)):
        if not value > 0:
            raise ValueError(f"{name}: expected a number above 0, got {value!r}")
    points, there = _checked(shape, observed, visible)
    trust: Array = there.astype(np.float64)
    weights = np.zeros(len(shape.modes))
    vertices = shape.mean
    pose = _pose(vertices, points, trust)
    for step in range(steps):
        if robust:
            trust = _cauchy(np.linalg.norm(pose.project(vertices) - points, axis=1), points, there)
        if step >= _POSE_STEPS:
            weights = _weights(shape, points, trust, pose, noise)
            vertices = shape.points(weights)
        pose = _pose(vertices, points, trust)
    return Fit(pose, weights, trust)


def _pose(vertices: Array, points: Array, trust: Array) -> Pose:
    """Fits an affine map by weighted least squares and takes the nearest scaled rotation of its rows."""
    root = np.sqrt(trust)[:, None]
    design = np.column_stack([vertices, np.ones(len(vertices))])
    affine = np.linalg.lstsq(design * root, points * root, rcond=None)[0]
    left, sizes, right = np.linalg.svd(affine[:3].T, full_matrices=False)
    rows = left @ right
    rotation = np.vstack([rows, np.cross(*rows)])
    return Pose(rotation, float(sizes.mean()), (float(affine[3, 0]), float(affine[3, 1])))


def _cauchy(residuals: Array, points: Array, there: npt.NDArray[np.bool_]) -> Array:
    extent = np.linalg.norm(np.ptp(points[there], axis=0))
    spread = max(2 * float(np.median(residuals[there])), _SMALLEST_SPREAD * float(extent))
    weighted = np.where(there, 1 / (1 + (residuals / spread) ** 2), 0)
    return weighted.astype(np.float64)


def _weights(shape: LinearShape, points: Array, trust: Array, pose: Pose, noise: float) -> Array:
    """Solves the normal equations of the shape's weights for a fixed pose."""
    slopes = (pose.scale * shape.modes @ pose.rotation[:2].T).reshape(len(shape.modes), -1)
    misfit = (points - pose.project(shape.mean)).ravel()
    weighted = slopes * np.repeat(trust, 2) / noise**2
    sigmas = np.full(len(shape.modes), _EXPRESSION_SIGMA)
    sigmas[: shape.identities] = 1.0
    return np.linalg.solve(weighted @ slopes.T + np.diag(sigmas**-2), weighted @ misfit).astype(np.float64)


def _checked(
    shape: LinearShape, observed: npt.ArrayLike, visible: npt.ArrayLike
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Returns the observed points, 0 where not visible, and the visibility."""
    points, there = np.asarray(observed, dtype=np.float64), np.asarray(visible, dtype=bool)
    count = len(shape.mean)
    if points.shape != (count, 2) or there.shape != (count,):
        got = f"{list(points.shape)} and {list(there.shape)}"
        raise ValueError(f"observed, visible: expected shapes {[count, 2]} and {[count]}, got {got}")
    if there.sum() < FEWEST:
        raise ValueError(f"visible: expected {FEWEST} vertices or more, got {int(there.sum())}")
    if not np.isfinite(points[there]).all():
        raise ValueError("observed: expected finite points at visible vertices, got NaN or infinity")
    if not np.ptp(points[there], axis=0).any():
        raise ValueError(f"observed: expected points that are not all at one place, got {points[there][0].tolist()}")
    return np.where(there[:, None], points, 0), there
