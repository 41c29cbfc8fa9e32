"""Orders of nodes and edges as tuples of numbers: made, checked, composed and written as Python.

`groups.elements` makes elements of them, and `groups.reorderings` draws them. The module knows no elements and no
tensors. Entry `i` of an order is the old place of the new entry `i`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from equivariance.errors import ArgumentError

Order = tuple[int, ...]


def places_of(sizes: Sequence[int]) -> list[range]:
    """Returns the places of each sample, if samples of these sizes lie one after the other."""
    starts = [0, *accumulate(sizes)]
    return [range(start, start + size) for start, size in zip(starts, sizes, strict=False)]


def keeps_samples(order: Order, sizes: Sequence[int]) -> bool:
    """True if an order of all entries leaves each entry in its sample."""
    if sum(sizes) != len(order):
        return False
    return all(set(order[r.start : r.stop]) == set(r) for r in places_of(sizes))


def made_order(
    what: str, cycles: Sequence[Sequence[int]] | None, size: int | None, sizes: Sequence[int] | None, seed: int | None
) -> Order:
    """Returns an order from cycles, or a uniformly random one.

    Args:
        what: The entries, for the error: "nodes" or "edges".
        cycles: Disjoint cycles. Each entry of a cycle is replaced by the next one.
        size: The number of entries.
        sizes: The number of entries of each sample, instead of `size`. A random order stays within the samples.
        seed: Seed of a random order, instead of `cycles`.

    Raises:
        ArgumentError: If the arguments define no order, or more than one.
    """
    if (size is None) == (sizes is None) or (cycles is None) == (seed is None):
        raise ArgumentError("size", size, f"the number of {what}, with either cycles or seed")
    if sizes is None:
        sizes = (size or 0,)
    if cycles is not None:
        return _order_of_cycles(cycles, sum(sizes))
    rng = np.random.default_rng(seed)
    return tuple(int(i) + r.start for r in places_of(sizes) for i in rng.permutation(len(r)))


def _order_of_cycles(cycles: Sequence[Sequence[int]], size: int) -> Order:
    """Returns the order of `size` entries that disjoint cycles define."""
    result = list(range(size))
    moved = [entry for cycle in cycles for entry in cycle]
    if len(set(moved)) < len(moved) or not set(moved) <= set(result):
        raise ArgumentError("cycles", cycles, f"disjoint cycles of 0 ... {size - 1}")
    for cycle in filter(None, cycles):
        for here, there in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            result[here] = there
    return tuple(result)


def moved_among(places: Sequence[Sequence[int]], orders: Sequence[Sequence[int]], size: int) -> Order:
    """Returns an order in which each list of places is reordered in itself; all other entries stay.

    Args:
        places: Lists of places, without a place in common.
        orders: For each list an order of its entries, counted from 0.
        size: The number of entries.
    """
    result = list(range(size))
    for own, order in zip(places, orders, strict=True):
        for new, old in enumerate(order):
            result[own[new]] = own[old]
    return tuple(result)


def inverse_of(order: Order) -> Order:
    """Returns the order that restores the entries."""
    return tuple(int(i) for i in np.argsort(order))


def compose(outer: Order | None, inner: Order | None, name: str, size: int) -> Order | None:
    """Returns the composed selection: the entries of `inner` at the indices `outer`.

    Args:
        outer: Indices among `size` entries, or None for all.
        inner: The selection that acts first, or None for all.
        name: The field, for the error.
        size: The number of entries from which `outer` selects.

    Raises:
        ArgumentError: If `inner` leaves another number of entries.
    """
    if outer is None or inner is None:
        return outer if inner is None else inner
    if len(inner) != size:
        raise ArgumentError(name, outer, f"one that chooses among {len(inner)}, which the first element leaves")
    return tuple(inner[i] for i in outer)


def order_text(function: str, order: Order, sizes: Order | None) -> str:
    """Returns the constructor call of an order, by cycles if they have at most 12 entries."""
    seen: set[int] = set()
    cycles: list[tuple[int, ...]] = []
    for start in range(len(order)):
        cycle, entry = [], start
        while entry not in seen:
            seen.add(entry)
            cycle.append(entry)
            entry = order[entry]
        if len(cycle) > 1:
            cycles.append(tuple(cycle))
    if sum(map(len, cycles)) <= 12:
        return f"{function}(cycles={cycles}, {size_text(len(order), sizes)})"
    return f"{function}({list(order)}{'' if sizes is None else f', sizes={sizes}'})"


def size_text(size: int, sizes: Order | None) -> str:
    """Returns the argument that says how many entries there are."""
    return f"size={size}" if sizes is None else f"sizes={sizes}"
