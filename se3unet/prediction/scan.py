"""Reads scans: meshes and clouds in any frame and unit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.geometry.sampling import sample_triangles
from equivariance_zoo.faces.readers.meshfiles import read_mesh_file

Array = npt.NDArray[np.float64]

LEAST_POINTS = 1024
MOST_POINTS = 200_000
"""Largest number of points of a cloud. More points add no information about a face and cost memory."""

_SURFACE_POINTS = 60_000
_LARGEST = 1e9
"""Largest coordinate. Beyond it, float64 does not resolve the points of a face."""


@dataclass(frozen=True, eq=False)
class Scan:
    """A mesh or a cloud.

    Attributes:
        name: Name in messages.
        points: [n, 3] float64, the vertices or the cloud, finite.
        triangles: [F, 3] int64, vertex numbers; None for a cloud.

    Raises:
        ValueError: If the points are too few, of another shape, not finite, or all at one place.
    """

    name: str
    points: Array
    triangles: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Checks the points."""
        points = self.points
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"{self.name}: expected points of shape [n, 3], got {list(points.shape)}")
        if self.triangles is None and len(points) < LEAST_POINTS:
            raise ValueError(f"{self.name}: expected a cloud of at least {LEAST_POINTS:,} points, got {len(points):,}")
        if not np.isfinite(points).all():
            raise ValueError(f"{self.name}: expected finite coordinates, got NaN or infinity")
        if len(points) and np.abs(points).max() > _LARGEST:
            raise ValueError(f"{self.name}: expected coordinates up to {_LARGEST:g}, got {np.abs(points).max():.4g}")
        if not len(points) or not np.ptp(points, axis=0).any():
            raise ValueError(f"{self.name}: expected a scan with an extent, got {len(points):,} points at one place")

    def surface(self, seed: int) -> Array:
        """Returns a dense cloud of the surface: drawn by area from a mesh, or a random subset of a very large cloud.

        Raises:
            ValueError: If the mesh has no area, or the cloud has too few different points.
        """
        rng = np.random.default_rng(seed)
        if self.triangles is not None:
            try:
                return sample_triangles(self.points[self.triangles], _SURFACE_POINTS, rng)
            except FaceError as error:
                raise ValueError(f"{self.name}: {error}") from None
        points = self.points
        if len(points) > MOST_POINTS:
            points = points[np.sort(rng.choice(len(points), MOST_POINTS, replace=False))]
        # Scanners repeat points. There is no direction between equal points.
        points = points[np.sort(np.unique(points, axis=0, return_index=True)[1])]
        if len(points) < LEAST_POINTS:
            raise ValueError(f"{self.name}: expected {LEAST_POINTS:,} different points or more, got {len(points):,}")
        return points


def read_scan(path: Path) -> Scan:
    """Reads a mesh or a cloud in any format that trimesh reads.

    Raises:
        ValueError: If the file is no mesh or cloud, or its points cannot be used.
        OSError: If the file does not exist.
        ImportError: If trimesh is not installed.
    """
    points, triangles = read_mesh_file(path)
    return Scan(str(path), points, triangles)
