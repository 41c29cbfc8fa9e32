"""Views of airliners and of generated cars, as KeypointNet reads them: RGBA pictures and camera poses.

An object lies around the origin with a largest extent of 2. The camera looks at it from a distance of 30 with a field
of view of 5 degrees. Any two views of one object are a pair; the shard of an object is named after it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equivariance_zoo.scenes.cameras import PerspectiveCamera, View
from equivariance_zoo.scenes.datasets.store import Arrays, generator
from equivariance_zoo.scenes.lighting import random_lighting
from equivariance_zoo.scenes.meshes.cars import random_car
from equivariance_zoo.scenes.meshes.files import Airliners, read_mesh
from equivariance_zoo.scenes.meshes.mesh import Mesh
from equivariance_zoo.scenes.photograph import encode_rgba
from equivariance_zoo.scenes.render import render_picture

DISTANCE, FIELD = 30.0, 5.0

_JITTER = 0.2
_HIGHEST = 0.98


@dataclass(frozen=True)
class ViewSettings:
    """Settings of the views of each object.

    Attributes:
        views: Views of each object.
        size: Pixels along each side.
        seed: Seed of everything random.
        roll: Largest roll of the camera in degrees.

    Raises:
        ValueError: If a number is out of range.
    """

    views: int = 240
    size: int = 64
    seed: int = 0
    roll: float = 0.0

    def __post_init__(self) -> None:
        """Checks the numbers."""
        for name, least in (("views", 1), ("size", 8), ("seed", 0)):
            if type(getattr(self, name)) is not int or getattr(self, name) < least:
                raise ValueError(f"{name}: expected a whole number, {least} or more, got {getattr(self, name)!r}")
        if not 0 <= self.roll <= 180:
            raise ValueError(f"roll: expected an angle from 0 to 180 degrees, got {self.roll!r}")


def views_of_airliner(path: Path, names: Sequence[str], settings: ViewSettings, shard: str) -> Arrays:
    """Returns the views of an airliner of a packed file, by its name; `names` are those of all, sorted."""
    return make_views(Airliners(path).read(shard), settings, names.index(shard))


def views_of_car(settings: ViewSettings, shard: str) -> Arrays:
    """Returns the views of a generated car; its shard is named "car-" and its number."""
    number = int(shard.rsplit("-", 1)[1])
    return make_views(random_car(generator(settings.seed, number)), settings, number)


def views_of_file(files: Mapping[str, Path], settings: ViewSettings, shard: str) -> Arrays:
    """Returns the views of a mesh in a file; `files` are those of all shards, in order."""
    return make_views(read_mesh(files[shard]), settings, list(files).index(shard))


def random_camera(rng: np.random.Generator, roll: float = 0.0) -> PerspectiveCamera:
    """Draws a camera above the horizon that looks at the origin.

    Directions are uniform over the hemisphere without its pole. Each coordinate of the position is moved by up to 0.2.

    Args:
        rng: The random number generator; it is advanced.
        roll: Largest roll in degrees.
    """
    height, azimuth = rng.uniform(0, _HIGHEST), rng.uniform(0, 2 * math.pi)
    flat = math.sqrt(1 - height**2)
    direction = np.array([flat * math.sin(azimuth), height, flat * math.cos(azimuth)])
    position = DISTANCE * direction + rng.uniform(-_JITTER, _JITTER, 3)
    turn = math.radians(rng.uniform(-roll, roll))
    return PerspectiveCamera.with_field(View.looking_at(np.zeros(3), position, turn), FIELD)


def make_views(mesh: Mesh, settings: ViewSettings, number: int) -> Arrays:
    """Renders the views of an object.

    Args:
        mesh: The object; it is scaled to a largest extent of 2 around the origin.
        settings: The settings.
        number: Number of the object, from which its random numbers are drawn.

    Returns:
        `picture` [views, S, S, 4] uint8, straight RGBA; `rotation` [views, 3, 3] and `position` [views, 3] of
        `cameras.View`, `focal` [views] in NDC, float64; `axis` [views, 2, 2] float32, the NDC of the object's
        (+1, 0, 0) and (-1, 0, 0), the labels of the orientation network.
    """
    mesh, found = mesh.normalized(), []
    for view in range(settings.views):
        rng = generator(settings.seed, number, view)
        found.append(_view(mesh, random_camera(rng, settings.roll), settings.size, rng))
    return {key: np.stack([one[key] for one in found]) for key in found[0]}


def _view(mesh: Mesh, camera: PerspectiveCamera, size: int, rng: np.random.Generator) -> dict[str, Any]:
    ends: npt.NDArray[np.float64] = np.array([[1.0, 0, 0], [-1.0, 0, 0]])
    return {
        "picture": encode_rgba(render_picture(mesh, camera, random_lighting(rng), size)),
        "rotation": camera.view.rotation,
        "position": camera.view.position,
        "focal": np.float64(camera.focal),
        "axis": camera.project(ends).astype(np.float32),
    }
