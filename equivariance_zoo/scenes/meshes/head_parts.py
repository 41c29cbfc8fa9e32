"""Parts that a morphable head lacks: eyeballs, the inside of the mouth with teeth, and hair. `heads` joins them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from equivariance_zoo.scenes.meshes.mesh import Mesh, plain
from equivariance_zoo.scenes.meshes.skin import Look

Array = npt.NDArray[np.float64]

EYES = (range(36, 42), range(42, 48))
_RADIUS, _BEHIND = 1.2, 1.02
_PUPIL, _IRIS = 0.17, 0.46
_WHITE, _TEETH, _MOUTH = (0.72, 0.68, 0.65), (0.7, 0.66, 0.55), (0.09, 0.015, 0.012)
_AROUND = 24
_HAIRLINE = -0.3


def eyeball(landmarks: Array, eye: int, look: Look) -> Mesh:
    """Returns an eyeball behind the lids, with iris and pupil in the direction of the gaze.

    Args:
        landmarks: [68, 3] of the head, centimetres.
        eye: 0 for the subject's right eye, 1 for the left one.
        look: Colour of the iris, and the gaze.
    """
    centre = landmarks[list(EYES[eye])].mean(axis=0) - [0, 0, _BEHIND]
    # Rings around the axis of the gaze; two rings at one angle make a sharp border between two colours.
    rings = np.array([0.0, _PUPIL, _PUPIL, 0.3, _IRIS, _IRIS, 0.55, 0.75, 1.0, 1.3, 1.7])
    tints = [(0.004,) * 3, (0.004,) * 3, 0.6 * look.iris, 1.25 * look.iris, 0.45 * look.iris, *6 * [_WHITE]]
    around = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
    a, b = np.meshgrid(rings, around, indexing="ij")
    unit = np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)], axis=-1).reshape(-1, 3)
    yaw, pitch = look.gaze
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    tilt = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    points = centre + _RADIUS * unit @ (turn @ tilt).T
    colours = np.repeat(np.asarray(tints, dtype=np.float64), _AROUND, axis=0)
    return plain(points, _tube(len(rings), _AROUND), colours, gloss=0.25)


def mouth(landmarks: Array) -> list[Mesh]:
    """Returns the inside of the mouth, and the upper teeth. Closed lips hide both.

    Args:
        landmarks: [68, 3] of the head, centimetres.
    """
    left, right = landmarks[60], landmarks[64]
    upper, lower = landmarks[61:64].mean(axis=0), landmarks[65:68].mean(axis=0)
    width, gap = float(np.linalg.norm(right - left)) / 2, float(np.linalg.norm(upper - lower))
    centre = 0.25 * (left + right + upper + lower) - [0, 0, 1.75]
    a, b = np.meshgrid(np.linspace(0, np.pi, 9), np.linspace(0, 2 * np.pi, 16, endpoint=False), indexing="ij")
    unit = np.stack([np.sin(a) * np.cos(b), np.cos(a), np.sin(a) * np.sin(b)], axis=-1).reshape(-1, 3)
    bag = plain(centre + unit * [0.95 * width, 0.5 * gap + 0.45, 1.0], _tube(9, 16), _MOUTH)
    across = np.linspace(-0.8, 0.8, 13)
    arch = np.stack([across * width, np.zeros(13), -1.3 * across**2 * width * 0.6], axis=-1)
    rows = [upper + np.array([0, dy, -0.55]) + arch for dy in (0.3, -0.1, -0.32)]
    strip = np.stack(rows).reshape(-1, 3)
    return [bag, plain(strip, _strip(3, 13), _TEETH, gloss=0.4)]


def hair_shell(vertices: Array, normals: Array, triangles: npt.NDArray[np.integer], above: Array, look: Look,
               mean: Array, tints: Array) -> tuple[Mesh, npt.NDArray[np.int32]]:  # fmt: skip
    """Returns hair as a surface above the scalp, and the vertex of the head below each vertex of it.

    Args:
        vertices: [V, 3] of the head.
        normals: [V, 3], unit.
        triangles: [F, 3].
        above: [V], distance from the hairline, centimetres.
        look: Thickness and strands.
        mean: [V, 3], the mean head.
        tints: [V, 3], colours of the head with hair painted on.
    """
    kept = triangles[(above[triangles] > _HAIRLINE).all(axis=1)]
    source, numbers = np.unique(kept, return_inverse=True)
    share = np.clip((above[source] - _HAIRLINE) / (1.2 + look.thickness), 0, 1)
    share = 1 - (1 - share) ** 2
    locks = 1 + 0.18 * look.noise(mean[source] * [1.2, 0.35, 1.2])
    height = look.thickness * share * np.clip(locks, 0.4, 1.6)
    points = vertices[source] + normals[source] * (height + 0.02)[:, None]
    strands = 1 + 0.22 * np.sin(9 * np.arctan2(mean[source, 0], mean[source, 2] - 1) + 2 * look.noise(mean[source]))
    colours = tints[source] * (1 + (strands - 1) * share)[:, None]
    shell = plain(points, numbers.reshape(-1, 3), np.clip(colours, 0, 1), gloss=0.06)
    return shell, source.astype(np.int32)


def _tube(rings: int, around: int) -> npt.NDArray[np.int32]:
    """Returns triangles between closed rings of vertices."""
    ring, place = (grid.ravel() for grid in np.meshgrid(np.arange(rings - 1), np.arange(around), indexing="ij"))
    one, other = ring * around + place, ring * around + (place + 1) % around
    below = [np.stack([one, one + around, other], 1), np.stack([other, one + around, other + around], 1)]
    return np.concatenate(below).astype(np.int32)


def _strip(rows: int, columns: int) -> npt.NDArray[np.int32]:
    """Returns triangles between rows of vertices."""
    row, column = (grid.ravel() for grid in np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij"))
    one = row * columns + column
    halves = [np.stack([one, one + columns, one + 1], 1), np.stack([one + 1, one + columns, one + columns + 1], 1)]
    return np.concatenate(halves).astype(np.int32)
