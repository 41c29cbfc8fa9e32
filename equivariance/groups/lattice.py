"""Elements for data on a grid: rotations of its lattice, shifts by whole cells, and some between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from equivariance.groups.elements import Transform, cube_rotations, rotation, translation


@dataclass(frozen=True)
class GridSizes:
    """What elements are drawn for where the input lies on a grid.

    Attributes:
        dimensions: 2 or 3
        length: Of the shortest side, in units of the positions
        step: Shifts by its multiples bring cells to cells on every declared grid
        resolved: Whether the input is resolved by its grid, so that values between cells mean something
    """

    dimensions: int
    length: float
    step: float
    resolved: bool = True


def lattice_rotations(grid: GridSizes) -> list[Transform]:
    """The rotations of the cube, or of the square, but for the identity; quarter turns about z first."""
    found = [r for r in cube_rotations()[1:] if grid.dimensions == 3 or r.matrix[2][2] == 1]
    return sorted(found, key=lambda r: (-r.matrix[2][2], round(abs(r.angle - np.pi / 2), 6)))


def mirror() -> Transform:
    """x' = (-x, y, z): the inversion of a plane is a rotation, its mirrors are not."""
    return Transform(((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))


def rotations(count: int, seed: int, grid: GridSizes, lattice: bool) -> tuple[Transform, ...]:
    """Rotations of the lattice in random order; unless `lattice`, every third one is any rotation."""
    rng = np.random.default_rng((seed, 2))
    exact = lattice_rotations(grid)
    order = rng.permutation(len(exact))

    def between() -> Transform:
        axis = rng.normal(size=3) if grid.dimensions == 3 else np.array([0.0, 0.0, 1.0])
        angle = rng.uniform(0.2, 1.4)
        return rotation(np.round(axis / np.linalg.norm(axis) * angle, 4))

    return _mixed(count, lambda i: exact[order[i % len(exact)]], between, lattice or not grid.resolved)


def shifts(count: int, seed: int, grid: GridSizes, lattice: bool) -> tuple[Transform, ...]:
    """Shifts by whole steps, up to a quarter of the grid; unless `lattice`, every third one by any length."""
    rng = np.random.default_rng((seed, 1))
    most = max(1, int(grid.length / 4 / grid.step))
    unused = np.arange(3) >= grid.dimensions

    def whole(index: int) -> Transform:
        steps = rng.integers(-most, most + 1, size=3)
        steps[index % grid.dimensions] = rng.choice([-1, 1]) * rng.integers(1, most + 1)
        return translation(np.where(unused, 0, steps * grid.step))

    def between() -> Transform:
        return translation(np.where(unused, 0, np.round(rng.uniform(-1, 1, size=3) * most * grid.step, 3)))

    return _mixed(count, whole, between, lattice or not grid.resolved)


def simple_rotations(grid: GridSizes, lattice: bool) -> tuple[Transform, ...]:
    """Rotations of the lattice, quarter turns first, then a radian about each axis."""
    axes = ((0, 0, 1), (0, 1, 0), (1, 0, 0)) if grid.dimensions == 3 else ((0, 0, 1),)
    return (*lattice_rotations(grid), *(() if lattice or not grid.resolved else (rotation(a) for a in axes)))


def simple_shifts(grid: GridSizes, lattice: bool) -> tuple[Transform, ...]:
    """A step along each axis, then half a cell."""
    found = [translation(grid.step * v) for v in np.eye(3)[: grid.dimensions]]
    return (*found, *([] if lattice or not grid.resolved else [translation([0.5 * grid.step, 0, 0])]))


def _mixed(
    count: int, exact: Callable[[int], Transform], between: Callable[[], Transform], only_exact: bool
) -> tuple[Transform, ...]:
    """The second, the fifth, ... are between the cells."""
    return tuple(between() if i % 3 == 1 and not only_exact else exact(i) for i in range(count))
