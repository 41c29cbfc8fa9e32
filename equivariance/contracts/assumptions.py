"""Assumes representations of undeclared inputs, from name, shape, dtype and values, with the evidence.

Called by `contracts.inputs` and the adapters. The module runs nothing; `_engine.inference` decides by runs where names
and values are not enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from scipy.spatial import cKDTree

from equivariance.contracts import field_names
from equivariance.contracts.adapter_registry import adapter_of
from equivariance.contracts.edge_lists import edges_among
from equivariance.contracts.masks import mask_among
from equivariance.contracts.nested import children
from equivariance.contracts.sample_lists import EACH, listed_samples
from equivariance.errors import ArgumentError
from equivariance.representations.axes import Assumed
from equivariance.representations.base import Representation
from equivariance.representations.formatting import in_words
from equivariance.representations.irreps import Irreps
from equivariance.representations.sizes import SampleSizes, SampleStarts, sizes_of
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices

_POINTS, _VECTORS = "cartesian_points", "1x1o"


@dataclass(frozen=True)
class Assumption:
    """The representation that is assumed for one tensor.

    Attributes:
        path: The place of the tensor: the name of the parameter, then keys and fields.
        shape: The shape of the tensor.
        representation: The assumed representation.
        why: The evidence, in words.
        value: The tensor.
        asked: True if the tensor looks like geometry but no evidence shows how it transforms.
        by_name: True if nothing but the name of the tensor says how it transforms.
    """

    path: tuple[str | int, ...]
    shape: tuple[int, ...]
    representation: Representation
    why: str
    value: torch.Tensor = field(compare=False, repr=False)
    asked: bool = False
    by_name: bool = False

    @property
    def place(self) -> str:
        """The path in the notation of a report."""
        return f"{self.path[0]}" + "".join("[i]" if step == EACH else f"[{step!r}]" for step in self.path[1:])

    def doubts(self, symmetry: str) -> list[str]:
        """Returns what a person could doubt of this assumption under one symmetry, one phrase each.

        Names prove nothing; values do. An axis is in doubt if the tensor has another free axis.
        """
        law, what = self.representation, f"{self.place} {list(self.shape)}"
        if symmetry in ("translation", "rotation", "inversion"):
            if self.asked:
                return [f"{what} does not move"]
            named = type(law) is not Invariant and not isinstance(law, (NodeIndices, SampleStarts))
            bare = in_words(law.bare)
            return [f"{what} is {bare}"] if named and self.by_name else []
        axis, listed = {"permutation": (law.nodes, "nodes"), "batch": (law.batch, "samples")}[symmetry]
        several = isinstance(law, CartesianPoints) and len(self.shape) > 2
        return [f"{what} lists {listed} on axis {axis}"] if several and isinstance(axis, int) else []

    def __str__(self) -> str:
        """Returns one line: place, shape, law, axes, evidence."""
        return f"{self.place} {list(self.shape)}: {in_words(self.representation)} ({self.why})"


def assume(value: Any, path: tuple[str | int, ...], sizes: SampleSizes | None = None) -> Iterator[Assumption]:
    """Yields an assumption for every tensor in a nested value.

    Args:
        value: The value; it is searched like the value of a contract.
        path: The place of `value`.
        sizes: Sizes of the fields around `value`. A mapping or an object with its own cloud has its own sizes.

    Raises:
        ArgumentError: If node numbers are out of range, or samples do not lie one after the other.
    """
    if isinstance(value, torch.Tensor):
        yield proposal(str(_name(path)), value, sizes or SampleSizes(), path)
        return
    adapter = adapter_of(value)
    if adapter is not None:
        yield from adapter.assume(value, path)
        return
    items = dict(children(value))
    named = {str(key): entry for key, entry in items.items()}
    own, listed = cloud_of(named), listed_samples(items)
    if listed and own == SampleSizes():
        own = SampleSizes(batched=len(next(iter(listed.values()))))
    for key, entry in items.items():
        if key in listed:
            yield from _assume_samples(entry, (*path, key), listed[key])
        else:
            yield from assume(entry, (*path, key), own if own != SampleSizes() else sizes)


def _assume_samples(
    samples: Sequence[Any], path: tuple[str | int, ...], nodes: tuple[int, ...]
) -> Iterator[Assumption]:
    """Yields the assumptions for the first entry of a list of samples, which hold for every entry."""
    for found in assume(samples[0], (*path, EACH)):
        rows = [_entry_at(sample, found.path[len(path) + 1 :]).shape[:1] for sample in samples]
        of_nodes = rows == [(count,) for count in nodes]
        law = found.representation
        axis = (0 if of_nodes else None) if isinstance(law.nodes, Assumed) else law.nodes
        yield replace(found, representation=replace(law, nodes=axis, batch=None))


def _entry_at(value: Any, path: tuple[str | int, ...]) -> Any:
    """Returns the entry of a nested value."""
    for step in path:
        value = dict(children(value))[step]
    return value


def cloud_of(named: Mapping[str, Any]) -> SampleSizes:
    """Returns the numbers of nodes, edges and samples from values of one container."""
    values = {field_names.plain(name): value for name, value in named.items()}
    tensors = {n: t for n, t in values.items() if isinstance(t, torch.Tensor)}
    points = [t for n, t in tensors.items() if field_names.names_points(n) and t.shape[-1:] == (3,)]
    batch = [t for n, t in tensors.items() if n in field_names.SAMPLES and t.dim() == 1 and _is_integer(t)]
    edges = edges_among(values)
    if edges is None or points or batch:
        sizes = sizes_of(*(found[0] if found else None for found in (batch, [edges], points)))
        return sizes if batch or not points else replace(sizes, mask=mask_among(tensors, points[0]))
    most = int(edges.max()) if edges.numel() else -1
    lengths = {len(t) for t in tensors.values() if t.dim() and not _is_integer(t)} - {edges.shape[1]}
    fitting = [length for length in lengths if length > most]
    return SampleSizes(fitting[0] if len(fitting) == 1 else None, edges.shape[1])


def proposal(name: str, tensor: torch.Tensor, sizes: SampleSizes, path: tuple[str | int, ...]) -> Assumption:
    """Returns an assumption from the name, the shape and the dtype of a tensor.

    Args:
        name: The name of the parameter or field.
        tensor: The tensor.
        sizes: Sizes of the fields around it.
        path: The place of the tensor.
    """
    shape, word = tuple(tensor.shape), field_names.plain(name)
    floats = tensor.is_floating_point()
    found = _propose_for_floats(word, tensor) if floats else _propose_for_others(word, tensor, sizes)
    law, why, asked = found
    if isinstance(law.nodes, Assumed) and not isinstance(law, SampleStarts):
        components = 0 if type(law) is Invariant else 1
        if word in field_names.LATTICE:
            sizes = replace(sizes, edges=None, edges_of=None)
        axes = sizes.axes(shape[: len(shape) - components], field_names.names_edges(word))
        law = replace(law, **axes._asdict())
    return Assumption(path, shape, law, why, tensor, asked, why.startswith("its name"))


def _propose_for_floats(word: str, tensor: torch.Tensor) -> tuple[Representation, str, bool]:
    """Returns the law of a floating-point tensor, the evidence, and True if the law is undecided."""
    three = tensor.shape[-1:] == (3,)
    if word in field_names.INVARIANTS:
        return Invariant(), "its name", False
    if three and field_names.names_points(word):
        return CartesianPoints(), "its name; its last axis is 3", False
    if three and field_names.names_vectors(word):
        return Irreps(_VECTORS), "its name; its last axis is 3", False
    if three and tensor.dim() > 1:
        return Invariant(), "asked: its last axis is 3, and its name says nothing", True
    why = "one number for each entry" if tensor.dim() < 2 else "its last axis is not 3"
    moves = field_names.names_points(word) or field_names.names_vectors(word)
    return Invariant(), f"{why}, whatever its name says" if moves else why, False


def _propose_for_others(word: str, tensor: torch.Tensor, sizes: SampleSizes) -> tuple[Representation, str, bool]:
    """Returns the law of a tensor of other dtype, the evidence, and True if the law is undecided."""
    if not _is_integer(tensor):
        return Invariant(), f"its dtype, {str(tensor.dtype).removeprefix('torch.')}", False
    if word in field_names.SAMPLES and tensor.dim() == 1 and sizes.samples is not None:
        law = NodeIndices(permuted=False, per_sample=1)
        return replace(law, **sizes.axes(tuple(tensor.shape), False)._asdict()), "its name; whole numbers", False
    if word in field_names.STARTS and sizes.samples is not None:
        return SampleStarts(sizes.samples), "its name; whole numbers", False
    if field_names.names_node_numbers(word):
        return _node_numbers(word, tensor, sizes), f"its name; whole numbers {_range(tensor)}", False
    why = "its name" if word in field_names.INVARIANTS else "whole numbers, not named as node numbers"
    return Invariant(), why, False


def _node_numbers(word: str, tensor: torch.Tensor, sizes: SampleSizes) -> NodeIndices:
    """Returns the representation of node numbers, with their axes."""
    if sizes.nodes is not None and tensor.numel() and int(tensor.max()) >= sizes.nodes:
        raise ArgumentError(word, f"node numbers {_range(tensor)}", f"numbers below {sizes.nodes}, the nodes")
    if tensor.dim() and tensor.shape[0] == sizes.nodes and sizes.edges != tensor.shape[0]:
        axes = sizes.axes(tuple(tensor.shape), False)
        return NodeIndices(nodes=axes.nodes, batch=axes.batch, per_sample=sizes.samples, mask=axes.mask)
    last = tensor.dim() - 1
    if sizes.nodes is None or tensor.shape[max(last, 0) :] != (sizes.edges,):
        return NodeIndices(nodes=None, batch=None, per_sample=sizes.samples)
    return NodeIndices(nodes=None, batch=sizes.batch_of_edges(last), per_sample=sizes.samples, edges=last)


def _is_integer(tensor: torch.Tensor) -> bool:
    """True if the dtype is an integer."""
    return not tensor.is_floating_point() and not tensor.is_complex() and tensor.dtype != torch.bool


def _range(tensor: torch.Tensor) -> str:
    """Returns the range of the entries, in words."""
    return f"from {int(tensor.min())} to {int(tensor.max())}" if tensor.numel() else "(none)"


def _name(path: tuple[str | int, ...]) -> str | int:
    """Returns the last name of a path; indices of a list are no names."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


_ROWS = 16
"""Largest number of rows compared with the positions. This many rows do not match pairs of points by chance."""


_CLOSE = 4.0
"""Rounding error of a difference, in machine epsilons of the largest number."""


def with_differences(assumptions: Iterable[Assumption]) -> list[Assumption]:
    """Decides undecided assumptions whose rows are positions, or differences of two positions.

    Args:
        assumptions: All assumptions of a call.

    Returns:
        The same assumptions in the same order; some have a representation instead of a question.
    """
    found = list(assumptions)
    clouds = [a for a in found if isinstance(a.representation, CartesianPoints)]
    return [_decide_by_values(a, clouds) if a.asked else a for a in found]


def _decide_by_values(asked: Assumption, clouds: Sequence[Assumption]) -> Assumption:
    """Returns the assumption with the representation that its rows show, or unchanged if they show none."""
    rows = _rows(asked.value)
    rows = rows[(rows != 0).any(axis=1)]
    if not len(rows) or (rows == rows.round()).all():  # whole numbers may be kinds as well as differences
        return asked
    for cloud in clouds:
        close = _CLOSE * max(torch.finfo(a.value.dtype).eps for a in (asked, cloud))
        law, relation = _compare_rows(rows[:: -(-len(rows) // _ROWS)], _rows(cloud.value), close)
        if law is not None:
            law = law.placed_like(asked.representation)
            return replace(asked, representation=law, why=f"its rows are {relation} {cloud.place}", asked=False)
    return asked


def _compare_rows(rows: np.ndarray, points: np.ndarray, close: float) -> tuple[Representation | None, str]:
    """Returns the representation of rows that are points, or differences of points, and the evidence.

    Args:
        rows: [n, 3] float64.
        points: [N, 3] float64.
        close: Relative tolerance.
    """
    if not len(points):
        return None, ""
    tree, within = cKDTree(points), close * max(np.abs(points).max(), np.abs(rows).max())
    if (tree.query(rows)[0] <= within).all():
        return CartesianPoints(), "rows of"
    if all((tree.query(points + row)[0] <= within).any() for row in rows):
        return Irreps("1x1o"), "differences of rows of"
    return None, ""


def _rows(tensor: torch.Tensor) -> np.ndarray:
    """Returns the finite rows of a tensor, [n, 3] float64."""
    rows = tensor.detach().cpu().double().reshape(-1, 3).numpy()
    return rows[np.isfinite(rows).all(axis=1)]
