"""The parts of a car: paint, windows, wheels, lights, bumpers, seams and mirrors, fitted to a body."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from equivariance_zoo.scenes.meshes.car_body import Shape
from equivariance_zoo.scenes.meshes.mesh import Mesh, join, plain

Array = npt.NDArray[np.float64]

_GLASS, _TYRE, _RIM, _DARK = (0.02, 0.028, 0.035), (0.012, 0.012, 0.013), (0.42, 0.43, 0.45), (0.02, 0.02, 0.022)
_LIGHT, _AMBER, _RED, _PLATE = (0.85, 0.86, 0.8), (0.75, 0.25, 0.02), (0.45, 0.01, 0.015), (0.75, 0.75, 0.7)
_OUT = 0.008
_AROUND = 28
_FLAT = 1e-4


def all_parts(shape: Shape, kind: str, paint: Array, radius: float, rng: np.random.Generator) -> Iterator[Mesh]:
    """Yields the parts of a car.

    Args:
        shape: The body.
        kind: The kind of the car, which decides on its windows.
        paint: [3], linear RGB.
        radius: Radius of the wheels, metres.
        rng: The random number generator; it is advanced.
    """
    yield both_sides(grid(shape.sections(), paint, 0.35))
    yield from _windows(shape, kind)
    spokes, dark = int(rng.integers(4, 9)), bool(rng.random() < 0.3)
    for z in _axles(shape, radius):
        yield both_sides(_arch(shape, z, radius))
        yield both_sides(_wheel(shape, z, radius, spokes, dark))
    trim = np.asarray(_DARK) if rng.random() < 0.5 else 0.8 * paint
    yield from _ends(shape, trim, float(rng.uniform(0.22, 0.36)), rng)
    yield both_sides(_mirror(shape, paint))
    yield from _seams(shape, kind)


def grid(points: Array, colour: npt.ArrayLike, gloss: float) -> Mesh:
    """Returns a surface over a grid of points [m, n, 3]; triangles without an area are left out."""
    rows, columns = points.shape[:2]
    numbers = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (numbers[i : rows - 1 + i, j : columns - 1 + j].ravel() for i, j in ((0, 0), (1, 0), (0, 1), (1, 1)))
    corners = np.concatenate([np.stack([a, b, c], 1), np.stack([c, b, d], 1)])
    place = points.reshape(-1, 3)
    first, second = place[corners[:, 1]] - place[corners[:, 0]], place[corners[:, 2]] - place[corners[:, 0]]
    wide = np.linalg.norm(np.cross(first, second), axis=1) > _FLAT * np.maximum((first**2).sum(1), (second**2).sum(1))
    return plain(place, corners[wide], colour, gloss)


def both_sides(mesh: Mesh) -> Mesh:
    """Returns a mesh of the right half with its mirror image in x."""
    mirrored = mesh.with_vertices(mesh.vertices * [-1.0, 1.0, 1.0])
    turned = Mesh(mirrored.vertices, mesh.triangles[:, ::-1], mesh.colours, mesh.gloss, mesh.smoothing)
    return join([mesh, turned])


def _axles(shape: Shape, radius: float) -> tuple[float, float]:
    front = 0.5 * shape.length - 1.75 * radius - 0.35
    return front, -(0.5 * shape.length - 1.75 * radius - 0.4)


def _windows(shape: Shape, kind: str) -> Iterator[Mesh]:
    """Yields windscreen, rear window and side windows."""
    across = np.linspace(0, 0.93, 6)
    for first, last in ((shape.cowl, shape.screen), (shape.roof, shape.back)):
        inset = 0.10 * (last - first)
        z = shape.z(np.linspace(first + inset, last - inset, 8))
        glass = shape.above(z[:, None], across[None])
        yield both_sides(grid(glass + np.array([0, _OUT, _OUT * math.copysign(1, float(z[0]))]), _GLASS, 0.8))
    doors = {"coupe": 1, "van": 1, "pickup": 1}.get(kind, 2)
    front, rear = shape.cowl + 0.35 * (shape.screen - shape.cowl), shape.roof + 0.45 * (shape.back - shape.roof)
    if kind == "van":
        rear = shape.screen + 0.16
    posts = np.linspace(front, rear, doors + 1)
    for one, other in pairwise(posts):
        z = shape.z(np.linspace(one + 0.008, other - 0.008, 14))
        glass = shape.side(z[:, None], np.linspace(0.1, 0.86, 5)[None])
        yield both_sides(grid(glass + np.array([_OUT, 0, 0]), _GLASS, 0.8))


def _ring(radius: float, x: npt.ArrayLike, centre: tuple[float, float]) -> Array:
    """Returns a circle [_AROUND + 1, 3] across the car, closed."""
    angle = np.linspace(0, 2 * np.pi, _AROUND + 1)
    y, z = centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)
    return np.stack([np.broadcast_to(np.asarray(x, dtype=np.float64), y.shape), y, z], axis=-1)


def _wheel(shape: Shape, z: float, radius: float, spokes: int, dark: bool) -> Mesh:
    """Returns a tyre and a rim with spokes on the right side."""
    out = float(shape.half_width(z)) + 0.035
    centre = (radius, z)
    tyre = [(0.0, -0.22), (0.93, -0.22), (1.0, -0.18), (1.0, -0.03), (0.95, 0.0), (0.72, 0.0), (0.66, -0.012)]
    rim = [(0.66, -0.012), (0.63, -0.02), (0.2, -0.022), (0.0, -0.022)]
    colour = _DARK if dark else _RIM
    rubber, metal = (
        grid(np.stack([_ring(radius * r, out + x, centre) for r, x in profile]), tint, gloss)
        for profile, tint, gloss in ((tyre, _TYRE, 0.05), (rim, np.multiply(colour, 0.25), 0.1))
    )
    bars = [_spoke(out - 0.012, centre, 2 * np.pi * k / spokes, radius, colour) for k in range(spokes)]
    hub = grid(np.stack([_ring(radius * r, out - 0.01, centre) for r in (0.17, 0.0)]), colour, 0.4)
    edge = grid(np.stack([_ring(radius * r, out - 0.009, centre) for r in (0.67, 0.59)]), colour, 0.4)
    return join([rubber, metal, hub, edge, *bars])


def _spoke(x: float, centre: tuple[float, float], angle: float, radius: float, colour: npt.ArrayLike) -> Mesh:
    along = np.array([math.cos(angle), math.sin(angle)])
    across = np.array([-along[1], along[0]])
    points = [[np.asarray(centre) + radius * (r * along + w * across) for w in (-s, s)]
              for r, s in ((0.1, 0.085), (0.62, 0.055))]  # fmt: skip
    flat = np.array(points)
    return grid(np.concatenate([np.full((2, 2, 1), x), flat], axis=-1), colour, 0.4)


def _arch(shape: Shape, z: float, radius: float) -> Mesh:
    """Returns the dark opening above a wheel on the right side, cut off at the bottom of the body."""
    low = math.asin(max(-1.0, min(1.0, (shape.clearance + 0.03 - radius) / (1.16 * radius))))
    angle = np.linspace(low, np.pi - low, _AROUND)
    y, along = radius + 1.16 * radius * np.sin(angle), z + 1.16 * radius * np.cos(angle)
    rim = np.stack([_flank(shape, y, along), y, along], axis=-1)
    y0 = np.full_like(y, shape.clearance + 0.03)
    floor = np.stack([_flank(shape, y0, along), y0, along], axis=-1)
    points = np.stack([floor + (rim - floor) * t for t in (0.0, 0.35, 0.7, 1.0)])
    points[..., 0] = _flank(shape, points[..., 1], points[..., 2]) + 0.006
    return grid(points, _DARK, 0.0)


def _flank(shape: Shape, y: Array, z: Array) -> Array:
    """Returns x of the right side of the body below the belt line."""
    w, low, belt = shape.half_width(z), shape.clearance, shape.belt(z)
    height = np.stack([np.full_like(w, low), np.full_like(w, low + 0.05), np.full_like(w, low + 0.16),
                       low + 0.55 * (belt - low), belt - 0.09, belt - 0.03, belt])  # fmt: skip
    width = np.stack([0.86 * w, 0.95 * w, 0.99 * w, w, 0.995 * w, 0.98 * w, 0.96 * w])
    found = width[0].copy()
    for below, above, narrow, wide in zip(height[:-1], height[1:], width[:-1], width[1:], strict=True):
        share = np.clip((y - below) / np.maximum(above - below, 1e-9), 0, 1)
        found = np.where(y >= below, narrow + (wide - narrow) * share, found)
    return found


def _patch(
    shape: Shape,
    x: tuple[float, float],
    y: tuple[float, float],
    front: bool,
    colour: npt.ArrayLike,
    gloss: float,
    out: float,
) -> Mesh:
    """Returns a patch on the front or the rear, from x (shares of half the width) and y (metres)."""
    across = np.linspace(*x, 9) * 0.5 * shape.width
    up = np.linspace(*y, 3)
    sign = 1.0 if front else -1.0
    reach = shape.end(across)
    place = [across + out * np.sign(across), sign * (reach + out)]
    points = [np.stack([place[0], np.full_like(across, height), place[1]], axis=-1) for height in up]
    return grid(np.stack(points), colour, gloss)


def _ends(shape: Shape, trim: Array, slim: float, rng: np.random.Generator) -> Iterator[Mesh]:
    """Yields bumpers, lamps, grille and plates."""
    low = shape.clearance + 0.12
    for front, height in ((True, shape.hood * shape.height * 0.8), (False, shape.tail * shape.height * 0.95)):
        middle = low + 0.17
        yield both_sides(_patch(shape, (0, 0.99), (low, middle), front, trim, 0.1, 0.03))
        lip = _patch(shape, (0, 0.99), (middle, middle + 0.001), front, trim, 0.1, 0.03)
        back = _patch(shape, (0, 0.99), (middle, middle + 0.001), front, trim, 0.1, 0.0)
        both = np.stack([lip.vertices.reshape(3, -1, 3)[0], back.vertices.reshape(3, -1, 3)[0]])
        yield both_sides(grid(both, trim, 0.1))
        top, inner = height - 0.05, float(rng.uniform(0.55, 0.68))
        bottom = max(top - slim * (height - middle) - 0.03, middle + 0.02)
        yield both_sides(_patch(shape, (inner, 0.97), (bottom, top), front, _LIGHT if front else _RED, 0.8, 0.012))
        if front:
            yield both_sides(_patch(shape, (0.9, 0.985), (bottom, top), front, _AMBER, 0.6, 0.016))
            yield both_sides(_patch(shape, (0, inner - 0.06), (bottom - 0.02, top), front, _DARK, 0.3, 0.01))
        plate = low + 0.03 if front else 0.5 * (bottom + middle) - 0.06
        yield both_sides(_patch(shape, (0, 0.3), (plate, plate + 0.11), front, _PLATE, 0.1, 0.036 if front else 0.014))


def _mirror(shape: Shape, paint: Array) -> Mesh:
    """Returns the right mirror: a rounded box on the side of the windscreen."""
    z = float(shape.z(shape.cowl + 0.45 * (shape.screen - shape.cowl)))
    foot = shape.side(z, 0.12)
    polar, around = np.linspace(0, np.pi, 7), np.linspace(0, 2 * np.pi, 13)
    a, b = np.meshgrid(polar, around, indexing="ij")
    unit = np.stack([np.sin(a) * np.cos(b), np.cos(a), np.sin(a) * np.sin(b)], axis=-1)
    box = np.sign(unit) * np.abs(unit) ** 0.6 * [0.1, 0.065, 0.05]
    return grid(foot + np.array([0.11, 0.05, 0]) + box, paint, 0.35)


def _seams(shape: Shape, kind: str) -> Iterator[Mesh]:
    """Yields door seams, a lower trim, and door handles."""
    front = shape.cowl + 0.04
    rear = min(shape.roof + 0.3 * (shape.back - shape.roof), shape.roof + 0.06)
    if kind == "van":
        rear = shape.screen + 0.17
    count = {"coupe": 1, "van": 1, "pickup": 1}.get(kind, 2)
    posts = np.linspace(front, rear, count + 1)
    for post in posts:
        z = float(shape.z(post))
        y = np.linspace(shape.clearance + 0.2, float(shape.belt(z)) - 0.005, 9)
        line = [np.stack([_flank(shape, y, np.full_like(y, z + dz)) + 0.004, y, np.full_like(y, z + dz)], -1)
                for dz in (-0.009, 0.009)]  # fmt: skip
        yield both_sides(grid(np.stack(line), _DARK, 0.0))
    for post in posts[1:]:
        along = shape.z(np.linspace(post - 0.055, post - 0.02, 3))
        y = shape.belt(along) - 0.13
        handle = [np.stack([_flank(shape, y + dy, along) + 0.02, y + dy, along], -1) for dy in (-0.018, 0.018)]
        yield both_sides(grid(np.stack(handle), _DARK, 0.2))
