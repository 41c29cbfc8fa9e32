"""Simulated annotations: projected vertices of random heads with noise, outliers and missing vertices, at no cost.

The evaluations of the fits call it; a network for the annotation is not needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equivariance_zoo.cprfa.model3d import Array, LinearShape, Pose
from equivariance_zoo.faces.models.ict import IctModel
from equivariance_zoo.scenes.meshes.heads import HeadModel
from equivariance_zoo.scenes.meshes.mesh import plain
from equivariance_zoo.scenes.render import visible_vertices

SIZE = 256
_PITCH, _ROLL, _SHIFT, _SCALES = 25.0, 30.0, 15.0, (7.0, 9.5)
"""Largest pitch and roll in degrees, largest shift and the scales in pixels of a picture of 256 pixels."""


@dataclass(frozen=True)
class Damage:
    """The faults of an annotation.

    Attributes:
        noise: Standard deviation in pixels.
        hidden: Share of the visible vertices that are missing at random.
        outliers: Share of the vertices that are at the place of another one.
    """

    noise: float = 3.0
    hidden: float = 0.5
    outliers: float = 0.0


@dataclass(frozen=True, eq=False)
class Annotated:
    """The true vertices of a head in a picture.

    Attributes:
        pose: The true pose.
        yaw: Degrees.
        points: [n, 2] projected vertices.
        visible: [n] bool, not hidden by the head itself.
        landmarks: [68, 2] projected landmarks, hidden ones too.
    """

    pose: Pose
    yaw: float
    points: Array
    visible: npt.NDArray[np.bool_]
    landmarks: Array

    def damaged(self, damage: Damage, rng: np.random.Generator) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Returns observed points [n, 2] and the vertices [n] that are observed.

        Args:
            damage: What is wrong with them.
            rng: The random number generator; it is advanced.
        """
        count = len(self.points)
        there = self.visible & (rng.random(count) >= damage.hidden)
        observed = self.points + damage.noise * rng.standard_normal((count, 2))
        wrong = rng.random(count) < damage.outliers
        observed[wrong] = self.points[rng.permutation(count)[: int(wrong.sum())]]
        return observed, there


class Heads:
    """Draws heads of the morphable model with the visibility that the renderer computes.

    Attributes:
        shape: The chosen vertices.
        landmarks: The 68 landmarks.
    """

    def __init__(self, model: IctModel, count: int = 512, seed: int = 0) -> None:
        """Chooses vertices of the front of the face.

        Args:
            model: The morphable model.
            count: Number of vertices.
            seed: Seed of the choice.
        """
        marks = model.mean[model.landmarks]
        front = (model.mean[:, 2] > marks[:, 2].min() - 2) & (model.mean[:, 1] > marks[:, 1].min() - 2)
        chosen = np.random.default_rng(seed).choice(np.flatnonzero(front), count, replace=False)
        self.shape, self.landmarks = LinearShape.of(model, chosen), LinearShape.of(model, model.landmarks)
        self._chosen, self._centre, self._heads = chosen, marks.mean(axis=0), HeadModel(model)

    def draw(self, yaw: float, rng: np.random.Generator) -> Annotated:
        """Draws a person, an expression and a pose with a yaw in degrees.

        Args:
            yaw: r_y in degrees.
            rng: The random number generator; it is advanced.
        """
        identity, expression = self._heads.random_weights(rng)
        weights = np.concatenate([identity, expression])
        pitch, turn, roll = np.radians([rng.uniform(-_PITCH, _PITCH), yaw, rng.uniform(-_ROLL, _ROLL)])
        x, y = rng.uniform(-_SHIFT, _SHIFT, 2)
        pose = Pose.of_angles(pitch, turn, roll, float(rng.uniform(*_SCALES)), (float(x), float(y)))
        vertices = self._heads.vertices(identity, expression) - self._centre
        seen = visible_vertices(plain(vertices, self._heads.triangles, 0.5), pose.camera(SIZE))[self._chosen]
        points, marks = (pose.project(part.points(weights)) for part in (self.shape, self.landmarks))
        return Annotated(pose, yaw, points, seen, marks)
