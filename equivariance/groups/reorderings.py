"""The groups that reorder or select entries: permutations of nodes and edges, and selections of samples.

Called by the engine, as `groups.sampling` is. The module applies no elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform, edge_permutation, identity, padding, permutation, samples
from equivariance.groups.orders import moved_among, places_of
from equivariance.groups.sampling import Elements, Group, InputSizes

_SHIFTS = 32
"""Largest number of cyclic shifts that `Permutations.further` returns."""

_SAMPLES = 8
"""Largest number of samples whose nodes `Permutations.simplest` exchanges one sample at a time."""

_OF_EDGES = 1000
"""Difference of the seeds of edges and nodes: equal orders of as many edges as nodes might cancel each other."""

_PADDINGS = (1, 4)
"""Numbers of padded rows that are appended."""


@dataclass(frozen=True)
class Permutations(Group):
    """Uniformly random orders of the nodes of each sample and of its edges.

    If the samples have as many nodes, all are reordered alike; otherwise each in its own way. Padded rows stay in their
    places. If the input lists edges, every element reorders the edges too, within each sample.
    """

    symmetry = "permutation"

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Draws orders, each from its own seed. The seed is part of the `repr`, unless there is padding."""
        if setting.nodes is None and setting.edges is None:
            raise ArgumentError(
                "group",
                "permutation",
                "an input whose representation has an axis of nodes or edges; with sizes if concatenated",
            )
        return tuple(_random(setting, seed + i) for i in range(count))

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns exchanges of two edges and their reversal, then exchanges of two nodes and their reversal.

        Edges come first: code that takes edges as sorted also breaks if nodes are renumbered, but not the reverse.
        """
        found = [exchange(setting, *pair) for places in movable_rows(setting)[:_SAMPLES] for pair in _pairs(places)]
        if setting.nodes:
            found.append(arranged(setting, lambda count: range(count - 1, -1, -1)))
        edges = [] if setting.edges is None else [range(sum(setting.edges))]
        swaps = [edge_permutation(cycles=[pair], size=len(own)) for own in edges for pair in _pairs(own)]
        return tuple(dict.fromkeys([*swaps, *(edge_permutation(own[::-1]) for own in edges), *found]))

    def further(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns cyclic shifts that make every other node of a sample its first; at most 32, evenly spaced."""
        size = max(map(len, movable_rows(setting)), default=0)
        starts = range(1, size, max(1, -(-size // _SHIFTS)))
        return tuple(shifted(setting, start) for start in starts)


def shifted(setting: InputSizes, by: int = 1) -> Transform:
    """Returns the element that shifts the nodes and the edges of every sample cyclically."""
    turned = arranged(setting, lambda count: [(by + i) % count for i in range(count)])
    if setting.edges is None:
        return turned
    return turned @ edge_permutation([r[(by + i) % len(r)] for r in places_of(setting.edges) for i in range(len(r))])


def _random(setting: InputSizes, seed: int) -> Transform:
    """Returns a random order of the nodes of each sample and of its edges."""
    factors = []
    if setting.nodes is not None and setting.mask is None:
        within = {"size": setting.nodes} if setting.segments is None else {"sizes": setting.segments}
        factors.append(permutation(**within, seed=seed))
    elif setting.nodes is not None:
        rng = np.random.default_rng(seed)
        factors.append(arranged(setting, lambda count: rng.permutation(count).tolist()))
    if setting.edges is not None:
        factors.append(edge_permutation(sizes=setting.edges, seed=seed + _OF_EDGES))
    if len(factors) < 2:
        return factors[0]
    return replace(factors[0] @ factors[1], origin=" @ ".join(map(repr, factors)))


def movable_rows(setting: InputSizes) -> list[Sequence[int]]:
    """Returns the rows of each sample that are no padding; one list if all samples are reordered alike."""
    if not setting.nodes:
        return []
    rows: Sequence[Sequence[int]] = places_of(setting.segments or (setting.nodes,))
    mask = setting.mask
    return list(rows) if mask is None else [[i for i in own if mask[i]] for own in rows]


def arranged(setting: InputSizes, order_of: Callable[[int], Sequence[int]]) -> Transform:
    """Returns the element that reorders the rows of each sample by `order_of(their number)`."""
    rows = movable_rows(setting)
    orders = [order_of(len(own)) for own in rows]
    return permutation(moved_among(rows, orders, setting.nodes or 0), sizes=setting.segments)


def _pairs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yields pairs of places: the first two, the first and the last, two in the middle."""
    size = len(places)
    for one, two in [(0, 1), (0, size - 1), (size // 3, 2 * size // 3)]:
        if one < two < size:
            yield places[one], places[two]


def exchange(setting: InputSizes, one: int, two: int) -> Transform:
    """Returns the exchange of two nodes."""
    if setting.segments is None:
        return permutation(cycles=[(one, two)], size=setting.nodes)
    return permutation(cycles=[(one, two)], sizes=setting.segments)


@dataclass(frozen=True)
class Batches(Group):
    """Sub-batches and reorderings of the samples; `paddings` has the elements that append padded rows.

    The result for a sample must not depend on the other samples, nor on the number of padded rows.
    """

    symmetry = "batch"

    def draw(self, count: int, seed: int, setting: InputSizes) -> tuple[Transform, ...]:
        """Draws selections: single samples, all samples in reverse, then random ones. A batch of one sample is repeated
        instead. One sample without an axis of samples, but with a mask, is left as it is: see `paddings`.
        """
        if setting.samples is None and not setting.padded:
            raise ArgumentError(
                "group",
                "batch",
                "an input whose representation has a batch axis; with sizes if concatenated",
            )
        return (identity(),) if setting.samples is None else tuple(_selections(count, seed, setting.samples))

    def simplest(self, setting: InputSizes) -> tuple[Transform, ...]:
        """Returns each sample by itself, then the exchange of two samples."""
        size = setting.samples or 1
        if size == 1:
            return () if setting.samples is None else (samples([0, 0], of=1),)
        return (*(samples([i], of=size) for i in range(size)), samples([1, 0, *range(2, size)], of=size))


def paddings(group: Group, setting: InputSizes) -> tuple[Transform, ...]:
    """Returns the elements of a group that append padded rows.

    Args:
        group: `Batches`, or a list of elements.
        setting: Sizes of the input.
    """
    if isinstance(group, Elements):
        return tuple(element for element in group.elements if element.padding)
    return tuple(map(padding, _PADDINGS)) if isinstance(group, Batches) and setting.padded else ()


def without_paddings(group: Group) -> Group:
    """Returns a group without the elements that append padded rows; the identity if there are no others."""
    if not isinstance(group, Elements) or not any(element.padding for element in group.elements):
        return group
    others = tuple(element for element in group.elements if not element.padding)
    return Elements(others or (identity(),), group.symmetry)


def _selections(count: int, seed: int, size: int) -> list[Transform]:
    """Returns up to `count` different selections of `size` samples."""
    if size == 1:
        return [samples([0] * (2 + i), of=1) for i in range(min(count, 2))]
    rng = np.random.default_rng((seed, 4))
    fixed = [samples(range(size - 1, -1, -1), of=size), *(samples([i], of=size) for i in range(size))]
    order = [fixed[i] for i in (1, 0, *range(2, len(fixed)))]
    drawn = [samples(rng.permutation(size)[: rng.integers(1, size + 1)], of=size) for _ in range(count)]
    return list(dict.fromkeys([*order, *drawn]))[:count]
