"""Random people of the ICT-FaceKit morphable model."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.face import Face, Source
from equivariance_zoo.faces.models.expressions import described, random_expression
from equivariance_zoo.faces.models.ict import IctModel, load_ict

WHOLE_HEADS = True
"""Whether the faces are to be cropped."""

MM_PER_CM = 10
RANDOM_EXPRESSIONS = 3
"""Faces with an expression per person, beside the neutral one, where no number is asked for."""


@dataclass(frozen=True, eq=False)
class IctFaces:
    """Random identities, each drawn from its own number alone; neutral first, then with random expressions.

    Weights of identity are N(0, 1); expressions are those of
    `equivariance_zoo.faces.models.expressions.random_expression`.

    Attributes:
        model: the morphable model.
        people: how many identities.
        expressions: how many faces with an expression per person, beside the neutral one.
        seed: of everything random.

    Raises:
        FaceError: there are no people, a number is negative, or the model has no expressions.
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
        """What the faces are."""
        return "ICT-FaceKit"

    def __len__(self) -> int:
        """People times faces of each."""
        return self.people * (1 + self.expressions)

    def __getitem__(self, index: int) -> Face:
        """The face of a number, in the model's frame: +y up, +z forward, -x the subject's right.

        Raises:
            IndexError: there is no such face.
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
    """The options of `python -m equivariance_zoo.faces prepare ict`."""
    source = "the packed model (.npz, see pack-ict), or a clone's folder FaceXModel"
    parser.add_argument("--model", type=Path, required=True, help=source)
    add_expressions(parser)


def from_options(options: argparse.Namespace) -> Source:
    """The source that the options ask for: as many people as --train and --test take.

    Raises:
        FaceError: the model's file or an option cannot be used.
        OSError: the file cannot be read.
    """
    count = people(options)
    return IctFaces(load_ict(options.model), count, options.expressions, options.seed)


def add_expressions(parser: argparse.ArgumentParser) -> None:
    """The option of sources that make expressions."""
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
    """How many people a source makes that has as many as one likes: those of --train and --test.

    Raises:
        FaceError: one of the two is not given.
    """
    for name in ("train", "test"):
        if getattr(options, name) is None:
            raise FaceError(f"--{name}: expected a number of people, since the source has as many as one likes")
    return int(options.train + options.test)
