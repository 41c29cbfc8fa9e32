"""Groups of motions, from which the engine draws elements; `groups.reorderings` has permutations and selections.

Called by the engine: `draw` for a survey, `simplest` to shrink a counterexample, `further` before a small error counts
as rounding. The module applies no elements.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from equivariance.errors import ArgumentError
from equivariance.groups.crystal import Crystal
from equivariance.groups.elements import (
    Transform,
    cube_rotations,
    inversion,
    rotation,
    translation,
)
from equivariance.groups.lattice import GridSizes, mirror, rotations, shifts, simple_rotations, simple_shifts

_DYADIC_BITS = 10

_KEPT = 1e-9
"""Change of an axis below which a rotation is about it."""


@dataclass(frozen=True)
class InputSizes:
    """Sizes of the input for which elements are drawn.

    Attributes:
        nodes: Nodes of one sample, or None if unknown. If `segments` is given, rows of all samples.
        samples: Samples of the batch, or None if unknown.
        extent: Extent of the cloud, in the units of the positions.
        grid: Sizes of the grid, or None if the input lies on no grid.
        segments: Rows of each sample, if every sample is permuted in its own way; else None.
        mask: For each of the `nodes` rows, False if it is padding; None if there is no padding.
        edges: Edges of each sample, or None if no input lists edges.
        padded: True if padded rows may be appended to every input with a mask.
        crystal: The lattice of the input, or None if it has none.
        planar: True if all positions are in a plane, with two coordinates.
    """

    nodes: int | None = None
    samples: int | None = None
    extent: float = 1.0
    grid: GridSizes | None = None
    segments: tuple[int, ...] | None = None
    mask: tuple[bool, ...] | None = None
    edges: tuple[int, ...] | None = None
    padded: bool = False
    crystal: Crystal | None = None
    planar: bool = False

    @property
    def node_axis(self) -> int | None:
        """Length of an axis of nodes; with padding, samples have an axis of their own."""
        return self.segments[0] if self.segments and self.mask is not None else self.nodes


class Group(ABC):
    """A set of elements of one symmetry.

    Attributes:
        symmetry: One of `equivariance.groups.SYMMETRIES`.
    """

    symmetry: str

    @abstractmethod
    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Draws elements; the same seed gives the same elements.

        Args:
            count: Number of elements.
            seed: Seed of the random numbers.
            setting: Sizes of the input.

        Returns:
            `count` elements, or fewer if the group has fewer.

        Raises:
            ArgumentError: If `setting` lacks a size that the group needs.
        """

    @abstractmethod
    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns elements that are easy to picture, the simplest first. A counterexample shrinks to one of them.

        Args:
            setting: Sizes of the input.
        """

    def further(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns additional elements to test before a small error counts as rounding. The drawn ones may all miss a
        violation.

        Args:
            setting: Sizes of the input.
        """
        return ()


@dataclass(frozen=True)
class Translations(Group):
    """Translations by random vectors, between an eighth of the extent and `max_norm` long.

    The vectors are dyadic. Adding them to a cloud on a dyadic grid does not round.

    If the input lies on a grid, the shifts are at most a quarter of the grid, and at most `max_norm` long.

    Attributes:
        max_norm: Longest translation, in the units of the positions. None means ten times the extent of the cloud.
        lattice: True shifts a grid by whole cells only. False shifts by any length in every third element.

    Raises:
        ArgumentError: If `max_norm` is not a positive finite number.
    """

    max_norm: float | None = None
    lattice: bool = False
    symmetry = "translation"

    def __post_init__(self) -> None:
        """Rejects a `max_norm` that is not a positive finite number."""
        number = isinstance(self.max_norm, (int, float)) and np.isfinite(self.max_norm) and self.max_norm > 0
        if self.max_norm is not None and not number:
            raise ArgumentError("max_norm", self.max_norm, "a positive finite length")

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Draws random directions, with lengths in geometric progression, the longest first."""
        if setting.grid is not None:
            return shifts(count, seed, self._bounded(setting.grid), self.lattice)
        rng = np.random.default_rng((seed, 1))
        longest = 10 * setting.extent if self.max_norm is None else self.max_norm
        lengths = np.geomspace(longest, min(setting.extent / 8, longest), count)
        directions = rng.normal(size=(count, 3)) * ((1, 1, 0) if setting.planar else (1, 1, 1))
        vectors = directions / np.linalg.norm(directions, axis=1, keepdims=True) * lengths[:, None]
        step = 2.0 ** (np.floor(np.log2(np.abs(vectors).max(axis=1, keepdims=True))) - _DYADIC_BITS)
        return tuple(translation(v) for v in np.trunc(vectors / step) * step)

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns one unit along each axis, then along the diagonal.

        If the extent is between 1/4 and 8 and `max_norm` permits it, the unit is 1. Otherwise it is the largest power
        of two below the extent and `max_norm`.
        """
        if setting.grid is not None:
            return simple_shifts(self._bounded(setting.grid), self.lattice)
        longest = np.inf if self.max_norm is None else self.max_norm / np.sqrt(3)
        unit = 2.0 ** np.floor(np.log2(min(setting.extent, longest)))
        unit = 1.0 if 0.25 <= unit <= 4 and longest >= 1 else unit
        vectors = ((1, 0, 0), (0, 1, 0), (1, 1, 0)) if setting.planar else ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1))
        return tuple(translation(unit * np.array(v)) for v in vectors)

    def _bounded(self, grid: GridSizes) -> GridSizes:
        """Returns the sizes of a grid with the longest shift.

        Raises:
            ArgumentError: If `max_norm` is shorter than one step.
        """
        if self.max_norm is not None and self.max_norm < grid.step:
            raise ArgumentError("max_norm", self.max_norm, f"at least {grid.step}, one step of the grid")
        return replace(grid, longest=self.max_norm)


@dataclass(frozen=True)
class Rotations(Group):
    """Haar-uniform rotations; every third one is a rotation of the cube.

    Rotations of the cube are exact in floating point and map axis-aligned edges to axis-aligned edges.

    If the input lies on a grid, every third rotation is by any angle. The others are rotations of the lattice. On two
    grid axes, and for points in a plane, all rotations are in the plane.

    Attributes:
        lattice: True draws rotations of the cube only.
        axis: The axis of all rotations, three numbers; None for every axis.
        max_angle: The largest angle in radians; None for half a turn. With an axis or an angle, angles are uniform.

    Raises:
        ArgumentError: If the axis is zero or not finite, or the angle is not between 0 and half a turn.
    """

    lattice: bool = False
    axis: tuple[float, float, float] | None = None
    max_angle: float | None = None
    symmetry = "rotation"

    def __post_init__(self) -> None:
        """Checks the axis and the angle."""
        if self.axis is not None and not (len(self.axis) == 3 and 0 < np.linalg.norm(self.axis) < np.inf):
            raise ArgumentError("axis", self.axis, "three finite numbers, not all zero")
        if self.max_angle is not None and not 0 < self.max_angle <= np.pi:
            raise ArgumentError("max_angle", self.max_angle, "an angle in radians, above 0 and at most pi")

    @property
    def _restricted(self) -> bool:
        return self.axis is not None or self.max_angle is not None

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Draws rotations, a Haar-uniform one first. Rotation vectors are rounded to 1e-4, to be easy to type.

        Raises:
            ArgumentError: If no rotation of a grid has the axis and an angle that is small enough.
        """
        if setting.grid is not None and not self._restricted:
            return rotations(count, seed, setting.grid, self.lattice)
        if setting.grid is not None:
            found = list(filter(self._allows, rotations(16 * count, seed, setting.grid, self.lattice)))
            if not found:
                raise ArgumentError("group", self, "an axis and an angle that turns of the grid have")
            return tuple(found[i % len(found)] for i in range(count))
        if self._restricted or setting.planar:
            return self._about(count, seed, setting)
        rng = np.random.default_rng((seed, 2))
        uniform = np.round(Rotation.random(count, rng=rng).as_rotvec(), 4)
        cube = cube_rotations()[1:]
        picks = rng.permutation(len(cube))
        return tuple(
            cube[picks[i % len(cube)]] if i % 3 == 1 or self.lattice else rotation(uniform[i]) for i in range(count)
        )

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns quarter and half turns about z, y, x, a third of a turn about the diagonal, then one radian about
        each axis.
        """
        if self._restricted or (setting.planar and setting.grid is None):
            simple = replace(self, axis=None, max_angle=None).simplest(replace(setting, planar=False))
            one = min(1.0, self.max_angle or 1.0)
            return tuple(filter(self._in_plane if setting.planar else self._allows, (*simple, self._turn(one))))
        if setting.grid is not None:
            return simple_rotations(setting.grid, self.lattice)
        vectors = [s * np.array(a) for s in (np.pi / 2, np.pi) for a in ((0, 0, 1), (0, 1, 0), (1, 0, 0))]
        exact = [_nearest_cube_rotation(rotation(v)) for v in vectors]
        third = _nearest_cube_rotation(rotation(np.full(3, 2 * np.pi / 3 / np.sqrt(3))))
        skew = () if self.lattice else tuple(rotation(a) for a in ((0, 0, 1), (0, 1, 0), (1, 0, 0)))
        return (*exact, third, *skew)

    def _turn(self, angle: float) -> Transform:
        """Returns the rotation about the axis, or about z, by an angle."""
        axis = np.array((0.0, 0.0, 1.0) if self.axis is None else self.axis)
        return rotation(np.round(axis / np.linalg.norm(axis) * angle, 4))

    def _about(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Draws rotations about the axis, or any axis, with uniform angles; every third one of the cube if allowed."""
        rng = np.random.default_rng((seed, 2))
        most = np.pi if self.max_angle is None else self.max_angle
        axes = rng.normal(size=(count, 3))
        if self.axis is not None or setting.planar:
            axes = np.tile((0.0, 0.0, 1.0) if self.axis is None else self.axis, (count, 1))
        angles = np.trunc(rng.uniform(most / 8, most, count) * rng.choice([-1, 1], count) * 1e4) / 1e4
        vectors = axes / np.linalg.norm(axes, axis=1, keepdims=True) * angles[:, None]
        allowed = self._in_plane if setting.planar else self._allows
        cube = [e for e in cube_rotations()[1:] if allowed(e)]
        picks = rng.permutation(len(cube))
        exact = [bool(cube) and (i % 3 == 1 or self.lattice) for i in range(count)]
        return tuple(cube[picks[i % len(cube)]] if exact[i] else rotation(vectors[i]) for i in range(count))

    def _allows(self, element: Transform) -> bool:
        """True if a rotation keeps the axis and is by no larger angle."""
        axis = None if self.axis is None else np.array(self.axis) / np.linalg.norm(self.axis)
        keeps = axis is None or bool(np.abs(element.array @ axis - axis).max() < _KEPT)
        return keeps and element.angle <= (np.pi if self.max_angle is None else self.max_angle) + _KEPT

    def _in_plane(self, element: Transform) -> bool:
        """True if an allowed rotation is about z."""
        return self._allows(element) and bool(abs(element.matrix[2][2] - 1) < _KEPT)


@dataclass(frozen=True)
class Inversions(Group):
    """The pure inversion x' = -x, which is exact in floating point; in a plane a mirror.

    The inversion is tested without a rotation, so that a violation of rotations does not affect the result.
    """

    symmetry = "inversion"

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns the pure inversion `count` times, once for each state of the model."""
        return tuple(self.simplest(setting)[0] for _ in range(count))

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns the pure inversion, or in a plane the mirror."""
        flat = setting.planar if setting.grid is None else setting.grid.dimensions == 2
        return (mirror() if flat else inversion(),)


@dataclass(frozen=True)
class Elements(Group):
    """A fixed list of elements, for example a replayed counterexample.

    Attributes:
        elements: The elements.
        symmetry: The symmetry as which they are tested.
    """

    elements: tuple[Transform, ...]
    symmetry: str

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns all given elements; `count` has no effect."""
        return self.simplest(setting)

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns all given elements."""
        return tuple(e.placed_in(setting.crystal) if e.acts_on_lattice else e for e in self.elements)


def _nearest_cube_rotation(element: Transform) -> Transform:
    """Returns the rotation of the cube that is nearest to an element."""
    return min(cube_rotations(), key=lambda c: float(np.abs(c.array - element.array).max()))
