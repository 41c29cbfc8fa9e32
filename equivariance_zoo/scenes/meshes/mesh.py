"""Coloured triangle meshes, joined, scaled, and smoothed by angle.

The makers of meshes and `render` use it. It reads no file and renders nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Mesh:
    """A mesh of coloured triangles.

    Attributes:
        vertices: [V, 3] float64.
        triangles: [F, 3] int32, vertex numbers; either orientation is seen from both sides.
        colours: [V, 3] float32, linear RGB from 0 to 1.
        gloss: [V] float32, strength of the highlights.
        smoothing: [V] int32 in 0 to V - 1; vertices of one number share a normal.

    Raises:
        ValueError: If a shape is another, a coordinate is not finite, or a vertex number has no vertex.
    """

    vertices: Array
    triangles: Ints
    colours: npt.NDArray[np.float32]
    gloss: npt.NDArray[np.float32]
    smoothing: Ints

    def __post_init__(self) -> None:
        """Checks shapes and numbers, and sets the types."""
        count = len(self.vertices)
        shapes = {"vertices": (count, 3), "triangles": (len(self.triangles), 3), "colours": (count, 3),
                  "gloss": (count,), "smoothing": (count,)}  # fmt: skip
        types = {"vertices": np.float64, "triangles": np.int32, "colours": np.float32, "gloss": np.float32,
                 "smoothing": np.int32}  # fmt: skip
        for name, shape in shapes.items():
            value = np.ascontiguousarray(getattr(self, name), dtype=types[name])
            if value.shape != shape:
                raise ValueError(f"{name}: expected shape {list(shape)}, got {list(value.shape)}")
            object.__setattr__(self, name, value)
        if not np.isfinite(self.vertices).all():
            raise ValueError("vertices: expected finite coordinates, got NaN or infinity")
        for name in ("triangles", "smoothing"):
            value = getattr(self, name)
            if value.size and (value.min() < 0 or value.max() >= count):
                raise ValueError(f"{name}: expected numbers from 0 to {count - 1}, got {value.min()} to {value.max()}")

    def with_vertices(self, vertices: Array) -> Mesh:
        """Returns the mesh with other coordinates [V, 3]."""
        return replace(self, vertices=vertices)

    def moved(self, rotation: Array, translation: npt.ArrayLike) -> Mesh:
        """Returns the mesh with vertices G x + t."""
        return self.with_vertices(self.vertices @ rotation.T + np.asarray(translation, dtype=np.float64))

    def normalized(self, extent: float = 2.0) -> Mesh:
        """Returns the mesh with its bounding box around the origin and its largest extent as given."""
        low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        return self.with_vertices((self.vertices - (low + high) / 2) * (extent / float((high - low).max())))


def plain(
    vertices: npt.ArrayLike, triangles: npt.ArrayLike, colour: npt.ArrayLike, gloss: float = 0.0, angle: float = 180.0
) -> Mesh:
    """Returns a mesh with normals that are smoothed by angle.

    Args:
        vertices: [V, 3].
        triangles: [F, 3].
        colour: [3] for all vertices, or [V, 3]; linear RGB.
        gloss: Strength of the highlights.
        angle: Largest angle in degrees between normals that are joined; see `smoothing_groups`.
    """
    points, corners = np.asarray(vertices, dtype=np.float64), np.asarray(triangles, dtype=np.int32)
    colours = np.broadcast_to(np.asarray(colour, dtype=np.float32), points.shape)
    groups = np.arange(len(points)) if angle >= 180 else smoothing_groups(points, corners, angle)
    return Mesh(points, corners, colours, np.full(len(points), gloss, np.float32), groups)


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Returns the meshes as one, their vertices and triangles in order."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])[:-1]
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=True)]),
        np.concatenate([mesh.colours for mesh in meshes]),
        np.concatenate([mesh.gloss for mesh in meshes]),
        np.concatenate([mesh.smoothing + start for mesh, start in zip(meshes, starts, strict=True)]),
    )


def creased(mesh: Mesh, angle: float) -> Mesh:
    """Returns the mesh with sharp edges where normals of triangles differ by more than an angle in degrees.

    A vertex on a sharp edge is doubled: once for each normal.
    """
    corners = mesh.triangles.ravel()
    apart = np.arange(len(corners)).reshape(-1, 3)
    groups = smoothing_groups(mesh.vertices[corners], apart, angle)
    _, firsts, numbers = np.unique(
        corners.astype(np.int64) * len(corners) + groups, return_index=True, return_inverse=True
    )
    kept, owner = corners[firsts], numbers[groups[firsts]]
    return Mesh(mesh.vertices[kept], numbers.reshape(-1, 3), mesh.colours[kept], mesh.gloss[kept], owner)


def smoothing_groups(vertices: Array, triangles: Ints, angle: float) -> Ints:
    """Returns a group number [V] int32: vertices at one place whose normals differ by less than an angle share one.

    A vertex joins the group of the first vertex at its place whose normal is near enough; one without area, any group.

    Args:
        vertices: [V, 3]; places are compared to 1e-6 of the extent.
        triangles: [F, 3].
        angle: In degrees.
    """
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    areas = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], areas)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-300
    step = 1e-6 * max(float(np.ptp(vertices, axis=0).max()), 1e-300)
    _, place = np.unique(np.round(vertices / step).astype(np.int64), axis=0, return_inverse=True)
    groups = np.arange(len(vertices), dtype=np.int32)
    flat, least = (normals == 0).all(axis=1), math.cos(math.radians(angle))
    waiting = np.concatenate([groups[~flat], groups[flat]])
    while waiting.size:
        _, firsts = np.unique(place[waiting], return_index=True)
        leader = np.empty(int(place.max()) + 1, np.int32)
        leader[place[waiting[firsts]]] = waiting[firsts]
        leaders = leader[place[waiting]]
        near = (normals[waiting] * normals[leaders]).sum(axis=1) >= least
        near |= (leaders == waiting) | flat[waiting]
        groups[waiting[near]] = leaders[near]
        waiting = waiting[~near]
    return groups
