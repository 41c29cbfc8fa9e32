"""Renders a mesh: the buffers that labels come from, shaded pictures, and which vertices are visible.

All three start from the same screen positions, so that labels are the numbers that the picture was made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from equivariance_zoo.scenes import kernels
from equivariance_zoo.scenes.cameras import Camera, centred_of_ndc, depth_of, screen_of
from equivariance_zoo.scenes.lighting import Lighting
from equivariance_zoo.scenes.meshes.mesh import Mesh

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]

_CELLS = 256


@dataclass(frozen=True, eq=False)
class Buffers:
    """The nearest surface at each pixel centre of a picture.

    Attributes:
        triangles: [F, 3] int32, of the mesh.
        index: [size, size] int32, number of the triangle, -1 outside of the mesh.
        barycentric: [size, size, 3] float64, coordinates in space (not on the screen) of the point that is seen.
        depth: [size, size] float64, units of the world along the axis of the camera; infinity outside.
    """

    triangles: Ints
    index: Ints
    barycentric: Array
    depth: Array

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Returns [size, size], True on the mesh."""
        return self.index >= 0

    def interpolate(self, attribute: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Returns an attribute of the vertices [V, C] at each pixel, [size, size, C] float32; 0 outside of the mesh.

        Normals, texture coordinates, and the coordinates of a mean shape (PNCC) are such attributes.

        Raises:
            ValueError: If the attribute is not [V, C] with a row for each vertex of the triangles.
        """
        values = np.ascontiguousarray(attribute)
        least = int(self.triangles.max(initial=-1)) + 1
        if values.ndim != 2 or len(values) < least or values.dtype not in (np.float32, np.float64):
            raise ValueError(f"attribute: expected floating-point numbers [V, C] with V of at least {least}, "
                             f"got {list(values.shape)} of {values.dtype}")  # fmt: skip
        return kernels.interpolate(values, self.triangles, self.index, self.barycentric)

    def vertex(self) -> Ints:
        """Returns the vertex with the largest barycentric coordinate, [size, size] int32; -1 outside of the mesh."""
        corner = self.barycentric.argmax(axis=-1)
        found = self.triangles[self.index, corner]
        return np.where(self.mask, found, -1).astype(np.int32)


def render_buffers(mesh: Mesh, camera: Camera, size: int) -> Buffers:
    """Renders the buffers of a mesh at size x size pixels.

    Raises:
        ValueError: In perspective, if a vertex is not in front of the camera; or if the size is less than 1.
    """
    screen = screen_of(camera, camera.view.to_camera(mesh.vertices), _checked(size))
    index = kernels.rasterize(screen, mesh.triangles, size)
    barycentric, depth = kernels.resolve(screen, mesh.triangles, index, camera.perspective)
    return Buffers(mesh.triangles, index, barycentric, depth)


def render_picture(
    mesh: Mesh, camera: Camera, lighting: Lighting, size: int, samples: int = 2
) -> npt.NDArray[np.float32]:
    """Renders a shaded picture.

    Args:
        mesh: The mesh.
        camera: The camera.
        lighting: The light, in the frame of the camera.
        size: Pixels along each side.
        samples: Samples along each side of a pixel.

    Returns:
        [size, size, 4] float32: linear RGB times the covered share of the pixel, and the covered share.

    Raises:
        ValueError: In perspective, if a vertex is not in front of the camera; or if `size` or `samples` is less than 1.
    """
    seen = camera.view.to_camera(mesh.vertices)
    screen = screen_of(camera, seen, _checked(size) * _checked(samples, "samples"))
    index = kernels.rasterize(screen, mesh.triangles, size * samples)
    surfaces = np.zeros((len(seen), 8), np.float32)
    surfaces[:, :3] = kernels.vertex_normals(seen, mesh.triangles, mesh.smoothing)
    surfaces[:, 3:6], surfaces[:, 6] = mesh.colours, mesh.gloss
    return kernels.shade(
        screen,
        mesh.triangles,
        index,
        camera.perspective,
        camera.slope,
        surfaces,
        np.concatenate([lighting.directions, lighting.colours], axis=1),
        lighting.ambient,
        lighting.wrap,
        lighting.sharpness,
        samples,
    )


def visible_vertices(mesh: Mesh, camera: Camera) -> npt.NDArray[np.bool_]:
    """Returns True for the vertices [V] that no triangle hides, whether or not they lie within the picture.

    Points are held against triangles; the result depends on no resolution.

    Raises:
        ValueError: In perspective, if a vertex is not in front of the camera.
    """
    screen = screen_of(camera, camera.view.to_camera(mesh.vertices), 2)
    return ~kernels.hidden(screen, mesh.triangles, _CELLS)


def normals_of(mesh: Mesh) -> npt.NDArray[np.float32]:
    """Returns the unit normals of the vertices in the world, [V, 3], an attribute for `Buffers.interpolate`."""
    return kernels.vertex_normals(mesh.vertices, mesh.triangles, mesh.smoothing)


def landmarks(camera: Camera, points: npt.ArrayLike, size: int) -> Array:
    """Returns (column, row, depth) [N, 3] of points [N, 3] of the world: pixel coordinates, and units of the world."""
    place = np.asarray(points, dtype=np.float64)
    pixels = centred_of_ndc(camera.project(place), size) + size / 2
    return np.concatenate([pixels, depth_of(camera, place)[:, None]], axis=1)


def _checked(count: int, name: str = "size") -> int:
    if type(count) is not int or count < 1:
        raise ValueError(f"{name}: expected a whole number, 1 or more, got {count!r}")
    return count
