"""Elements for data on a grid: rotations of the lattice, shifts by whole cells, and elements between the cells.

Called by `groups.sampling` if the input lies on a grid. The module moves no data; `representations.lattice` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from equivariance.groups.elements import Transform, cube_rotations, rotation, translation


@dataclass(frozen=True)
class GridSizes:
    """Sizes of the grid for which elements are drawn.

    Attributes:
        dimensions: 2 or 3.
        length: Length of the shortest side, in units of the positions.
        step: Shift that maps cells to cells on every declared grid, in units of the positions. So do its multiples.
        resolved: True if the grid resolves the input, so that values between cells are meaningful.
        room: Empty space before and after the content along each axis, in units of the positions: shifts must keep the
            content inside. None if shifts may move content out.
        round: True if rotations by any angle keep the content inside.
        longest: Longest shift, in units of the positions; None for a quarter of the grid.
    """

    dimensions: int
    length: float
    step: float
    resolved: bool = True
    room: tuple[tuple[float, float], ...] | None = None
    round: bool = True
    longest: float | None = None

    @property
    def has_room(self) -> bool:
        """True if a shift by one step, along some axis, keeps the content inside."""
        return self.room is None or any(max(axis) >= self.step for axis in self.room)

    def most_steps(self, axis: int) -> tuple[int, int]:
        """Returns the most steps down and up along an axis: a quarter of the grid, and half of the empty space.

        Half of the space is left for windows that reach beyond the content. No shift is longer than `longest`.
        """
        most = max(1, int(self.length / 4 / self.step))
        most = most if self.longest is None else min(most, int(self.longest / self.step))
        if self.room is None:
            return most, most
        low, high = (math.ceil(int(space / self.step) / 2) for space in self.room[axis])
        return min(most, low), min(most, high)


def lattice_rotations(grid: GridSizes) -> list[Transform]:
    """Returns the rotations of the cube, or of the square, except the identity; quarter turns about z come first."""
    found = [r for r in cube_rotations()[1:] if grid.dimensions == 3 or r.matrix[2][2] == 1]
    return sorted(found, key=lambda r: (-r.matrix[2][2], round(abs(r.angle - np.pi / 2), 6)))


def mirror() -> Transform:
    """Returns x' = (-x, y, z), which replaces the inversion in a plane, because x' = (-x, -y) is a rotation."""
    return Transform(((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))


def rotations(count: int, seed: int, grid: GridSizes, lattice: bool) -> tuple[Transform, ...]:
    """Draws rotations of the lattice in random order.

    Args:
        count: Number of elements.
        seed: Seed of the random numbers.
        grid: Sizes of the grid.
        lattice: False makes every third element a rotation by any angle, if the grid resolves the input.
    """
    rng = np.random.default_rng((seed, 2))
    exact = lattice_rotations(grid)
    order = rng.permutation(len(exact))

    def between() -> Transform:
        """Returns a random rotation by 0.2 to 1.4 radians, about z if the grid is a plane."""
        axis = rng.normal(size=3) if grid.dimensions == 3 else np.array([0.0, 0.0, 1.0])
        angle = rng.uniform(0.2, 1.4)
        return rotation(np.round(axis / np.linalg.norm(axis) * angle, 4))

    only_exact = lattice or not (grid.resolved and grid.round)
    return _interleave(count, lambda i: exact[order[i % len(exact)]], between, only_exact)


def shifts(count: int, seed: int, grid: GridSizes, lattice: bool) -> tuple[Transform, ...]:
    """Draws shifts by whole steps, by up to a quarter of the grid along each axis.

    Args:
        count: Number of elements.
        seed: Seed of the random numbers.
        grid: Sizes of the grid.
        lattice: False makes every third element a shift by any length, if the grid resolves the input.
    """
    rng = np.random.default_rng((seed, 1))
    limits = [grid.most_steps(axis) for axis in range(grid.dimensions)]
    low, high = (np.array([limit[side] for limit in limits] + [0] * (3 - len(limits))) for side in (0, 1))
    movable = np.flatnonzero(low + high)

    def whole(index: int) -> Transform:
        """Returns a random shift by whole steps, not zero along the movable axis `index`, counted in a circle."""
        steps, axis = rng.integers(-low, high + 1), movable[index % len(movable)]
        sign = rng.choice([-1, 1])
        sign = sign if (high if sign > 0 else low)[axis] else -sign
        steps[axis] = sign * rng.integers(1, (high if sign > 0 else low)[axis] + 1)
        if _is_longer(steps * grid.step, grid.longest):
            steps *= np.arange(3) == axis
        return translation(steps * grid.step)

    def between() -> Transform:
        """Returns a random shift, rounded to 1e-3."""
        vector = rng.uniform(-low, high) * grid.step
        if _is_longer(vector, grid.longest):
            vector *= (grid.longest or 0.0) / np.linalg.norm(vector)
        return translation(np.trunc(vector * 1000) / 1000 if grid.longest else np.round(vector, 3))

    return _interleave(count, whole, between, lattice or not grid.resolved)


def simple_rotations(grid: GridSizes, lattice: bool) -> tuple[Transform, ...]:
    """Returns the rotations of the lattice, quarter turns first, then one radian about each axis unless `lattice`."""
    axes = ((0, 0, 1), (0, 1, 0), (1, 0, 0)) if grid.dimensions == 3 else ((0, 0, 1),)
    only_exact = lattice or not (grid.resolved and grid.round)
    return (*lattice_rotations(grid), *(() if only_exact else (rotation(a) for a in axes)))


def simple_shifts(grid: GridSizes, lattice: bool) -> tuple[Transform, ...]:
    """Returns one step along each axis, then half a step along x unless `lattice`; all keep the content inside."""
    limits = [grid.most_steps(axis) for axis in range(grid.dimensions)]
    units = np.eye(3) * grid.step
    found = [translation(units[a] if high else -units[a]) for a, (low, high) in enumerate(limits) if low or high]
    between = not lattice and grid.resolved and (grid.room is None or min(grid.room[0]) > 0)
    return (*found, *([translation([0.5 * grid.step, 0, 0])] if between else []))


def _is_longer(vector: np.ndarray, longest: float | None) -> bool:
    """True if a shift is longer than the longest one."""
    return longest is not None and bool(np.linalg.norm(vector) > longest)


def _interleave(
    count: int, exact: Callable[[int], Transform], between: Callable[[], Transform], only_exact: bool
) -> tuple[Transform, ...]:
    """Returns `count` elements; the second, the fifth, and so on lie between the cells unless `only_exact`."""
    return tuple(between() if i % 3 == 1 and not only_exact else exact(i) for i in range(count))
