"""Draws random people of anny's parametric heads."""

import argparse
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.face import Face, Source
from equivariance_zoo.faces.models.anny import CORNERS, RACES, AnnyModel, load_anny
from equivariance_zoo.faces.models.expressions import name_of_expression
from equivariance_zoo.faces.sources.random_people import (
    add_expressions,
    expression_weights,
    face_count,
    identity_generator,
    people_of,
    place_of,
    require_counts,
)

WHOLE_HEADS = True

MM_PER_M = 1000
_RANGES = {"gender": (0.0, 1.0), "age": (2 / 3, 1.0), "muscle": (0.2, 0.8), "weight": (0.2, 0.8)}
_CHANGE = 0.25
_ASYMMETRY = 0.05


@dataclass(frozen=True, eq=False)
class AnnyFaces:
    """Random adults, each drawn from the seed and its number only; neutral first, then with random expressions.

    Gender, age (from young to old) and races are uniform, muscle and weight uniform within 0.2 and 0.8. Local changes
    of the face are N(0, 0.25), clipped to [-1, 1]. The two sides differ by N(0, 0.05).

    Attributes:
        model: The shapes.
        people: Number of identities.
        expressions: Number of faces with an expression per person, beside the neutral one.
        seed: Random seed.

    Raises:
        FaceError: If there are no people, or a number is negative.
    """

    model: AnnyModel
    people: int
    expressions: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        require_counts(self.people, self.expressions, self.seed)

    @property
    def name(self) -> str:
        """Name of the source."""
        return "anny"

    def __len__(self) -> int:
        """Returns the number of people times the faces of each."""
        return face_count(self.people, self.expressions)

    def __getitem__(self, index: int) -> Face:
        """Returns the face of a number: +y up, +z forward, -x the subject's right.

        Raises:
            IndexError: If the number is out of range.
        """
        person, number = place_of(index, self.people, self.expressions)
        vertices = self._neutral(identity_generator(self.seed, person))
        names = self.model.expression_names
        weights = expression_weights(names, self.seed, person, number)
        for name, weight in weights.items():
            vertices = vertices + weight * self.model.expressions[names.index(name)]
        points = vertices.astype(np.float64) * MM_PER_M
        return Face(
            name=f"anny-{person:04}-{number or 'neutral'}",
            subject=f"anny-{person:04}",
            expression=name_of_expression(weights),
            points=points,
            triangles=self.model.triangles,
            landmarks=points[self.model.landmarks],
        )

    def _neutral(self, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        shares = [_hats(float(rng.uniform(*_RANGES[name])), anchors) for name, anchors in CORNERS.items()]
        races = rng.dirichlet(np.ones(len(RACES)))
        corners = np.array([np.prod(weights) for weights in product(*shares, races)], dtype=np.float32)
        changes = self._changes(rng)
        both = np.stack([changes.clip(min=0), -changes.clip(max=0)], axis=1).astype(np.float32)
        head = np.tensordot(corners, self.model.corners, axes=1) + np.tensordot(both, self.model.changes, axes=2)
        return np.asarray(head, dtype=np.float32)

    def _changes(self, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        names = [name.removeprefix("l-").removeprefix("r-") for name in self.model.change_names]
        shared = dict(zip(sorted(set(names)), rng.normal(0, _CHANGE, size=len(set(names))), strict=True))
        own = rng.normal(0, _ASYMMETRY, size=len(names))
        return np.array([shared[name] + delta for name, delta in zip(names, own, strict=True)]).clip(-1, 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `python -m equivariance_zoo.faces prepare anny`."""
    add_expressions(parser)


def from_options(options: argparse.Namespace) -> Source:
    """Builds the source of the options, with as many people as --train and --test need.

    Raises:
        FaceError: If an option cannot be used, or the cache is damaged.
        ImportError: If anny is not installed.
        OSError: If the cache cannot be written.
    """
    count = people_of(options)
    return AnnyFaces(load_anny(), count, options.expressions, options.seed)


def _hats(value: float, anchors: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """Returns the weights of linear interpolation between anchors."""
    return np.array([np.interp(value, anchors, np.eye(len(anchors))[place]) for place in range(len(anchors))])
