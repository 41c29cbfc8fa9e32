"""Sets of elements of one symmetry each, from which test cases are drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from equivariance.errors import ArgumentError
from equivariance.groups.elements import (
    Transform,
    cube_rotations,
    inversion,
    permutation,
    rotation,
    samples,
    translation,
)
from equivariance.groups.lattice import GridSizes, mirror, rotations, shifts, simple_rotations, simple_shifts

_DYADIC_BITS = 10

_SHIFTS = 32
"""At most so many nodes are brought to the front, one after the other."""


@dataclass(frozen=True)
class InputSizes:
    """What elements are drawn for: the nodes of one sample, the samples of the batch, the extent of the cloud.

    `grid` is given where the input lies on a grid.
    """

    nodes: int | None = None
    samples: int | None = None
    extent: float = 1.0
    grid: GridSizes | None = None


class Group(ABC):
    """A set of elements of one symmetry."""

    symmetry: str

    @abstractmethod
    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """`count` elements, the same for the same seed; fewer where the group has fewer."""

    @abstractmethod
    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Elements that a person can picture, simplest first: what a counterexample shrinks to."""

    def further(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Elements to try before a small error is put down to rounding, where those drawn may all be harmless."""
        return ()


@dataclass(frozen=True)
class Translations(Group):
    """Translations by dyadic vectors of lengths spread from an eighth of the extent up to `max_norm`.

    Dyadic vectors are added without rounding to a cloud that lies on a dyadic grid. `max_norm` is in the units of
    the positions; None means ten times the extent of the cloud. On a grid: shifts by up to a quarter of it; by whole
    cells where `lattice`, else some of them by any length.
    """

    max_norm: float | None = None
    lattice: bool = False
    symmetry = "translation"

    def __post_init__(self) -> None:
        """Reject a bound that bounds nothing."""
        number = isinstance(self.max_norm, (int, float)) and np.isfinite(self.max_norm) and self.max_norm > 0
        if self.max_norm is not None and not number:
            raise ArgumentError("max_norm", self.max_norm, "a positive finite length")

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Random directions, lengths in geometric progression, the longest first."""
        if setting.grid is not None:
            return shifts(count, seed, setting.grid, self.lattice)
        rng = np.random.default_rng((seed, 1))
        longest = 10 * setting.extent if self.max_norm is None else self.max_norm
        lengths = np.geomspace(longest, min(setting.extent / 8, longest), count)
        directions = rng.normal(size=(count, 3))
        vectors = directions / np.linalg.norm(directions, axis=1, keepdims=True) * lengths[:, None]
        step = 2.0 ** (np.floor(np.log2(np.abs(vectors).max(axis=1, keepdims=True))) - _DYADIC_BITS)
        return tuple(translation(v) for v in np.trunc(vectors / step) * step)

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """A unit along an axis, then along the diagonal; a unit is the power of two below the extent or, if near, 1."""
        if setting.grid is not None:
            return simple_shifts(setting.grid, self.lattice)
        longest = np.inf if self.max_norm is None else self.max_norm / np.sqrt(3)
        unit = 2.0 ** np.floor(np.log2(min(setting.extent, longest)))
        unit = 1.0 if 0.25 <= unit <= 4 and longest >= 1 else unit
        return tuple(translation(unit * np.array(v)) for v in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)))


@dataclass(frozen=True)
class Rotations(Group):
    """Haar-uniform rotations, every third one a rotation of the cube (exact, and the place of axis-aligned edges).

    On a grid: rotations of the lattice, every third one between them; in the plane where there are two grid axes. Where
    `lattice`, rotations of the cube alone.
    """

    lattice: bool = False
    symmetry = "rotation"

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """The first element is Haar-uniform; rotation vectors are rounded to 1e-4 so that they can be typed."""
        if setting.grid is not None:
            return rotations(count, seed, setting.grid, self.lattice)
        rng = np.random.default_rng((seed, 2))
        uniform = np.round(Rotation.random(count, rng=rng).as_rotvec(), 4)
        cube = cube_rotations()[1:]
        picks = rng.permutation(len(cube))
        return tuple(
            cube[picks[i % len(cube)]] if i % 3 == 1 or self.lattice else rotation(uniform[i]) for i in range(count)
        )

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Quarter turns about z, y, x; half turns; a third of a turn about the diagonal; one radian about each axis."""
        if setting.grid is not None:
            return simple_rotations(setting.grid, self.lattice)
        vectors = [s * np.array(a) for s in (np.pi / 2, np.pi) for a in ((0, 0, 1), (0, 1, 0), (1, 0, 0))]
        exact = [_nearest_cube_rotation(rotation(v)) for v in vectors]
        third = _nearest_cube_rotation(rotation(np.full(3, 2 * np.pi / 3 / np.sqrt(3))))
        skew = () if self.lattice else tuple(rotation(a) for a in ((0, 0, 1), (0, 1, 0), (1, 0, 0)))
        return (*exact, third, *skew)


@dataclass(frozen=True)
class Inversions(Group):
    """The inversion x' = -x, pure and so exact: a rotation that is broken does not spoil it; in a plane a mirror."""

    symmetry = "inversion"

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """The pure inversion, `count` times: models in several states are tested with it."""
        return tuple(self.simplest(setting)[0] for _ in range(count))

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """The pure inversion."""
        return (mirror() if setting.grid is not None and setting.grid.dimensions == 2 else inversion(),)


@dataclass(frozen=True)
class Permutations(Group):
    """Uniformly random orders of the nodes of a sample."""

    symmetry = "permutation"

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Each drawn from a seed of its own, which its `repr` names."""
        if setting.nodes is None:
            raise ArgumentError(
                "group",
                "permutation",
                "an input whose representation has a node axis, as long in every sample; with sizes if concatenated",
            )
        return tuple(permutation(size=setting.nodes, seed=seed + i) for i in range(count))

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Exchanges of two nodes, then the reversal."""
        size = setting.nodes or 0
        pairs = [(0, 1), (0, size - 1), (size // 3, 2 * size // 3)]
        swaps = [permutation(cycles=[pair], size=size) for pair in pairs if pair[0] < pair[1] < size]
        return (*swaps, permutation(range(size - 1, -1, -1)))

    def further(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Shifts that let every other node come first once; evenly spread ones where there are many."""
        size = setting.nodes or 0
        starts = range(1, size, max(1, -(-size // _SHIFTS)))
        return tuple(permutation([(start + i) % size for i in range(size)]) for start in starts)


@dataclass(frozen=True)
class Batches(Group):
    """Sub-batches and reorderings of the samples: what is computed for a sample must not depend on its company."""

    symmetry = "batch"

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Each sample alone, all in reverse, then random selections; a lone sample is repeated."""
        size = setting.samples
        if size is None:
            raise ArgumentError(
                "group",
                "batch",
                "an input whose representation has a batch axis; with sizes if concatenated",
            )
        if size == 1:
            return tuple(samples([0] * (2 + i), of=1) for i in range(min(count, 2)))
        rng = np.random.default_rng((seed, 4))
        fixed = [samples(range(size - 1, -1, -1), of=size), *(samples([i], of=size) for i in range(size))]
        order = [fixed[i] for i in (1, 0, *range(2, len(fixed)))]
        drawn = [samples(rng.permutation(size)[: rng.integers(1, size + 1)], of=size) for _ in range(count)]
        return tuple(dict.fromkeys([*order, *drawn]))[:count]

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """A sample alone, then two exchanged."""
        size = setting.samples or 1
        if size == 1:
            return (samples([0, 0], of=1),)
        return (*(samples([i], of=size) for i in range(size)), samples([1, 0, *range(2, size)], of=size))


@dataclass(frozen=True)
class Elements(Group):
    """Elements that were chosen by hand: a replayed counterexample, say."""

    elements: tuple[Transform, ...]
    symmetry: str

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """The given elements, all of them."""
        return self.elements

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """The given elements: they are what the reader asked about."""
        return self.elements


def _nearest_cube_rotation(element: Transform) -> Transform:
    return min(cube_rotations(), key=lambda c: float(np.abs(c.array - element.array).max()))
