"""Draws random people of the ICT-FaceKit morphable model."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.face import Face, Source
from equivariance_zoo.faces.models.expressions import described, random_expression
from equivariance_zoo.faces.models.ict import IctModel, load_ict

WHOLE_HEADS = True
"""True: the faces are heads, which need a crop."""

MM_PER_CM = 10
RANDOM_EXPRESSIONS = 3
"""Default number of faces with an expression per person, beside the neutral one."""


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
        for name, value, least in (("people", self.people, 1), ("expressions", self.expressions, 0)):
            if value < least:
                raise FaceError(f"{name}={value}: expected at least {least}")
        if self.seed < 0:
            raise FaceError(f"seed={self.seed}: expected at least 0")
        if self.expressions and not self.model.expression_names:
            raise FaceError(f"expressions={self.expressions}: expected 0, since the model has none")

    @property
    def name(self) -> str:
        """Name of the source."""
        return "ICT-FaceKit"

    def __len__(self) -> int:
        """Returns the number of people times the faces of each."""
        return self.people * (1 + self.expressions)

    def __getitem__(self, index: int) -> Face:
        """Returns the face of a number, in the model's frame: +y up, +z forward, -x the subject's right.

        Raises:
            IndexError: If the number is out of range.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        person, number = divmod(index, 1 + self.expressions)
        identity = np.random.default_rng([self.seed, person]).standard_normal(len(self.model.identity_modes))
        names = self.model.expression_names
        weights = random_expression(names, np.random.default_rng([self.seed, person, number])) if number else {}
        head = self.model.expressive(identity, weights)
        return Face(
            name=f"ict-{person:04}-{number or 'neutral'}",
            subject=f"ict-{person:04}",
            expression=described(weights),
            points=head.vertices * MM_PER_CM,
            triangles=head.triangles,
            landmarks=head.landmark_positions * MM_PER_CM,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `python -m equivariance_zoo.faces prepare ict`."""
    source = "the packed model (.npz, see pack-ict), or a clone's folder FaceXModel"
    parser.add_argument("--model", type=Path, required=True, help=source)
    add_expressions(parser)


def from_options(options: argparse.Namespace) -> Source:
    """Builds the source of the options, with as many people as --train and --test need.

    Raises:
        FaceError: If the model's file or an option cannot be used.
        OSError: If the file cannot be read.
    """
    count = people(options)
    return IctFaces(load_ict(options.model), count, options.expressions, options.seed)


def add_expressions(parser: argparse.ArgumentParser) -> None:
    """Adds the option of sources that draw expressions."""
    parser.add_argument(
        "--expressions",
        type=int,
        nargs="?",
        const=RANDOM_EXPRESSIONS,
        default=0,
        metavar="N",
        help=f"random expressions per person beside the neutral face; {RANDOM_EXPRESSIONS} where N is not given",
    )


def people(options: argparse.Namespace) -> int:
    """Returns the number of people that a generating source draws: the sum of --train and --test.

    Raises:
        FaceError: If --train or --test is missing.
    """
    for name in ("train", "test"):
        if getattr(options, name) is None:
            raise FaceError(f"--{name}: expected a number of people, since the source has as many as one likes")
    return int(options.train + options.test)
