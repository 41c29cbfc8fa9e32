"""Hypothesis strategies for group elements, point clouds, graphs and irreps.

They generate inputs that random sampling misses: axis-aligned edges, ties, duplicates, flat clouds, extreme scales.
They shrink to simple examples: the identity, the shortest translation, the fewest points at small whole coordinates.
All coordinates are dyadic. So they and their translates by `translations` are exact in float64.

Called by property tests of users. The strategies run no network.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from hypothesis import strategies as st

from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform, cube_rotations, permutation, rotation, translation

if TYPE_CHECKING:
    from e3nn import o3

__all__ = [
    "Graph",
    "graphs",
    "irreps",
    "permutations",
    "point_clouds",
    "rigid_motions",
    "rotations",
    "translations",
]

_Point = tuple[float, float, float]

_WHOLE = st.sampled_from([0.0, 1.0, -1.0, 2.0, -2.0])
_DYADIC = st.sampled_from(
    sorted((n / 256 for n in range(-1024, 1025)), key=lambda x: (x % 1 > 0, x % 0.5 > 0, abs(x), x < 0))
)
"""Multiples of 1/256 up to 4. Whole numbers come first, then halves, because a failure shrinks to the first values."""

_LONGEST = 1e150
"""Longest translation; the square of a longer one is not finite."""

_SCALES = (1.0, 2.0**-10, 2.0**10, 2.0**-30, 2.0**30)


def rotations() -> st.SearchStrategy[Transform]:
    """Generates rotations of SO(3): the 24 rotations of the cube, and rotation vectors. Shrinks to the identity.

    The distribution is not uniform: small angles and rotations about the axes are frequent.
    """
    angles = st.floats(-math.pi, math.pi, allow_nan=False, allow_subnormal=False)
    return st.sampled_from(cube_rotations()) | st.tuples(angles, angles, angles).map(rotation)


@st.composite
def translations(draw: st.DrawFn, max_norm: float = 1000.0) -> Transform:
    """Generates translations by dyadic vectors, multiples of 1/8 or of a smaller step. Shrinks to the zero vector.

    Args:
        max_norm: Longest translation.

    Raises:
        ArgumentError: If `max_norm` is not positive, or its square is not finite.
    """
    if not (isinstance(max_norm, (int, float)) and 0 < max_norm <= _LONGEST):
        raise ArgumentError("max_norm", max_norm, f"a positive length of at most {_LONGEST:g}")
    step = min(2.0**-3, 2.0 ** (math.floor(math.log2(max_norm)) - 10))
    left, vector = (max_norm / step) ** 2, []
    for _ in range(3):
        most = math.floor(math.sqrt(left))
        vector.append(draw(st.integers(-most, most)))
        left -= vector[-1] ** 2
    return translation([step * v for v in vector])


def rigid_motions(max_norm: float = 1000.0) -> st.SearchStrategy[Transform]:
    """Generates rotations followed by translations: all of SE(3) up to `max_norm`. Shrinks to the identity.

    Args:
        max_norm: Longest translation.

    Raises:
        ArgumentError: If `max_norm` is not positive, or its square is not finite.
    """
    return st.builds(Transform.__matmul__, translations(max_norm), rotations())


def permutations(size: int) -> st.SearchStrategy[Transform]:
    """Generates orders of nodes. Shrinks to the identity.

    Args:
        size: Number of nodes.

    Raises:
        ArgumentError: If `size` is less than 1.
    """
    if size < 1:
        raise ArgumentError("size", size, "at least one node")
    return st.permutations(range(size)).map(permutation)


@st.composite
def point_clouds(draw: st.DrawFn, min_points: int = 1, max_points: int = 32) -> torch.Tensor:
    """Generates clouds [N, 3] float64, generic and special. Shrinks to the fewest points at small whole coordinates.

    Special clouds are lattice points (distance ties, axis-aligned edges), collinear or coplanar points and duplicates.
    Some clouds are a billion times smaller or larger.

    Args:
        min_points: Smallest N, at least 1.
        max_points: Largest N.

    Raises:
        ArgumentError: If no number of points is allowed.
    """
    if not 1 <= min_points <= max_points:
        raise ArgumentError("min_points", min_points, f"1 ... max_points={max_points}")
    scale = draw(st.sampled_from(_SCALES))
    point = draw(st.sampled_from(_KINDS))(draw)
    points = draw(st.lists(point, min_size=min_points, max_size=max_points))
    return scale * torch.tensor(points, dtype=torch.float64)


class Graph(NamedTuple):
    """A point cloud with edges. It unpacks into two tensors, the arguments of a network.

    Attributes:
        positions: [N, 3] float64.
        edge_index: [2, E] int64, sources in row 0 and targets in row 1, without loops and without repeated edges.
    """

    positions: torch.Tensor
    edge_index: torch.Tensor


@st.composite
def graphs(draw: st.DrawFn, min_points: int = 1, max_points: int = 16) -> Graph:
    """Generates graphs on `point_clouds`: few or any edges, undirected edges, or nearly all edges.

    The edges are in any order. Shrinks to no edges.
    Some graphs have nodes without edges, nodes that only receive or only send, or edges of length zero (between
    duplicates).

    Args:
        min_points: Smallest number of nodes, at least 1.
        max_points: Largest number of nodes.

    Raises:
        ArgumentError: If no number of points is allowed.
    """
    positions = draw(point_clouds(min_points, max_points))
    joined = draw(st.sampled_from(_JOINED))
    chosen: list[tuple[int, int]] = []
    # In this order a pair keeps its number when later points are removed, so that shrinking keeps the edges.
    for j in range(len(positions)):
        for i in range(j):
            chosen += {_NONE: [], _THERE: [(i, j)], _BACK: [(j, i)], _BOTH: [(i, j), (j, i)]}[draw(joined)]
    if draw(st.booleans()):
        chosen = draw(st.permutations(chosen))
    edge_index = torch.tensor(chosen, dtype=torch.int64).reshape(-1, 2).T.contiguous()
    return Graph(positions, edge_index)


def irreps(max_degree: int = 3, max_multiplicity: int = 4) -> st.SearchStrategy[o3.Irreps]:
    """Generates irreps of O(3) with one to four blocks, in any order. Shrinks to `1x0e`.

    Args:
        max_degree: Largest degree l.
        max_multiplicity: Largest multiplicity of a block.

    Raises:
        ArgumentError: If no irrep is allowed.
    """
    from e3nn import o3  # imported here: it costs a second

    if max_degree < 0:
        raise ArgumentError("max_degree", max_degree, "at least 0")
    if max_multiplicity < 1:
        raise ArgumentError("max_multiplicity", max_multiplicity, "at least 1")
    irrep = st.tuples(st.integers(0, max_degree), st.sampled_from([1, -1]))
    return st.lists(st.tuples(st.integers(1, max_multiplicity), irrep), min_size=1, max_size=4).map(o3.Irreps)


_NONE, _THERE, _BACK, _BOTH = range(4)
_JOINED = tuple(
    st.sampled_from([_NONE, _THERE, _BACK, _BOTH, *more])
    for more in ([_NONE] * 12, [], [_NONE, _BOTH] * 30, [_BOTH] * 124)
)
"""The edges between two nodes: few, any, undirected but for a few, nearly all.

All kinds begin with the same four values. So a failure of any kind loses the edges that it does not need.
"""


def _lattice(draw: st.DrawFn) -> st.SearchStrategy[_Point]:
    """Draws points at small whole coordinates."""
    return st.tuples(_WHOLE, _WHOLE, _WHOLE)


def _generic(draw: st.DrawFn) -> st.SearchStrategy[_Point]:
    """Draws points at dyadic coordinates."""
    return st.tuples(_DYADIC, _DYADIC, _DYADIC)


def _duplicates(draw: st.DrawFn) -> st.SearchStrategy[_Point]:
    """Draws points from at most four different ones."""
    return st.sampled_from(draw(st.lists(_generic(draw), min_size=1, max_size=4)))


def _coplanar(draw: st.DrawFn) -> st.SearchStrategy[_Point]:
    """Draws points of a plane through the origin."""
    first, second = draw(_lattice(draw)), draw(_lattice(draw))
    return st.builds(lambda a, b: _combination(a, first, b, second), _DYADIC, _DYADIC)


def _collinear(draw: st.DrawFn) -> st.SearchStrategy[_Point]:
    """Draws points of a line through the origin."""
    direction = draw(_lattice(draw))
    return st.builds(lambda a: _combination(a, direction, 0, direction), _DYADIC)


def _combination(a: float, first: _Point, b: float, second: _Point) -> _Point:
    """Returns a u + b v."""
    x, y, z = (a * u + b * v for u, v in zip(first, second, strict=True))
    return x, y, z


_KINDS = (_lattice, _generic, _duplicates, _coplanar, _collinear)
