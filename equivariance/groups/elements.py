"""Group elements as values.

A `Transform` acts on positions as `x' = s x R^T + t` (row vectors). It reorders nodes: new node `i` is old node
`order[i]`, and edges likewise. It selects samples of a batch: new sample `i` is old sample `samples[i]`. It appends
padded rows to a batch with a mask. It moves nodes by lattice vectors of a crystal, or doubles its cells.
`groups.actions` has further actions. All numbers are float64.

Called by `groups.sampling`, which draws elements, and by representations, which apply them. The module transforms no
tensors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from equivariance.errors import ArgumentError
from equivariance.groups.actions import Actions
from equivariance.groups.crystal import Crystal, Images
from equivariance.groups.element_text import text_of
from equivariance.groups.matrices import IDENTITY, is_orthogonal, numbers_text, rows_of, triple
from equivariance.groups.orders import (
    compose,
    inverse_of,
    keeps_samples,
    made_order,
    places_of,
    size_text,
)


@dataclass(frozen=True)
class Transform:
    """One group element: an orthogonal matrix, a translation, reorderings of nodes and edges, a selection of samples.

    Attributes:
        matrix: 3 rows of 3 floats, orthogonal to 1e-12. The determinant of an improper element is -1.
        vector: 3 floats, the translation in the units of the positions.
        order: The permutation of the nodes of one sample, or None. If `sizes` is given, the permutation of the rows of
            all samples.
        samples: The numbers of the selected samples, or None.
        of: The number of samples from which `samples` selects.
        sizes: The number of rows of each sample, if `order` permutes each sample in its own way; else None.
        edges: The permutation of the edges of all samples, or None.
        padding: The number of padded rows that are appended to each sample of a batch with a mask.
        images: For each node of all samples the lattice vectors by which it is moved, before all else; or None.
        doubled: The lattice vector, 0 to 2, along which each cell is doubled; or None.
        crystal: The crystal of the input, for `images` and `doubled`. `placed_in` sets it, and comparisons ignore it.
        origin: The constructor call that made the element, for a short `repr`. Comparisons ignore it.
        scale: The factor s on all lengths.
        actions: Separate elements for separate inputs, a matrix of another group, or exchanged arguments; or None.

    Raises:
        ArgumentError: If the matrix is not orthogonal, the vector or the scale not finite, or an index out of range.

    Invariants:
        - The element is immutable, and all numbers are Python floats and ints.
        - `repr` is Python that rebuilds the element from the names of `equivariance.groups`.
        - The action is rotation or inversion first, then scale, then translation.

    >>> move = translation([1, 0, 0]) @ rotation([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    >>> move.inverse()
    translation([0, 1, 0]) @ rotation([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    >>> (move @ move.inverse()) == identity()
    True
    """

    matrix: tuple[tuple[float, ...], ...] = IDENTITY
    vector: tuple[float, float, float] = (0.0, 0.0, 0.0)
    order: tuple[int, ...] | None = None
    samples: tuple[int, ...] | None = None
    of: int = 1
    sizes: tuple[int, ...] | None = None
    edges: tuple[int, ...] | None = None
    padding: int = 0
    images: Images | None = None
    doubled: int | None = None
    crystal: Crystal | None = field(default=None, compare=False, repr=False)
    origin: str = field(default="", compare=False, repr=False)
    scale: float = 1.0
    actions: Actions | None = None

    def __post_init__(self) -> None:
        """Rejects values that are no group element."""
        if not is_orthogonal(self.matrix):
            raise ArgumentError("matrix", self.matrix, "an orthogonal 3 x 3 matrix (to 1e-12)")
        if len(self.vector) != 3 or not all(map(math.isfinite, self.vector)):
            raise ArgumentError("vector", self.vector, "three finite numbers")
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ArgumentError("scale", self.scale, "a positive finite factor")
        for name, order in (("order", self.order), ("edges", self.edges)):
            if order is not None and sorted(order) != list(range(len(order))):
                raise ArgumentError(name, order, "each of 0 ... n-1 once")
        if self.sizes is not None and not (self.order is not None and keeps_samples(self.order, self.sizes)):
            expected = f"an order that leaves each row in its sample, of sizes {self.sizes}"
            raise ArgumentError("order", self.order, expected)
        if self.padding < 0:
            raise ArgumentError("padding", self.padding, "a number of rows, 0 or more")
        if self.doubled not in (None, 0, 1, 2):
            raise ArgumentError("doubled", self.doubled, "0, 1 or 2, a lattice vector")
        if self.samples is not None and (not self.samples or min(self.samples) < 0 or max(self.samples) >= self.of):
            raise ArgumentError("samples", self.samples, f"at least one number, each of 0 ... {self.of - 1}")

    @property
    def array(self) -> np.ndarray:
        """The matrix R, [3, 3] float64."""
        return np.array(self.matrix, dtype=np.float64)

    @cached_property
    def determinant(self) -> int:
        """The determinant of R: +1 for rotations, -1 for elements that invert."""
        return 1 if np.linalg.det(self.array) > 0 else -1

    @cached_property
    def proper(self) -> Transform:
        """The proper part, a pure rotation: R, or -R if R is improper."""
        return Transform(tuple(tuple(self.determinant * v for v in row) for row in self.matrix))

    @property
    def moves(self) -> bool:
        """True if the element changes positions, lengths or components; False if it only reorders and selects."""
        moved = self.matrix != IDENTITY or any(self.vector)
        return moved or self.scale != 1 or self.actions is not None

    @property
    def reorders(self) -> bool:
        """True if the element permutes nodes or edges, or selects samples."""
        return self.order is not None or self.edges is not None or self.samples is not None

    @property
    def acts_on_lattice(self) -> bool:
        """True if the element moves nodes by lattice vectors or doubles cells."""
        return self.images is not None or self.doubled is not None

    def placed_in(self, crystal: Crystal | None) -> Transform:
        """Returns the element for the crystal of an input.

        Raises:
            ArgumentError: If the crystal has another number of nodes than the element moves.
        """
        if crystal is not None and self.images is not None and len(self.images) != sum(crystal.nodes):
            expected = f"a move of {sum(crystal.nodes)} nodes, as the input has"
            raise ArgumentError("element", f"a move of {len(self.images)} nodes", expected)
        return replace(self, crystal=crystal)

    @property
    def reach(self) -> float:
        """The longest displacement that the element makes by itself, in the units of the positions."""
        moved = 0.0
        if self.images is not None and self.crystal is not None:
            moved = float(np.linalg.norm(self.crystal.displacements(self.images), axis=1).max(initial=0.0))
        return self.distance + moved

    @property
    def angle(self) -> float:
        """Rotation angle of the proper part, in radians, in [0, pi]."""
        return float(Rotation.from_matrix(self.array * self.determinant).magnitude())

    @property
    def distance(self) -> float:
        """Length of the translation, in the units of the positions."""
        return math.hypot(*self.vector)

    def __matmul__(self, first: Transform) -> Transform:
        """Returns the product: `(g @ h)(x) = g(h(x))`.

        Args:
            first: The element that acts first.

        Returns:
            The product. Orders of nodes and edges and sample selections are composed like their actions.

        Raises:
            ArgumentError: If the two act on different numbers of nodes, edges or samples, if one selects samples and
                the other permutes each sample in its own way, or if one acts on a lattice.
        """
        if self.acts_on_lattice or first.acts_on_lattice:
            raise ArgumentError("first", first, "elements that move no node by lattice vectors: these act alone")
        if self.order is not None and first.order is not None and self.sizes != first.sizes:
            raise ArgumentError("sizes", self.sizes, f"samples of the sizes of the first element, {first.sizes}")
        if {self.sizes, first.sizes} != {None} and {self.samples, first.samples} != {None}:
            raise ArgumentError("samples", self.samples or first.samples, "no selection beside an order with sizes")
        matrix = self.array @ first.array
        vector = self.scale * (self.array @ np.array(first.vector)) + np.array(self.vector)
        actions = self.actions.after(first.actions) if self.actions and first.actions else self.actions or first.actions
        return Transform(
            rows_of(matrix),
            triple(vector),
            compose(self.order, first.order, "order", len(self.order or ())),
            compose(self.samples, first.samples, "samples", self.of),
            self.of if first.samples is None else first.of,
            self.sizes if first.sizes is None else first.sizes,
            compose(self.edges, first.edges, "edges", len(self.edges or ())),
            self.padding + first.padding,
            scale=self.scale * first.scale,
            actions=None if actions == Actions() else actions,
        )

    def inverse(self) -> Transform:
        """Returns the inverse element.

        Raises:
            ArgumentError: If the element selects only some of the samples, appends padding, or doubles cells.
        """
        if self.samples is not None and sorted(self.samples) != list(range(self.of)):
            raise ArgumentError("samples", self.samples, "a reordering of all samples: a sub-batch has no inverse")
        if self.padding:
            raise ArgumentError("padding", self.padding, "no padding: appended rows have no inverse")
        if self.doubled is not None:
            raise ArgumentError("doubled", self.doubled, "no doubled cell: it has no inverse")
        if self.images is not None:
            return replace(self, images=tuple((-a, -b, -c) for a, b, c in self.images), origin="")
        inverse = self.array.T
        return Transform(
            rows_of(inverse),
            triple(-inverse @ np.array(self.vector) / self.scale),
            None if self.order is None else inverse_of(self.order),
            None if self.samples is None else inverse_of(self.samples),
            self.of,
            self.sizes,
            None if self.edges is None else inverse_of(self.edges),
            scale=1 / self.scale,
            actions=self.actions.inverse() if self.actions else None,
        )

    def order_in(self, sample: int) -> tuple[int, ...] | None:
        """Returns the permutation of the rows of one sample, counted from 0; None if the element permutes no nodes."""
        if self.order is None or self.sizes is None:
            return self.order
        own = places_of(self.sizes)[sample]
        return tuple(i - own.start for i in self.order[own.start : own.stop])

    def within(self, sample: int) -> Transform:
        """Returns the element as it acts on the entries of one sample alone: it selects no samples."""
        return replace(self, order=self.order_in(sample), sizes=None, samples=None, of=1, origin="")

    def __repr__(self) -> str:
        """Returns Python that rebuilds the element: a product of the constructors of this module."""
        return self.origin or text_of(self)


def identity() -> Transform:
    """Returns the identity."""
    return Transform()


def translation(vector: ArrayLike) -> Transform:
    """Returns the translation `x' = x + vector`.

    Args:
        vector: 3 finite numbers, in the units of the positions.

    Raises:
        ArgumentError: If `vector` is not three finite numbers.
    """
    return Transform(vector=triple(np.asarray(vector, dtype=np.float64)))


def rotation(value: Rotation | ArrayLike) -> Transform:
    """Returns the rotation `x' = x R^T`.

    Args:
        value: A scipy `Rotation`, a rotation vector [3] in radians, or a matrix R [3, 3] of determinant 1.

    Raises:
        ArgumentError: If `value` is none of the three.
    """
    if isinstance(value, Rotation):
        return Transform(rows_of(value.as_matrix()))
    array = np.asarray(value, dtype=np.float64)
    if np.isfinite(array).all() and array.shape == (3,):
        return Transform(rows_of(Rotation.from_rotvec(array).as_matrix()), origin=f"rotation({numbers_text(array)})")
    if np.isfinite(array).all() and array.shape == (3, 3) and np.linalg.det(array) > 0:
        return Transform(rows_of(array))
    raise ArgumentError("value", value, "a Rotation, a rotation vector [3] or a matrix [3, 3] of determinant 1")


def inversion() -> Transform:
    """Returns the inversion `x' = -x`."""
    return Transform(rows_of(-np.eye(3)))


def permutation(
    order: Sequence[int] | None = None,
    *,
    cycles: Sequence[Sequence[int]] | None = None,
    size: int | None = None,
    sizes: Sequence[int] | None = None,
    seed: int | None = None,
) -> Transform:
    """Returns a reordering of nodes, from an order, from cycles, or drawn at random.

    Args:
        order: New node `i` is old node `order[i]`.
        cycles: Disjoint cycles of node numbers. Each node of a cycle is replaced by the next one.
        size: The number of nodes of one sample, for `cycles` and `seed`. Every sample is reordered alike.
        sizes: The number of nodes of each sample, in place of `size`. The nodes of all samples are then numbered one
            after the other, and each stays in its sample.
        seed: Seed of a uniformly random order.

    Raises:
        ArgumentError: If the arguments define no permutation, or more than one.
    """
    within = None if sizes is None else tuple(int(n) for n in sizes)
    if order is not None:
        return Transform(order=tuple(int(i) for i in order), sizes=within)
    made = made_order("nodes", cycles, size, within, seed)
    origin = "" if seed is None else f"permutation({size_text(len(made), within)}, seed={seed})"
    return Transform(order=made, sizes=within, origin=origin)


def edge_permutation(
    order: Sequence[int] | None = None,
    *,
    cycles: Sequence[Sequence[int]] | None = None,
    size: int | None = None,
    sizes: Sequence[int] | None = None,
    seed: int | None = None,
) -> Transform:
    """Returns a reordering of the edges of a graph, from an order, from cycles, or drawn at random.

    Args:
        order: New edge `i` is old edge `order[i]`.
        cycles: Disjoint cycles of edge numbers. Each edge of a cycle is replaced by the next one.
        size: The number of edges of all samples, for `cycles` and `seed`.
        sizes: The number of edges of each sample, in place of `size`. A random order leaves each edge in its sample.
        seed: Seed of a uniformly random order.

    Raises:
        ArgumentError: If the arguments define no permutation, or more than one.
    """
    if order is not None:
        return Transform(edges=tuple(int(i) for i in order))
    within = None if sizes is None else tuple(int(n) for n in sizes)
    made = made_order("edges", cycles, size, within, seed)
    origin = "" if seed is None else f"edge_permutation({size_text(len(made), within)}, seed={seed})"
    return Transform(edges=made, origin=origin)


def padding(rows: int) -> Transform:
    """Returns the element that appends padded rows to each sample of a batch with a mask.

    Args:
        rows: The number of rows.

    Raises:
        ArgumentError: If `rows` is negative.
    """
    return Transform(padding=rows)


def samples(indices: Iterable[int], of: int) -> Transform:
    """Returns a selection of samples of a batch.

    Args:
        indices: The numbers of the selected samples, in their new order.
        of: The number of samples in the batch.

    Raises:
        ArgumentError: If no sample is selected, or an index is out of range.
    """
    return Transform(samples=tuple(int(i) for i in indices), of=of)


@lru_cache(maxsize=1)
def cube_rotations() -> tuple[Transform, ...]:
    """Returns the 24 rotations of the cube, the identity first.

    The matrices are signed permutations, hence exact in floating point.
    """
    matrices = np.rint(Rotation.create_group("O").as_matrix())
    ordered = sorted(matrices, key=lambda m: (-np.trace(m), m.tolist()))
    return tuple(Transform(rows_of(m + 0.0)) for m in ordered)
