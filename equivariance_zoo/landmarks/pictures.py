"""Draws faces with heatmaps and landmarks, seen from the front in every pose.

The charts of `evaluation` and the pages of predictions call it. It writes no file.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from equivariance_zoo.faces import FaceError
from equivariance_zoo.faces.upright import upright

Array = npt.NDArray[np.float64]

_NORMAL_POINTS = 16
_HEAT_POINTS = 4
_AMBIENT = 0.35
_SKIN = np.array([0.80, 0.81, 0.84])
_FAINT = 0.05
_POINTS = 8192
_DPI = 130
HEAT = "inferno"
"""Matplotlib's colour map of heatmaps, from 0 (dark) to 1 (bright)."""


def shading(points: Array) -> Array:
    """Returns the brightness [n], from 0 to 1, of surface points [n, 3] under a light from the front (+z)."""
    _, near = cKDTree(points).query(points, k=min(_NORMAL_POINTS, len(points)))
    spread = points[near] - points[near].mean(axis=1, keepdims=True)
    normals = np.linalg.eigh(np.swapaxes(spread, 1, 2) @ spread)[1][..., 0]
    return _AMBIENT + (1 - _AMBIENT) * np.abs(normals[:, 2])


def drawn_pose(landmarks: Array) -> Rotation:
    """Returns the rotation that turns a face upright; the identity if the landmarks [68, 3] determine no pose."""
    try:
        return upright(landmarks)
    except FaceError:
        return Rotation.identity()


def spread_heat(heat: Array, positions: Array, surface: Array) -> Array:
    """Interpolates values [N] at points [N, 3] to the points [S, 3] of a denser cloud, by inverse distances: [S]."""
    gaps, near = cKDTree(positions).query(surface, k=min(_HEAT_POINTS, len(positions)))
    weights = 1 / np.maximum(gaps.reshape(len(surface), -1), 1e-9)
    mixed: Array = (weights * heat[near.reshape(len(surface), -1)]).sum(axis=1) / weights.sum(axis=1)
    return mixed


def draw_face(
    axes: Any,
    surface: Array,
    pose: Rotation,
    heat: Array | None = None,
    landmarks: Array | None = None,
    size: float = 26.0,
) -> None:
    """Draws a face into matplotlib axes.

    Args:
        axes: The axes; their limits and ticks are set.
        surface: [S, 3], any frame.
        pose: Rotation that turns the surface to +z towards the reader and +y up.
        heat: [S] from 0 to 1, drawn over the face unless faint.
        landmarks: [L, 3] in the frame of the surface; drawn as dots.
        size: Area of a point of a surface of 8,192, in square points; fewer points are drawn larger.
    """
    points = pose.apply(surface)
    order = points[:, 2].argsort()
    colours = _SKIN * shading(points)[:, None]
    if heat is not None:
        colours = _blend_heat(colours, heat)
    # The back is drawn first, so that the front hides it.
    area = size * _POINTS / len(surface)
    axes.scatter(*points[order, :2].T, s=area, c=colours[order], linewidths=0, rasterized=True)
    if landmarks is not None:
        axes.scatter(*pose.apply(landmarks)[:, :2].T, s=7, c="#c8102e", edgecolors="white", linewidths=0.5, zorder=3)
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    margin = 0.04 * float((high - low).max())
    axes.set(xlim=(low[0] - margin, high[0] + margin), ylim=(low[1] - margin, high[1] + margin), aspect="equal")
    axes.set_axis_off()


def _blend_heat(colours: Array, heat: Array) -> Array:
    from matplotlib import colormaps

    value = np.clip(heat, 0, 1)
    share = np.clip((value - _FAINT) / (0.3 - _FAINT), 0, 1)[:, None]
    mixed: Array = (1 - share) * colours + share * colormaps[HEAT](0.25 + 0.75 * value)[:, :3]
    return mixed


def to_png(figure: Any) -> bytes:
    """Encodes a matplotlib figure as PNG, without matplotlib's version: equal numbers give equal bytes."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue()
