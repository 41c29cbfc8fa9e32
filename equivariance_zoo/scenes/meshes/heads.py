"""Heads to render: the ICT-FaceKit morphable model with eyes, mouth, skin and hair.

The model is a file of `equivariance_zoo.faces` (`load_ict`); the frame is that of `faces.Mesh`: centimetres, +y up, +z
forward, -x the subject's right. Vertices of a rendered head begin with those of the model, in its order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.models.expressions import random_expression
from equivariance_zoo.faces.models.ict import IctModel
from equivariance_zoo.scenes import kernels
from equivariance_zoo.scenes.meshes.head_parts import eyeball, hair_shell, mouth
from equivariance_zoo.scenes.meshes.mesh import Mesh, join
from equivariance_zoo.scenes.meshes.skin import Look, Masks, above_hairline, colours

Array = npt.NDArray[np.float64]

_NEUTRAL = 0.25
_NECK = -8.6


@dataclass(frozen=True, eq=False)
class Head:
    """A head to render.

    Attributes:
        mesh: The mesh; its first vertices are those of the model.
        source: [N] int32, the vertex of the model that each vertex belongs to; -1 for eyes and mouth. Vertices of the
            hair belong to the scalp below them.
    """

    mesh: Mesh
    source: npt.NDArray[np.int32]


class HeadModel:
    """Makes heads of a morphable model.

    Attributes:
        mean: [V, 3] float64, centimetres.
        triangles: [F, 3] int32.
        landmarks: [68] int64, vertices of the iBUG landmarks.
        identities, expressions: Numbers of modes.
        expression_names: Names of the expressions.
        coordinates: [V, 3] float32, the mean head scaled to the cube from 0 to 1: projected normalized coordinates
            (PNCC), the labels of dense alignment.
        centre: [3], the middle of the mean head (without neck), the centre of its turns.
        is_head: [V] bool, vertices above the neck.
    """

    def __init__(self, model: IctModel) -> None:
        """Prepares a model.

        Args:
            model: The morphable model.
        """
        self.mean = model.mean
        self.triangles = model.triangles.astype(np.int32)
        self.landmarks = model.landmarks
        self.expression_names = model.expression_names
        self.identities, self.expressions = len(model.identity_modes), len(model.expression_modes)
        modes = np.concatenate([model.identity_modes, model.expression_modes])
        self._modes = modes.reshape(len(modes), -1).astype(np.float32)
        low, high = self.mean.min(axis=0), self.mean.max(axis=0)
        self.coordinates = ((self.mean - low) / (high - low)).astype(np.float32)
        self.is_head = self.mean[:, 1] > _NECK
        self.centre = 0.5 * (self.mean[self.is_head].min(axis=0) + self.mean[self.is_head].max(axis=0))
        self._masks = Masks.of(self.mean, self.mean[self.landmarks])

    def vertices(self, identity: npt.ArrayLike, expression: npt.ArrayLike) -> Array:
        """Returns the vertices [V, 3] of a head, centimetres, computed in float32.

        Args:
            identity: [identities], weights in standard deviations.
            expression: [expressions], weights from 0 to 1.

        Raises:
            ValueError: If there are not as many weights as modes.
        """
        for name, given, count in (
            ("identity", identity, self.identities),
            ("expression", expression, self.expressions),
        ):
            if np.shape(given) != (count,):
                raise ValueError(f"{name}: expected {count} weights, got shape {list(np.shape(given))}")
        weights = np.concatenate([np.asarray(identity), np.asarray(expression)]).astype(np.float32)
        return self.mean + (weights @ self._modes).reshape(-1, 3)

    def random_weights(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draws the weights of a person and of an expression; a quarter of the expressions are neutral.

        Args:
            rng: The random number generator; it is advanced.
        """
        identity, expression = rng.standard_normal(self.identities), np.zeros(self.expressions)
        if self.expressions and rng.random() >= _NEUTRAL:
            for name, weight in random_expression(self.expression_names, rng).items():
                expression[self.expression_names.index(name)] = weight
        return identity, expression

    def head(self, vertices: Array, look: Look) -> Head:
        """Returns a head to render.

        Args:
            vertices: [V, 3]; see `vertices`.
            look: What the person looks like.
        """
        above = above_hairline(look, self.mean, self._masks.ear)
        tints, gloss = colours(look, self._masks, self.mean, above)
        numbers = np.arange(len(vertices), dtype=np.int32)
        skin = Mesh(vertices, self.triangles, tints.astype(np.float32), gloss.astype(np.float32), numbers)
        landmarks = vertices[self.landmarks]
        parts = [skin, *(eyeball(landmarks, eye, look) for eye in (0, 1)), *mouth(landmarks)]
        sources = [numbers, *(np.full(len(part.vertices), -1, np.int32) for part in parts[1:])]
        if look.thickness:
            normals = kernels.vertex_normals(skin.vertices, skin.triangles, skin.smoothing)
            shell, below = hair_shell(vertices, normals, self.triangles, above, look, self.mean, tints)
            parts, sources = [*parts, shell], [*sources, below]
        return Head(join(parts), np.concatenate(sources))

    def coordinates_of(self, head: Head) -> npt.NDArray[np.float32]:
        """Returns the PNCC of the vertices of a head, [N, 3] float32; 0 for eyes and mouth."""
        return np.where(head.source[:, None] >= 0, self.coordinates[head.source], 0).astype(np.float32)
