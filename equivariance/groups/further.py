"""Groups beside the motions: scalings, mirrors, products, matrix groups of the user, and exchanged arguments.

Called by the engine, as `groups.sampling` is. The module applies no elements.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import expm

from equivariance.errors import ArgumentError
from equivariance.groups.actions import Actions
from equivariance.groups.elements import Transform
from equivariance.groups.matrices import rows_of
from equivariance.groups.sampling import Group, InputSizes

_OCTAVES = 3.0
"""Largest scaling, and the inverse of the smallest one, as a power of two."""

_LONGEST_WORD = 8
"""Largest number of generators in a drawn product."""

_MOST_LISTED = 64
"""A finite group of at most this order is listed."""


def scaling(factor: float) -> Transform:
    """Returns the element that multiplies all lengths by `factor`, about the origin.

    Args:
        factor: A positive finite number; powers of two are exact.

    Raises:
        ArgumentError: If `factor` is not positive and finite.
    """
    return Transform(scale=float(factor))


def mirror(axis: int) -> Transform:
    """Returns the reflection that negates one coordinate.

    Args:
        axis: 0, 1 or 2, for x, y or z; on a grid the number of the grid axis.

    Raises:
        ArgumentError: If `axis` is none of these.
    """
    if axis not in (0, 1, 2):
        raise ArgumentError("axis", axis, "0, 1 or 2")
    return Transform(rows_of(np.diag([-1.0 if i == axis else 1.0 for i in range(3)])), origin=f"mirror({axis})")


def product(*factors: Transform) -> Transform:
    """Returns the element of a product of groups that has the given factors; `eq.Factors` says what each acts on."""
    return Transform(actions=Actions(factors=factors))


def linear(matrix: ArrayLike) -> Transform:
    """Returns the element of a matrix group; `eq.Linear` says what it acts on.

    Args:
        matrix: An invertible matrix [n, n].

    Raises:
        ArgumentError: If it is none.
    """
    array = np.asarray(matrix, dtype=np.float64)
    if array.ndim != 2:
        raise ArgumentError("matrix", matrix, "a square matrix of finite numbers")
    return Transform(actions=Actions(matrix=rows_of(array)))


def swap(first: str, second: str) -> Transform:
    """Returns the element that exchanges two arguments.

    Args:
        first, second: Their parameter names.
    """
    return Transform(actions=Actions(exchanged=(first, second)))


@dataclass(frozen=True)
class Scalings(Group):
    """Multiplication of all lengths by one factor, between 1/8 and 8; every second factor is a power of two.

    Powers of two are exact in floating point.
    """

    symmetry = "scale"

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Draws factors, log-uniform, a power of two first. Other factors are rounded to four digits."""
        rng = np.random.default_rng((seed, 6))
        powers = [p for p in range(-int(_OCTAVES), int(_OCTAVES) + 1) if p]
        exact = [2.0 ** powers[i] for i in rng.permutation(len(powers))]
        between = 2.0 ** rng.uniform(-_OCTAVES, _OCTAVES, count)
        return tuple(scaling(float(f"{between[i]:.4g}") if i % 2 else exact[i // 2 % len(exact)]) for i in range(count))

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns the factors 2, 1/2 and 4."""
        return tuple(map(scaling, (2.0, 0.5, 4.0)))


@dataclass(frozen=True)
class Mirrors(Group):
    """The reflection that negates one coordinate; exact in floating point.

    Attributes:
        axis: 0, 1 or 2, for x, y or z. On a grid the number of the grid axis: an image [rows, columns] is mirrored left
            to right with 1, and upside down with 0.

    Raises:
        ArgumentError: If `axis` is none of these.
    """

    axis: int = 0
    symmetry = "mirror"

    def __post_init__(self) -> None:
        """Rejects other axes."""
        mirror(self.axis)

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns the mirror `count` times, once for each state of the model."""
        return (mirror(self.axis),) * count

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns the mirror."""
        return (mirror(self.axis),)


@dataclass(frozen=True)
class Product(Group):
    """Separate elements for separate inputs: one of each factor group, drawn independently.

    `eq.Factors({0: ...})` declares a tensor that the first factor acts on. All factors are of one symmetry, such as two
    independent rotations.

    Attributes:
        factors: The groups.
        symmetry: That of the factors.

    Raises:
        ArgumentError: If there are fewer than two factors, or if they have different symmetries.

    >>> from equivariance.groups import Rotations
    >>> Product((Rotations(), Rotations())).symmetry
    'rotation'
    """

    factors: tuple[Group, ...]

    def __post_init__(self) -> None:
        """Rejects factors of different symmetries."""
        kinds = {group.symmetry for group in self.factors}
        if len(self.factors) < 2 or len(kinds) > 1:
            raise ArgumentError("factors", self.factors, "two or more groups of one symmetry")
        object.__setattr__(self, "symmetry", kinds.pop())

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Draws independent elements of each factor."""
        drawn = [g.draw(count, seed + 1000 * i, setting) for i, g in enumerate(self.factors)]
        return tuple(itertools.starmap(product, zip(*drawn, strict=False)))

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns the simplest element of each factor, beside identities, then of all factors together."""
        first = [g.simplest(setting)[0] for g in self.factors]
        single = [[g if i == j else Transform() for j in range(len(first))] for i, g in enumerate(first)]
        return tuple(itertools.starmap(product, [*single, first]))


@dataclass(frozen=True)
class MatrixGroup(Group):
    """A group of the user, given by generators: a finite group, or a Lie group.

    `eq.Linear()` declares a tensor that its matrices act on.

    Attributes:
        name: The symmetry in reports, such as "lorentz".
        generators: Matrices [n, n] as nested tuples. Of a finite group they are elements; of a Lie group
            (`infinitesimal`) they span its algebra, and exp(sum of c_i A_i) are elements.
        infinitesimal: True for generators of a Lie algebra.
        symmetry: The name.

    Raises:
        ArgumentError: If the name is that of another symmetry, or the generators are no square matrices of one size.

    >>> quarter = ((0.0, -1.0), (1.0, 0.0))
    >>> len(MatrixGroup("c4", (quarter,)).simplest(InputSizes()))
    3
    """

    name: str
    generators: tuple[tuple[tuple[float, ...], ...], ...]
    infinitesimal: bool = False

    def __post_init__(self) -> None:
        """Converts and checks the generators."""
        if not (isinstance(self.name, str) and self.name.isidentifier()):
            raise ArgumentError("name", self.name, "a word, such as 'lorentz'")
        arrays = [np.asarray(g, dtype=np.float64) for g in self.generators]
        shapes = {a.shape for a in arrays}
        if len(shapes) != 1 or any(a.ndim != 2 or a.shape[0] != a.shape[1] for a in arrays):
            raise ArgumentError("generators", self.generators, "square matrices of one size, at least one")
        object.__setattr__(self, "generators", tuple(rows_of(a) for a in arrays))
        object.__setattr__(self, "symmetry", self.name)

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Draws products of up to eight generators, or exponentials of combinations with standard deviation 1/2."""
        rng, arrays = np.random.default_rng((seed, 7)), list(map(np.array, self.generators))
        if self.infinitesimal:
            weights = np.round(rng.normal(scale=0.5, size=(count, len(arrays))), 3)
            return tuple(linear(expm(np.tensordot(w, arrays, 1))) for w in weights)
        found = self._listed()
        if found is not None:
            order = rng.permutation(len(found))
            return tuple(found[order[i % len(found)]] for i in range(count))
        words = [rng.integers(len(arrays), size=rng.integers(1, _LONGEST_WORD + 1)) for _ in range(count)]
        return tuple(linear(_product([arrays[i] for i in word])) for word in words)

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns the generators, or their exponentials, then the other elements of a small finite group."""
        arrays = map(np.array, self.generators)
        first = [linear(expm(a) if self.infinitesimal else a) for a in arrays]
        return tuple(dict.fromkeys([*first, *(() if self.infinitesimal else self._listed() or ())]))

    def _listed(self) -> list[Transform] | None:
        """Returns the elements of a small finite group except the identity; None if it is large."""
        arrays = list(map(np.array, self.generators))
        known = [np.eye(len(arrays[0]))]
        for element in known:
            for generator in arrays:
                made = generator @ element
                if not any(np.allclose(made, other, atol=1e-9) for other in known):
                    known.append(made)
            if len(known) > _MOST_LISTED:
                return None
        return [linear(element) for element in known[1:]]


def _product(matrices: Sequence[np.ndarray]) -> np.ndarray:
    found = np.eye(len(matrices[0]))
    for matrix in matrices:
        found = found @ matrix
    return found


@dataclass(frozen=True)
class Swap(Group):
    """The exchange of two arguments, such as two views of one object.

    Attributes:
        arguments: The names of the two parameters. Their values must have equal shapes.

    Raises:
        ArgumentError: If it is no pair of different names.
    """

    arguments: tuple[str, str]
    symmetry = "swap"

    def __post_init__(self) -> None:
        """Rejects anything but two names."""
        if len(set(self.arguments)) != 2 or not all(isinstance(name, str) for name in self.arguments):
            raise ArgumentError("arguments", self.arguments, "the names of two parameters")

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns the exchange `count` times, once for each state of the model."""
        return (swap(*self.arguments),) * count

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns the exchange."""
        return (swap(*self.arguments),)
