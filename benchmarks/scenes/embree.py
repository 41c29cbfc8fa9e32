"""The same head by rays: embree's first hits by way of trimesh, the rest in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from equivariance_zoo.scenes.lighting import Lighting


def hits(seen: Any, triangles: Any, scale: float, size: int) -> tuple[Any, Any, Any]:
    """Pixels that see the head, their triangles, and barycentric coordinates. The tree is built anew for each head."""
    import trimesh
    from trimesh.ray.ray_pyembree import RayMeshIntersector

    mesh = trimesh.Trimesh(seen, triangles, process=False)
    centres = ((np.arange(size) + 0.5) * 2 / size - 1) / scale
    x, y = np.meshgrid(centres, -centres)
    origins = np.stack([x, y, np.full_like(x, 50.0)], axis=-1).reshape(-1, 3)
    found = RayMeshIntersector(mesh).intersects_first(origins, np.broadcast_to([0.0, 0.0, -1.0], origins.shape))
    pixels = np.flatnonzero(found >= 0)
    corners = seen[triangles[found[pixels]]]
    return pixels, found[pixels], _barycentric(corners, origins[pixels])


def _barycentric(corners: Any, points: Any) -> Any:
    a, b, c = (corners[:, k, :2] - points[:, :2] for k in range(3))
    areas = np.stack([q[:, 0] * r[:, 1] - q[:, 1] * r[:, 0] for q, r in ((b, c), (c, a), (a, b))], axis=1)
    return areas / areas.sum(axis=1, keepdims=True)


def buffers(seen: Any, normals: Any, triangles: Any, colours: Any, scale: float, size: int) -> Any:
    """Depth, normal and colour of each pixel, [size, size, 7]."""
    pixels, index, weights = hits(seen, triangles, scale, size)
    attributes = np.concatenate([seen[:, 2:], normals, colours], axis=1)
    out = np.zeros((size * size, 7), np.float32)
    out[pixels] = (weights[..., None] * attributes[triangles[index]]).sum(axis=1)
    return out.reshape(size, size, 7)


def picture(
    seen: Any, normals: Any, triangles: Any, colours: Any, gloss: Any, light: Lighting, scale: float, size: int
) -> Any:
    """A shaded picture of four samples for each pixel, [size, size, 4]."""
    pixels, index, weights = hits(seen, triangles, scale, 2 * size)
    attributes = np.concatenate([normals, colours, gloss[:, None]], axis=1)
    surface = (weights[..., None] * attributes[triangles[index]]).sum(axis=1)
    n, tint, shine = surface[:, :3], surface[:, 3:6], surface[:, 6:]
    n = n / np.linalg.norm(n, axis=1, keepdims=True)
    n = np.where(n[:, 2:] < 0, -n, n)
    up = 0.5 + 0.5 * n[:, 1:2]
    found = tint * (light.ambient[0] * (1 - up) + light.ambient[1] * up)
    for direction, colour in zip(light.directions, light.colours, strict=True):
        facing = (n @ direction)[:, None]
        half = direction + np.array([0, 0, 1])
        high = np.where(facing > 0, np.maximum(n @ half / np.linalg.norm(half), 0)[:, None] ** 2**light.sharpness, 0)
        found = found + colour * (tint * np.maximum((facing + light.wrap) / (1 + light.wrap), 0) ** 2 + shine * high)
    out = np.zeros((4 * size * size, 4), np.float32)
    out[pixels, :3], out[pixels, 3] = found, 1
    return out.reshape(size, 2, size, 2, 4).mean(axis=(1, 3))
