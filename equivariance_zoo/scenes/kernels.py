"""Compiled loops of the renderer: view, normals, z-buffer, barycentric coordinates, shading, hidden vertices.

`cameras` and `render` call them with checked arrays. All kernels stand in one file, because Numba's cache of a function
does not notice a change in another file. Arithmetic is IEEE float64 without contraction, so that the same numbers give
the same bits. A screen position is (x to the right, y down, nearness), in pixels from the centre of the picture.
Nearness grows towards the camera and is linear on the screen: 1/depth in perspective, -depth in weak perspective.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[Any]
Ints = npt.NDArray[Any]

# Bound on the share of a nearness by which rounding may lift a triangle above a vertex of it.
_SAME_DEPTH = 1e-7


@numba.njit(cache=True)
def to_camera(points: Floats, rotation: Floats, position: Floats) -> Floats:
    """Returns R (x - c) for points [V, 3].

    The three products of a sum are added as (least + largest) + middle. The result is then the same in every order of
    the axes, so that a signed permutation of the world changes no bit of it.
    """
    out = np.empty((points.shape[0], 3))
    for v in range(points.shape[0]):
        x, y, z = points[v, 0] - position[0], points[v, 1] - position[1], points[v, 2] - position[2]
        for row in range(3):
            a, b, c = rotation[row, 0] * x, rotation[row, 1] * y, rotation[row, 2] * z
            least, largest = min(a, b), max(a, b)
            middle = min(max(least, c), largest)
            out[v, row] = (min(least, c) + max(largest, c)) + middle
    return out


@numba.njit(cache=True)
def vertex_normals(points: Floats, triangles: Ints, smoothing: Ints) -> Floats:
    """Returns unit normals [V, 3] float32 of vertices [V, 3], weighted by area.

    Vertices of one number in `smoothing` share a normal.
    A vertex without area has the normal (0, 0, 1), towards the camera.
    """
    total = np.zeros((points.shape[0], 3))
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1], points[j, 2] - points[i, 2]
        bx, by, bz = points[k, 0] - points[i, 0], points[k, 1] - points[i, 1], points[k, 2] - points[i, 2]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for corner in range(3):
            group = smoothing[triangles[t, corner]]
            total[group, 0] += nx
            total[group, 1] += ny
            total[group, 2] += nz
    out = np.empty((points.shape[0], 3), np.float32)
    for v in range(points.shape[0]):
        x, y, z = total[smoothing[v], 0], total[smoothing[v], 1], total[smoothing[v], 2]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0:
            out[v, 0], out[v, 1], out[v, 2] = x / length, y / length, z / length
        else:
            out[v, 0], out[v, 1], out[v, 2] = 0, 0, 1
    return out


@numba.njit(cache=True)
def edges(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> tuple[float, float, float]:
    """Returns the edge functions of a triangle at the origin: twice the signed areas opposite to its corners.

    Two triangles see a common edge with exactly opposite values: no pixel between them is left out.
    """
    return bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx


@numba.njit(cache=True)
def first_centre(least: float, half: float) -> int:
    """Returns the first pixel whose centre is at or behind a coordinate, in spite of rounding."""
    first = int(np.ceil(least + half - 0.5))
    return first - 1 if first - 0.5 - half >= least else first


@numba.njit(cache=True)
def last_centre(largest: float, half: float) -> int:
    """Returns the last pixel whose centre is at or before a coordinate, in spite of rounding."""
    last = int(np.floor(largest + half - 0.5))
    return last + 1 if last + 1.5 - half <= largest else last


@numba.njit(cache=True)
def rasterize(screen: Floats, triangles: Ints, size: int) -> Ints:
    """Returns the nearest triangle at each pixel centre, [size, size] int32, -1 where there is none.

    A centre on an edge belongs to both triangles; the nearer one is taken, of equally near ones the first.
    """
    nearest = np.full((size, size), -np.inf)
    index = np.full((size, size), -1, np.int32)
    half = 0.5 * size
    limit = size - 1
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = screen[i, 0], screen[i, 1], screen[j, 0], screen[j, 1], screen[k, 0], screen[k, 1]
        x0, x1 = min(ax, bx, cx), max(ax, bx, cx)
        y0, y1 = min(ay, by, cy), max(ay, by, cy)
        if x1 < -half or x0 > half or y1 < -half or y0 > half:
            continue
        left, right = max(first_centre(max(x0, -half), half), 0), min(last_centre(min(x1, half), half), limit)
        top, bottom = max(first_centre(max(y0, -half), half), 0), min(last_centre(min(y1, half), half), limit)
        if left > right or top > bottom:
            continue
        p, q, r = screen[i, 2], screen[j, 2], screen[k, 2]
        sign = 1.0 if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) > 0 else -1.0
        for row in range(top, bottom + 1):
            y = row + 0.5 - half
            for column in range(left, right + 1):
                x = column + 0.5 - half
                d, e, f = edges(ax - x, ay - y, bx - x, by - y, cx - x, cy - y)
                if d * sign < 0 or e * sign < 0 or f * sign < 0:
                    continue
                whole = d + e + f
                if whole == 0:
                    continue
                near = (d * p + e * q + f * r) / whole
                if near > nearest[row, column]:
                    nearest[row, column], index[row, column] = near, t
    return index


@numba.njit(cache=True)
def weights(
    screen: Floats, i: int, j: int, k: int, x: float, y: float, perspective: bool
) -> tuple[float, float, float, float]:
    """Returns barycentric coordinates in space and the nearness of the point of a triangle that is seen at (x, y)."""
    d, e, f = edges(
        screen[i, 0] - x, screen[i, 1] - y, screen[j, 0] - x, screen[j, 1] - y, screen[k, 0] - x, screen[k, 1] - y
    )
    whole = d + e + f
    near = (d * screen[i, 2] + e * screen[j, 2] + f * screen[k, 2]) / whole
    if perspective:
        d, e, f = d * screen[i, 2], e * screen[j, 2], f * screen[k, 2]
        whole = d + e + f
    return d / whole, e / whole, f / whole, near


@numba.njit(cache=True)
def resolve(screen: Floats, triangles: Ints, index: Ints, perspective: bool) -> tuple[Floats, Floats]:
    """Returns barycentric coordinates [size, size, 3] and depth [size, size] of `rasterize`; 0 and infinity outside."""
    size = index.shape[0]
    half = 0.5 * size
    barycentric = np.zeros((size, size, 3))
    depth = np.full((size, size), np.inf)
    for row in range(size):
        for column in range(size):
            t = index[row, column]
            if t < 0:
                continue
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            d, e, f, near = weights(screen, i, j, k, column + 0.5 - half, row + 0.5 - half, perspective)
            barycentric[row, column, 0], barycentric[row, column, 1], barycentric[row, column, 2] = d, e, f
            depth[row, column] = 1 / near if perspective else -near
    return barycentric, depth


@numba.njit(cache=True)
def interpolate(attribute: Floats, triangles: Ints, index: Ints, barycentric: Floats) -> Floats:
    """Returns an attribute [V, C] of the vertices at each pixel, [size, size, C] float32; 0 outside."""
    size, channels = index.shape[0], attribute.shape[1]
    out = np.zeros((size, size, channels), np.float32)
    for row in range(size):
        for column in range(size):
            t = index[row, column]
            if t < 0:
                continue
            for channel in range(channels):
                value = 0.0
                for corner in range(3):
                    value += barycentric[row, column, corner] * attribute[triangles[t, corner], channel]
                out[row, column, channel] = value
    return out


@numba.njit(cache=True)
def lit(surface: Floats, ex: float, ey: float, lights: Floats, ambient: Floats, wrap: float, sharpness: int) -> Floats:
    """Returns the colour [3] of a surface (normal, colour, gloss) that is seen from the direction (ex, ey, 1).

    The diffuse part is a wrapped Lambert's law, the highlight that of Blinn and Phong with exponent 2^sharpness.
    """
    length = np.sqrt(ex * ex + ey * ey + 1)
    eye_x, eye_y, eye_z = ex / length, ey / length, 1 / length
    nx, ny, nz = surface[0], surface[1], surface[2]
    length = np.sqrt(nx * nx + ny * ny + nz * nz)
    scale = 0.0 if length == 0 else 1 / length
    nx, ny, nz = nx * scale, ny * scale, nz * scale
    up = 0.5 + 0.5 * ny
    out = np.empty(3)
    for channel in range(3):
        out[channel] = surface[3 + channel] * (ambient[0, channel] * (1 - up) + ambient[1, channel] * up)
    for light in range(lights.shape[0]):
        x, y, z = lights[light, 0], lights[light, 1], lights[light, 2]
        facing = nx * x + ny * y + nz * z
        diffuse, shine = max((facing + wrap) / (1 + wrap), 0.0), 0.0
        if facing > 0 and surface[6] > 0:
            hx, hy, hz = x + eye_x, y + eye_y, z + eye_z
            shine = max(nx * hx + ny * hy + nz * hz, 0.0) / np.sqrt(hx * hx + hy * hy + hz * hz)
            for _ in range(sharpness):
                shine = shine * shine
        for channel in range(3):
            out[channel] += lights[light, 3 + channel] * (surface[3 + channel] * diffuse * diffuse + surface[6] * shine)
    return out


@numba.njit(cache=True)
def shade(
    screen: Floats,
    triangles: Ints,
    index: Ints,
    perspective: bool,
    slope: float,
    surfaces: Floats,
    lights: Floats,
    ambient: Floats,
    wrap: float,
    sharpness: int,
    samples: int,
) -> Floats:
    """Returns premultiplied linear RGBA [n, n, 4] float32 of `index` [samples n, samples n].

    Normals, turned to the camera, colours and gloss are averaged over the samples of a pixel, which is then lit once.

    Args:
        screen: [V, 3] screen positions at the size of `index`.
        triangles: [F, 3].
        index: Nearest triangles.
        perspective: True in perspective.
        slope: The camera is in the direction (-slope u, -slope v, 1) of a surface that is seen at the NDC (u, v).
        surfaces: [V, 8] float32: normal in the frame of the camera, colour, gloss, and a number for alignment.
        lights: [L, 6]: unit vector to the light, colour.
        ambient: [2, 3]: light from below and from above.
        wrap: 0 for Lambert's law, 1 for half-Lambert.
        sharpness: Binary logarithm of the exponent of the highlights.
        samples: Samples along each side of a pixel.
    """
    size, n = index.shape[0], index.shape[0] // samples
    half = 0.5 * size
    out = np.zeros((n, n, 4), np.float32)
    surface, sample = np.empty(7), np.empty(7)
    for y in range(n):
        for x in range(n):
            surface[:] = 0
            count = 0
            ex, ey = slope * (1 - (x + 0.5) * 2 / n), slope * ((y + 0.5) * 2 / n - 1)
            for row in range(y * samples, (y + 1) * samples):
                for column in range(x * samples, (x + 1) * samples):
                    t = index[row, column]
                    if t < 0:
                        continue
                    i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    d, e, f, _ = weights(screen, i, j, k, column + 0.5 - half, row + 0.5 - half, perspective)
                    for channel in range(7):
                        sample[channel] = d * surfaces[i, channel] + e * surfaces[j, channel] + f * surfaces[k, channel]
                    side = 1.0 if sample[0] * ex + sample[1] * ey + sample[2] >= 0 else -1.0
                    for channel in range(7):
                        surface[channel] += side * sample[channel] if channel < 3 else sample[channel]
                    count += 1
            if count == 0:
                continue
            for channel in range(3, 7):
                surface[channel] /= count
            colour = lit(surface, ex, ey, lights, ambient, wrap, sharpness)
            share = count / (samples * samples)
            for channel in range(3):
                out[y, x, channel] = colour[channel] * share
            out[y, x, 3] = share
    return out


@numba.njit(cache=True)
def hidden(screen: Floats, triangles: Ints, cells: int) -> npt.NDArray[np.bool_]:
    """Returns True for the vertices [V] that a triangle without them covers on the screen, nearer to the camera.

    The test is one of points against triangles and needs no picture. Vertices are sorted into a grid of cells.
    """
    count = screen.shape[0]
    low_x, low_y = screen[:, 0].min(), screen[:, 1].min()
    step = max(screen[:, 0].max() - low_x, screen[:, 1].max() - low_y) * 1.000001 / cells + 1e-300
    starts = np.zeros(cells * cells + 1, np.int64)
    cell = np.empty(count, np.int64)
    for v in range(count):
        cell[v] = int((screen[v, 1] - low_y) / step) * cells + int((screen[v, 0] - low_x) / step)
        starts[cell[v] + 1] += 1
    starts = np.cumsum(starts)
    place, members = starts[:-1].copy(), np.empty(count, np.int64)
    for v in range(count):
        members[place[cell[v]]] = v
        place[cell[v]] += 1
    tolerance = _SAME_DEPTH * (np.abs(screen[:, 2]).max() + 1e-300)
    out = np.zeros(count, np.bool_)
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = screen[i, 0], screen[i, 1], screen[j, 0], screen[j, 1], screen[k, 0], screen[k, 1]
        p, q, r = screen[i, 2], screen[j, 2], screen[k, 2]
        left, right = int((min(ax, bx, cx) - low_x) / step), int((max(ax, bx, cx) - low_x) / step)
        top, bottom = int((min(ay, by, cy) - low_y) / step), int((max(ay, by, cy) - low_y) / step)
        sign = 1.0 if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) > 0 else -1.0
        nearest = max(p, q, r)
        for row in range(top, bottom + 1):
            for m in range(starts[row * cells + left], starts[row * cells + right + 1]):
                v = members[m]
                if out[v] or nearest <= screen[v, 2] or v in (i, j, k):
                    continue
                x, y = screen[v, 0], screen[v, 1]
                d, e, f = edges(ax - x, ay - y, bx - x, by - y, cx - x, cy - y)
                if d * sign < 0 or e * sign < 0 or f * sign < 0 or d + e + f == 0:
                    continue
                out[v] = (d * p + e * q + f * r) / (d + e + f) > screen[v, 2] + tolerance
    return out
