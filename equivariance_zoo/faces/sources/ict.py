"""Draws random people of the ICT-FaceKit morphable model."""

import argparse
from dataclasses import dataclass

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.face import Face, Source
from equivariance_zoo.faces.models.expressions import name_of_expression
from equivariance_zoo.faces.models.ict import IctModel, load_ict
from equivariance_zoo.faces.sources.random_people import (
    add_expressions,
    expression_weights,
    face_count,
    identity_generator,
    people_of,
    place_of,
    require_counts,
)
from equivariance_zoo.training.cli import parse_path

WHOLE_HEADS = True
"""True: the faces are heads, which need a crop."""

MM_PER_CM = 10


@dataclass(frozen=True, eq=False)
class IctFaces:
    """Random identities, each drawn from the seed and its number only; neutral first, then with random expressions.

    Weights of identity are N(0, 1); expressions are those of
    `equivariance_zoo.faces.models.expressions.random_expression`.

    Attributes:
        model: The morphable model.
        people: Number of identities.
        expressions: Number of faces with an expression per person, beside the neutral one.
        seed: Random seed.

    Raises:
        FaceError: If there are no people, a number is negative, or the model has no expressions.
    """

    model: IctModel
    people: int
    expressions: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        require_counts(self.people, self.expressions, self.seed)
        if self.expressions and not self.model.expression_names:
            raise FaceError(f"expressions={self.expressions}: expected 0, since the model has none")

    @property
    def name(self) -> str:
        """Name of the source."""
        return "ICT-FaceKit"

    def __len__(self) -> int:
        """Returns the number of people times the faces of each."""
        return face_count(self.people, self.expressions)

    def __getitem__(self, index: int) -> Face:
        """Returns the face of a number, in the model's frame: +y up, +z forward, -x the subject's right.

        Raises:
            IndexError: If the number is out of range.
        """
        person, number = place_of(index, self.people, self.expressions)
        identity = identity_generator(self.seed, person).standard_normal(len(self.model.identity_modes))
        weights = expression_weights(self.model.expression_names, self.seed, person, number)
        head = self.model.expressive(identity, weights)
        return Face(
            name=f"ict-{person:04}-{number or 'neutral'}",
            subject=f"ict-{person:04}",
            expression=name_of_expression(weights),
            points=head.vertices * MM_PER_CM,
            triangles=head.triangles,
            landmarks=head.landmark_positions * MM_PER_CM,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `python -m equivariance_zoo.faces prepare ict`."""
    source = "the packed model (.npz, see pack-ict), or a clone's folder FaceXModel"
    parser.add_argument("--model", type=parse_path, required=True, help=source)
    add_expressions(parser)


def from_options(options: argparse.Namespace) -> Source:
    """Builds the source of the options, with as many people as --train and --test need.

    Raises:
        FaceError: If the model's file or an option cannot be used.
        OSError: If the file cannot be read.
    """
    count = people_of(options)
    return IctFaces(load_ict(options.model), count, options.expressions, options.seed)
