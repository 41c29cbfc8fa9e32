"""Elements for data on a grid: rotations of the lattice, shifts by whole cells, and elements between the cells.

Called by `groups.sampling` if the input lies on a grid. The module moves no data; `representations.lattice` does.
"""

from __future__ import annotations

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
    """

    dimensions: int
    length: float
    step: float
    resolved: bool = True


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

    return _interleave(count, lambda i: exact[order[i % len(exact)]], between, lattice or not grid.resolved)


def shifts(count: int, seed: int, grid: GridSizes, lattice: bool) -> tuple[Transform, ...]:
    """Draws shifts by whole steps, by up to a quarter of the grid along each axis.

    Args:
        count: Number of elements.
        seed: Seed of the random numbers.
        grid: Sizes of the grid.
        lattice: False makes every third element a shift by any length, if the grid resolves the input.
    """
    rng = np.random.default_rng((seed, 1))
    most = max(1, int(grid.length / 4 / grid.step))
    unused = np.arange(3) >= grid.dimensions

    def whole(index: int) -> Transform:
        """Returns a random shift by whole steps, not zero along axis `index` modulo the dimensions."""
        steps = rng.integers(-most, most + 1, size=3)
        steps[index % grid.dimensions] = rng.choice([-1, 1]) * rng.integers(1, most + 1)
        return translation(np.where(unused, 0, steps * grid.step))

    def between() -> Transform:
        """Returns a random shift, rounded to 1e-3."""
        return translation(np.where(unused, 0, np.round(rng.uniform(-1, 1, size=3) * most * grid.step, 3)))

    return _interleave(count, whole, between, lattice or not grid.resolved)


def simple_rotations(grid: GridSizes, lattice: bool) -> tuple[Transform, ...]:
    """Returns the rotations of the lattice, quarter turns first, then one radian about each axis unless `lattice`."""
    axes = ((0, 0, 1), (0, 1, 0), (1, 0, 0)) if grid.dimensions == 3 else ((0, 0, 1),)
    return (*lattice_rotations(grid), *(() if lattice or not grid.resolved else (rotation(a) for a in axes)))


def simple_shifts(grid: GridSizes, lattice: bool) -> tuple[Transform, ...]:
    """Returns one step along each axis, then half a step along x unless `lattice`."""
    found = [translation(grid.step * v) for v in np.eye(3)[: grid.dimensions]]
    return (*found, *([] if lattice or not grid.resolved else [translation([0.5 * grid.step, 0, 0])]))


def _interleave(
    count: int, exact: Callable[[int], Transform], between: Callable[[], Transform], only_exact: bool
) -> tuple[Transform, ...]:
    """Returns `count` elements; the second, the fifth, and so on lie between the cells unless `only_exact`."""
    return tuple(between() if i % 3 == 1 and not only_exact else exact(i) for i in range(count))
