"""Group elements as values.

A `Transform` acts on positions as `x' = x R^T + t` (row vectors), reorders nodes (new node `i` is old node
`order[i]`) and selects samples of a batch (new sample `i` is old sample `samples[i]`). Everything is float64.
`repr` of a transform is Python that rebuilds it from the names of `equivariance.groups`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from operator import mul

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from equivariance.errors import ArgumentError

_Numbers = tuple[int, ...] | None

_IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Transform:
    """One element: an orthogonal matrix, a translation, a reordering of nodes, a selection of samples.

    Attributes:
        matrix: 3 rows of 3 floats, orthogonal to 1e-12; determinant -1 for improper elements
        vector: 3 floats, the translation in the units of the positions
        order: The permutation of the nodes of one sample, or None
        samples: The selected samples, or None
        of: The number of samples that they are selected from; given with `samples`
        origin: The constructor call that made it, for a short `repr`; no part of the value
    """

    matrix: tuple[tuple[float, ...], ...] = _IDENTITY
    vector: tuple[float, float, float] = (0.0, 0.0, 0.0)
    order: tuple[int, ...] | None = None
    samples: tuple[int, ...] | None = None
    of: int = 1
    origin: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        """Reject what is no group element."""
        if not _is_orthogonal(self.matrix):
            raise ArgumentError("matrix", self.matrix, "an orthogonal 3 x 3 matrix (to 1e-12)")
        if len(self.vector) != 3 or not all(map(math.isfinite, self.vector)):
            raise ArgumentError("vector", self.vector, "three finite numbers")
        if self.order is not None and sorted(self.order) != list(range(len(self.order))):
            raise ArgumentError("order", self.order, "each of 0 ... n-1 once")
        if self.samples is not None and (not self.samples or min(self.samples) < 0 or max(self.samples) >= self.of):
            raise ArgumentError("samples", self.samples, f"at least one number, each of 0 ... {self.of - 1}")

    @property
    def array(self) -> np.ndarray:
        """The matrix R, [3, 3] float64."""
        return np.array(self.matrix, dtype=np.float64)

    @cached_property
    def determinant(self) -> int:
        """+1 for rotations, -1 for elements that invert."""
        return 1 if np.linalg.det(self.array) > 0 else -1

    @cached_property
    def proper(self) -> Transform:
        """The rotation that is left without the inversion, and nothing else: R, or -R where R is improper."""
        return Transform(tuple(tuple(self.determinant * v for v in row) for row in self.matrix))

    @property
    def angle(self) -> float:
        """Rotation angle in radians of the proper part (R, or -R where R is improper)."""
        return float(Rotation.from_matrix(self.array * self.determinant).magnitude())

    @property
    def distance(self) -> float:
        """Length of the translation."""
        return math.hypot(*self.vector)

    def __matmul__(self, first: Transform) -> Transform:
        """`(g @ h)(x) = g(h(x))`; sample selections compose too, as the actions do."""
        matrix = self.array @ first.array
        vector = self.array @ np.array(first.vector) + np.array(self.vector)
        return Transform(
            _rows(matrix),
            _triple(vector),
            _compose(self.order, first.order, "order", len(self.order or ())),
            _compose(self.samples, first.samples, "samples", self.of),
            self.of if first.samples is None else first.of,
        )

    def inverse(self) -> Transform:
        """The element that undoes this one; a proper sub-batch has none."""
        if self.samples is not None and sorted(self.samples) != list(range(self.of)):
            raise ArgumentError("samples", self.samples, "a reordering of all samples: a sub-batch has no inverse")
        inverse = self.array.T
        return Transform(
            _rows(inverse),
            _triple(-inverse @ np.array(self.vector)),
            None if self.order is None else tuple(int(i) for i in np.argsort(self.order)),
            None if self.samples is None else tuple(int(i) for i in np.argsort(self.samples)),
            self.of,
        )

    def __repr__(self) -> str:
        """Python that rebuilds the element: a product of this module's constructors."""
        if self.origin:
            return self.origin
        factors = []
        if any(self.vector):
            factors.append(f"translation({_numbers(self.vector)})")
        if self.matrix != _IDENTITY:
            factors.append(_matrix_text(self))
        if self.order is not None:
            factors.append(_permutation_text(self.order))
        if self.samples is not None:
            factors.append(f"samples({list(self.samples)}, of={self.of})")
        return " @ ".join(factors) or "identity()"


def identity() -> Transform:
    """The element that changes nothing."""
    return Transform()


def translation(vector: ArrayLike) -> Transform:
    """`x' = x + vector`."""
    return Transform(vector=_triple(np.asarray(vector, dtype=np.float64)))


def rotation(value: Rotation | ArrayLike) -> Transform:
    """`x' = x R^T`, R a scipy Rotation, a rotation vector [3] in radians, or a matrix [3, 3] of determinant 1."""
    if isinstance(value, Rotation):
        return Transform(_rows(value.as_matrix()))
    array = np.asarray(value, dtype=np.float64)
    if np.isfinite(array).all() and array.shape == (3,):
        return Transform(_rows(Rotation.from_rotvec(array).as_matrix()), origin=f"rotation({_numbers(array)})")
    if np.isfinite(array).all() and array.shape == (3, 3) and np.linalg.det(array) > 0:
        return Transform(_rows(array))
    raise ArgumentError("value", value, "a Rotation, a rotation vector [3] or a matrix [3, 3] of determinant 1")


def inversion() -> Transform:
    """`x' = -x`."""
    return Transform(_rows(-np.eye(3)))


def permutation(
    order: Sequence[int] | None = None,
    *,
    cycles: Sequence[Sequence[int]] | None = None,
    size: int | None = None,
    seed: int | None = None,
) -> Transform:
    """Reorder the nodes: by `order`, by `cycles` on `size` nodes, or the one that `seed` draws for `size`."""
    if order is not None:
        return Transform(order=tuple(int(i) for i in order))
    if size is None or (cycles is None) == (seed is None):
        raise ArgumentError("size", size, "the number of nodes, with either cycles or seed")
    if seed is not None:
        drawn = np.random.default_rng(seed).permutation(size)
        return Transform(order=tuple(int(i) for i in drawn), origin=f"permutation(size={size}, seed={seed})")
    result = list(range(size))
    moved = [node for cycle in cycles or () for node in cycle]
    if len(set(moved)) < len(moved) or not set(moved) <= set(result):
        raise ArgumentError("cycles", cycles, f"disjoint cycles of 0 ... {size - 1}")
    for cycle in filter(None, cycles or ()):
        for here, there in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            result[here] = there
    return Transform(order=tuple(result))


def samples(indices: Iterable[int], of: int) -> Transform:
    """Select samples of a batch of `of`, in this order."""
    return Transform(samples=tuple(int(i) for i in indices), of=of)


@lru_cache(maxsize=1)
def cube_rotations() -> tuple[Transform, ...]:
    """The 24 rotations of the cube: signed permutation matrices, exact in floating point; the identity first."""
    matrices = np.rint(Rotation.create_group("O").as_matrix())
    ordered = sorted(matrices, key=lambda m: (-np.trace(m), m.tolist()))
    return tuple(Transform(_rows(m + 0.0)) for m in ordered)


def _is_orthogonal(matrix: tuple[tuple[float, ...], ...]) -> bool:
    """Whether R R^T is the identity to 1e-12; plain Python, as elements are made by the thousand."""
    if len(matrix) != 3 or any(len(row) != 3 for row in matrix):
        return False
    products = [(i == j, sum(map(mul, matrix[i], matrix[j]))) for i in range(3) for j in range(i, 3)]
    return all(abs(product - wanted) <= 1e-12 for wanted, product in products)


def _rows(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(v) for v in row) for row in matrix)


def _triple(vector: np.ndarray) -> tuple[float, float, float]:
    if vector.shape != (3,):
        raise ArgumentError("vector", vector, "three finite numbers")
    x, y, z = (float(v) for v in vector)
    return x, y, z


def _compose(outer: _Numbers, inner: _Numbers, name: str, size: int) -> _Numbers:
    """What `outer`, which chooses among `size`, chooses from what `inner` left."""
    if outer is None or inner is None:
        return outer if inner is None else inner
    if len(inner) != size:
        raise ArgumentError(name, outer, f"one that chooses among {len(inner)}, which the first element leaves")
    return tuple(inner[i] for i in outer)


def _numbers(values: Iterable[float]) -> str:
    values = [float(v) for v in values]
    return "[" + ", ".join(str(int(v)) if v == int(v) and abs(v) < 1e15 else repr(v) for v in values) + "]"


def _matrix_text(element: Transform) -> str:
    proper = _rows(element.array * element.determinant)
    prefix = "" if element.determinant > 0 else "inversion()"
    if proper == _IDENTITY:
        return prefix
    vector = Rotation.from_matrix(np.array(proper)).as_rotvec()
    text = "[" + ", ".join(_numbers(row) for row in proper) + "]"
    for short in (vector, np.round(vector, 4)):
        if _rows(Rotation.from_rotvec(short).as_matrix()) == proper:
            text = _numbers(short)
    return " @ ".join(filter(None, [prefix, f"rotation({text})"]))


def _permutation_text(order: tuple[int, ...]) -> str:
    seen: set[int] = set()
    cycles: list[tuple[int, ...]] = []
    for start in range(len(order)):
        cycle, node = [], start
        while node not in seen:
            seen.add(node)
            cycle.append(node)
            node = order[node]
        if len(cycle) > 1:
            cycles.append(tuple(cycle))
    if sum(map(len, cycles)) <= 12:
        return f"permutation(cycles={cycles}, size={len(order)})"
    return f"permutation({list(order)})"
