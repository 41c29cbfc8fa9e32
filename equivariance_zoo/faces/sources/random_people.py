"""Numbers the faces of random people, and declares the options of the sources that draw them.

`ict` and `anny` call it: each person has a neutral face, then faces with random expressions. It knows no model.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.face import require_index
from equivariance_zoo.faces.models.expressions import random_expression
from equivariance_zoo.training.cli import parse_integer

RANDOM_EXPRESSIONS = 3
"""Default number of faces with an expression per person, beside the neutral one."""


def require_counts(people: int, expressions: int, seed: int) -> None:
    """Checks the numbers of a source.

    Raises:
        FaceError: If there are no people, or a number is negative.
    """
    for name, value, least in (("people", people, 1), ("expressions", expressions, 0), ("seed", seed, 0)):
        if value < least:
            raise FaceError(f"{name}={value}: expected at least {least}")


def face_count(people: int, expressions: int) -> int:
    """Returns the number of people times the faces of each."""
    return people * (1 + expressions)


def place_of(index: int, people: int, expressions: int) -> tuple[int, int]:
    """Returns the person of a face, and its number among the faces of the person; 0 is the neutral face.

    Raises:
        IndexError: If there is no such face.
    """
    require_index(index, face_count(people, expressions))
    return divmod(index, 1 + expressions)


def identity_generator(seed: int, person: int) -> np.random.Generator:
    """Returns the random numbers of a person. They do not depend on the number of people."""
    return np.random.default_rng([seed, person])


def expression_weights(names: Sequence[str], seed: int, person: int, number: int) -> dict[str, float]:
    """Returns the weights of the expression shapes of a face; none for the neutral face.

    Args:
        names: The expression shapes of the model.
        seed, person, number: The face.
    """
    return random_expression(names, np.random.default_rng([seed, person, number])) if number else {}


def add_expressions(parser: argparse.ArgumentParser) -> None:
    """Adds the option of sources that draw expressions."""
    parser.add_argument(
        "--expressions",
        type=parse_integer,
        nargs="?",
        const=RANDOM_EXPRESSIONS,
        default=0,
        metavar="N",
        help=f"random expressions per person beside the neutral face; {RANDOM_EXPRESSIONS} where N is not given",
    )


def people_of(options: argparse.Namespace) -> int:
    """Returns the number of people that a source draws: the sum of --train and --test.

    Raises:
        FaceError: If --train or --test is missing.
    """
    for name in ("train", "test"):
        if getattr(options, name) is None:
            raise FaceError(f"--{name}: expected a number of people, since the source has as many as one likes")
    return int(options.train + options.test)
