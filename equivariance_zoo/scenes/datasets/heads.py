"""Pictures of heads with landmarks, pose, weights of the model and, on request, dense labels.

Poses are R_z R_y R_x by roll, yaw and pitch (right-handed turns about +z, +y and +x, in degrees). The camera is one of
weak perspective; the box of the head, widened by 5 to 15 % at each side, fills the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from equivariance_zoo.scenes.cameras import View, WeakPerspectiveCamera
from equivariance_zoo.scenes.datasets.store import Arrays, generator
from equivariance_zoo.scenes.lighting import random_lighting
from equivariance_zoo.scenes.meshes.heads import Head, HeadModel
from equivariance_zoo.scenes.meshes.skin import random_look
from equivariance_zoo.scenes.photograph import Degradation, encode, over, random_background, random_occluder
from equivariance_zoo.scenes.render import landmarks, render_buffers, render_picture, visible_vertices

SHARD = 250
NO_VERTEX = 65_535

_LIMITS = np.array([40.0, 90.0, 45.0])
_BEYOND = np.array([80.0, 180.0, 90.0])
_HIDDEN = 0.5


@dataclass(frozen=True)
class HeadSettings:
    """Settings of a set of heads.

    Attributes:
        count: Number of pictures.
        size: Pixels along each side.
        seed: Seed of everything random.
        unusual: Share of the poses beyond a pitch of 40, a yaw of 90 or a roll of 45 degrees, up to twice that.
        occluded: Share of the pictures with an occluder.
        dense: If True, PNCC, vertices and depth of each pixel, and the visibility of each vertex, are stored.

    Raises:
        ValueError: If a number is out of range.
    """

    count: int = 1000
    size: int = 128
    seed: int = 0
    unusual: float = 0.0
    occluded: float = 0.25
    dense: bool = False

    def __post_init__(self) -> None:
        """Checks the numbers."""
        for name, least in (("count", 1), ("size", 8), ("seed", 0)):
            if type(getattr(self, name)) is not int or getattr(self, name) < least:
                raise ValueError(f"{name}: expected a whole number, {least} or more, got {getattr(self, name)!r}")
        for name in ("unusual", "occluded"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected a share from 0 to 1, got {getattr(self, name)!r}")

    def shards(self) -> list[str]:
        """Returns the names of the shards."""
        return [f"heads-{start // SHARD:05}" for start in range(0, self.count, SHARD)]

    def numbers(self, shard: str) -> range:
        """Returns the numbers of the samples of a shard."""
        start = int(shard.rsplit("-", 1)[1]) * SHARD
        return range(start, min(start + SHARD, self.count))


def make_shard(model: HeadModel, settings: HeadSettings, shard: str) -> Arrays:
    """Returns the arrays of a shard; the first axis is that of the samples; see `sample`."""
    samples = [sample(model, settings, number) for number in settings.numbers(shard)]
    return {key: np.stack([one[key] for one in samples]) for key in samples[0]}


def sample(model: HeadModel, settings: HeadSettings, number: int) -> Arrays:
    """Renders one picture with its labels.

    Returns:
        `picture` [S, S, 3] uint8; `landmarks` [68, 3] float32, column, row and depth in centimetres; `visible` [68]
        bool, hidden neither by the head nor by the occluder; `rotation` [3, 3], `angles` [3] (pitch, yaw and roll in
        degrees), `scale` [] and `translation` [2] of the camera, float64; `identity` and `expression`, the weights,
        float32; `number` [] int64. If `dense`: `pncc` [S, S, 3] uint16 (65535 is 1), `vertex` [S, S] uint16 (65535
        outside, on eyes and in the mouth), `depth` [S, S] float32 (infinity outside), `visible_vertices` uint8,
        packed bits.
    """
    rng = generator(settings.seed, number)
    identity, expression = model.random_weights(rng)
    head = model.head(model.vertices(identity, expression), random_look(rng))
    angles = random_angles(rng, settings.unusual)
    camera = framed(model, head, Rotation.from_euler("xyz", angles, degrees=True).as_matrix(), rng)
    rendered = render_picture(head.mesh, camera, random_lighting(rng), settings.size)
    picture = over(rendered, random_background(rng, settings.size))
    points = landmarks(camera, head.mesh.vertices[model.landmarks], settings.size)
    visible = visible_vertices(head.mesh, camera)[: len(model.mean)]
    shown = visible[model.landmarks]
    if rng.random() < settings.occluded:
        box = (*points[:, :2].min(axis=0), *points[:, :2].max(axis=0))
        occluder = random_occluder(rng, box, settings.size)
        picture = over(occluder, picture)
        shown = shown & ~_covered(occluder, points)
    labels: dict[str, Any] = {
        "picture": Degradation().apply(rng, encode(picture)),
        "landmarks": points.astype(np.float32),
        "visible": shown,
        "rotation": camera.view.rotation,
        "angles": angles,
        "scale": np.float64(camera.scale),
        "translation": np.array(camera.translation),
        "identity": identity.astype(np.float32),
        "expression": expression.astype(np.float32),
        "number": np.int64(number),
    }
    return labels | (_dense(model, head, camera, settings.size, visible) if settings.dense else {})


def random_angles(rng: np.random.Generator, unusual: float) -> npt.NDArray[np.float64]:
    """Draws pitch, yaw and roll in degrees: uniform within 40, 90 and 45, or with a share beyond them.

    Args:
        rng: The random number generator; it is advanced.
        unusual: Share of the poses in which at least one angle lies beyond, up to twice its limit.
    """
    angles = rng.uniform(-_LIMITS, _LIMITS)
    if rng.random() < unusual:
        beyond = rng.random(3) < 0.5
        beyond[rng.integers(3)] = True
        far = np.sign(angles) * rng.uniform(_LIMITS, _BEYOND)
        angles = np.where(beyond, far, angles)
    return angles


def framed(
    model: HeadModel, head: Head, rotation: npt.NDArray[np.float64], rng: np.random.Generator
) -> WeakPerspectiveCamera:
    """Returns the camera in whose picture the box of the head (without neck) is widened by 5 to 15 % at each side.

    Args:
        model: The model of the head; its centre is the point that the camera's translation belongs to.
        head: The head.
        rotation: [3, 3], of the head in the frame of the camera.
        rng: The random number generator; it is advanced.
    """
    view = View(rotation, model.centre)
    seen = view.to_camera(head.mesh.vertices[: len(model.mean)][model.is_head])[:, :2]
    low, high = seen.min(axis=0), seen.max(axis=0)
    margins = rng.uniform(0.05, 0.15, 4) * np.tile(high - low, 2)
    low, high = low - margins[:2], high + margins[2:]
    scale = 2 / float((high - low).max())
    x, y = -scale * (low + high) / 2
    return WeakPerspectiveCamera(view, scale, (float(x), float(y)))


def _covered(occluder: npt.NDArray[np.float32], points: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    size = len(occluder)
    columns, rows = np.clip(np.floor(points[:, :2]).astype(int), 0, size - 1).T
    return occluder[rows, columns, 3] > _HIDDEN


def _dense(
    model: HeadModel, head: Head, camera: WeakPerspectiveCamera, size: int, visible: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    buffers = render_buffers(head.mesh, camera, size)
    vertex = np.where(buffers.mask, head.source[buffers.vertex()], -1)
    pncc = buffers.interpolate(model.coordinates_of(head))
    return {
        "pncc": np.round(np.where(vertex[..., None] >= 0, pncc, 0) * NO_VERTEX).astype(np.uint16),
        "vertex": np.where(vertex >= 0, vertex, NO_VERTEX).astype(np.uint16),
        "depth": buffers.depth.astype(np.float32),
        "visible_vertices": np.packbits(visible),
    }
