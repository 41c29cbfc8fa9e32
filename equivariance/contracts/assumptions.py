"""Assumes representations of undeclared inputs, from name, shape, dtype and values, with the evidence.

Called by `contracts.inputs` and the adapters. The module runs nothing; `_engine.inference` decides by runs where names
and values are not enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from equivariance.contracts import field_names
from equivariance.contracts.adapter_registry import adapter_of
from equivariance.contracts.assumption import Assumption, Grounds, How, Path
from equivariance.contracts.graph_fields import (
    counts_entries,
    edges_among,
    is_integer,
    numbers_samples,
    sample_numbers_among,
)
from equivariance.contracts.masks import mask_among
from equivariance.contracts.nested import children
from equivariance.contracts.sample_lists import EACH, listed_samples
from equivariance.errors import ArgumentError
from equivariance.representations.axes import Assumed, Concatenated
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.irreps import Irreps
from equivariance.representations.sizes import Axes, SampleSizes, SampleStarts, sizes_of
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices

_VECTORS = "1x1o"
_ORTHOGONAL = 1e-4
"""Largest deviation of R R^T from the identity."""


def assume(
    value: Any, path: Path, sizes: SampleSizes | None = None, numbers: torch.Tensor | None = None
) -> Iterator[Assumption]:
    """Yields an assumption for every tensor in a nested value.

    Args:
        value: The value; it is searched like the value of a contract.
        path: The place of `value`.
        sizes: Sizes of the fields around `value`. A mapping or an object with its own cloud has its own sizes.
        numbers: The sample numbers, if the runs show them.

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
    named, joined = _with_joined({str(key): entry for key, entry in items.items()}, numbers)
    own, listed = _with_graphs(cloud_of(named, numbers), items.values()), listed_samples(items)
    if listed and own == SampleSizes():
        own = SampleSizes(batched=len(next(iter(listed.values()))))
    for key, entry in items.items():
        if key in listed:
            yield from _assume_samples(entry, (*path, key), listed[key])
        elif str(key) in joined:
            for name, inner in dict(entry).items():
                yield from assume(inner, (*path, key, name), own, numbers)
        else:
            yield from assume(entry, (*path, key), own if own != SampleSizes() else sizes, numbers)


def _with_joined(named: Mapping[str, Any], numbers: torch.Tensor | None) -> tuple[dict[str, Any], set[str]]:
    """Returns the values of a container with those of the mappings that belong to its cloud, and their names.

    A mapping without positions and edges, such as the keyword arguments of a call, belongs to the cloud beside it. Two
    mappings with a name in common have clouds of their own.

    Args:
        named: The values by name.
        numbers: The sample numbers, if the runs show them.
    """
    around = cloud_of(named, numbers)
    if around.nodes is None and around.edges is None:
        return dict(named), set()
    inside = {name: dict(entry) for name, entry in named.items() if isinstance(entry, Mapping) and _is_open(entry)}
    every = [str(key) for entry in inside.values() for key in entry]
    if len({*every, *named}) < len(every) + len(named):
        return dict(named), set()
    return {**named, **{str(key): value for entry in inside.values() for key, value in entry.items()}}, set(inside)


def _is_open(entry: Mapping[Any, Any]) -> bool:
    """True for a mapping that holds neither positions nor edges."""
    fields = {field_names.plain(str(key)): value for key, value in entry.items()}
    points = (n for n, t in fields.items() if field_names.names_points(n) and isinstance(t, torch.Tensor))
    return not any(points) and edges_among(fields) is None


def _assume_samples(samples: Sequence[Any], path: Path, nodes: tuple[int, ...]) -> Iterator[Assumption]:
    """Yields the assumptions for the first entry of a list of samples, which hold for every entry."""
    for found in assume(samples[0], (*path, EACH)):
        rows = [_entry_at(sample, found.path[len(path) + 1 :]).shape[:1] for sample in samples]
        of_nodes = rows == [(count,) for count in nodes]
        law = found.representation
        axis = (0 if of_nodes else None) if isinstance(law.nodes, Assumed) else law.nodes
        yield replace(found, representation=replace(law, nodes=axis, batch=None)).with_axes_read_off()


def _entry_at(value: Any, path: Path) -> Any:
    """Returns the entry of a nested value."""
    for step in path:
        value = dict(children(value))[step]
    return value


def cloud_of(named: Mapping[str, Any], numbers: torch.Tensor | None = None) -> SampleSizes:
    """Returns the numbers of nodes, edges and samples from values of one container.

    Args:
        named: The values by name.
        numbers: The sample numbers, if the runs show them.
    """
    values = {field_names.plain(name): value for name, value in named.items()}
    tensors = {n: t for n, t in values.items() if isinstance(t, torch.Tensor)}
    points = [(t, axes[0]) for n, t in tensors.items() if field_names.names_points(n) and (axes := _axes_of_three(t))]
    edges = edges_among(values)
    beside = any(tensor is numbers for tensor in tensors.values())
    batch = numbers if beside else sample_numbers_among(tensors, edges)
    if edges is None or points or batch is not None:
        return _sizes_with_points(tensors, batch, edges, points[0] if points else None)
    most = int(edges.max()) if edges.numel() else -1
    inside = [t for value in values.values() for t in _tensors_of(value)]
    lengths = {len(t) for t in inside if t.dim() and not is_integer(t)} - {edges.shape[1]}
    fitting = [length for length in lengths if length > most]
    return SampleSizes(fitting[0] if len(fitting) == 1 else None, edges.shape[1])


def _with_graphs(own: SampleSizes, values: Iterable[Any]) -> SampleSizes:
    """Returns the numbers that the graphs of other libraries among `values` state; `own` if they state none."""
    found = {adapter.sizes(value) for value in values if (adapter := adapter_of(value)) is not None}
    if len(found) != 1 or own.batched is not None or own.mask is not None:
        return own
    ((samples, edges_of),) = found
    edges = None if edges_of is None else sum(edges_of)
    alike = own.nodes in (None, sum(samples)) and own.edges in (None, edges) and own.samples in (None, samples)
    return SampleSizes(sum(samples), edges, samples, edges_of) if alike and max(samples, default=0) > 1 else own


def _tensors_of(value: Any) -> list[torch.Tensor]:
    """Returns a tensor, or the tensors of a tuple such as (scalars, vectors)."""
    if isinstance(value, (list, tuple)):
        return [tensor for entry in value for tensor in _tensors_of(entry)]
    return [value] if isinstance(value, torch.Tensor) else []


def _sizes_with_points(
    tensors: Mapping[str, torch.Tensor], batch: torch.Tensor | None, edges: torch.Tensor | None,
    points: tuple[torch.Tensor, int] | None,
) -> SampleSizes:  # fmt: skip
    """Returns the numbers of nodes, edges and samples of positions, given with the axis of their components."""
    if points is None:
        return sizes_of(batch, edges, None)
    tensor, axis = points
    sizes = sizes_of(batch, edges, tensor.movedim(axis, -1))
    if axis != tensor.dim() - 1:
        return replace(sizes, channels_first=True)
    return sizes if batch is not None else replace(sizes, mask=mask_among(tensors, tensor))


def proposal(name: str, tensor: torch.Tensor, sizes: SampleSizes, path: Path) -> Assumption:
    """Returns an assumption from the name, the shape and the dtype of a tensor.

    Args:
        name: The name of the parameter or field.
        tensor: The tensor.
        sizes: Sizes of the fields around it.
        path: The place of the tensor.
    """
    word = field_names.plain(name)
    if tensor.is_floating_point():
        found = _propose_for_floats(word, tensor)
    else:
        found = _propose_for_others(word, tensor, sizes)
    (law, *others), why, how = found
    if isinstance(law.nodes, Assumed) and not isinstance(law, SampleStarts):
        if word in field_names.LATTICE:
            sizes = replace(sizes, edges=None, edges_of=None)
        law = replace(law, **_axes(tensor, law, sizes, field_names.names_edges(word))._asdict())
    open_axes = not sizes.are_stated and (isinstance(law.nodes, Assumed) or sizes.batched is not None)
    axes = How.BY_SHAPE if open_axes and not field_names.names_cells(word) else How.BY_LENGTH
    laws = (law, *others) if others else ()
    return Assumption(path, tuple(tensor.shape), law, why, tensor, bool(laws), laws, grounds=Grounds(how, axes, axes))


def _axes(tensor: torch.Tensor, law: Representation, sizes: SampleSizes, of_edges: bool) -> Axes:
    """Returns the axes of a tensor, which are not the axis of its components."""
    component = component_axis(law, tensor)
    free = [axis for axis in range(tensor.dim()) if axis != component]
    axes = sizes.axes(tuple(tensor.shape[axis] for axis in free), of_edges)
    if component in (None, tensor.dim() - 1) or not free:
        return axes
    batch = axes.batch
    if isinstance(batch, Concatenated):
        batch = replace(batch, axis=free[batch.axis])
    elif isinstance(batch, int):
        batch = free[batch]
    nodes = 0 if isinstance(axes.nodes, Assumed) else axes.nodes
    return Axes(
        free[nodes] if isinstance(nodes, int) else nodes,
        None if isinstance(batch, Assumed) else batch,
        None if axes.edges is None else free[axes.edges],
        axes.mask,
    )


def component_axis(law: Representation, tensor: torch.Tensor) -> int | None:
    """Returns the axis of the components, counted from 0; None if there is none."""
    if isinstance(law, Invariant) or not tensor.dim():
        return None
    axis = law.axis if isinstance(law, CartesianPoints) else law.axes[0] if isinstance(law, CartesianTensor) else -1
    return axis % tensor.dim()


_Proposal = tuple[tuple[Representation, ...], str, How]
"""The laws that a tensor may have, the likeliest first; the evidence; how the first one is known."""


def _propose_for_floats(word: str, tensor: torch.Tensor) -> _Proposal:
    """Returns the laws of a floating-point tensor."""
    threes = _axes_of_three(tensor)
    if word in field_names.INVARIANTS:
        return (Invariant(),), "its name", How.BY_NAME
    if threes and field_names.names_cells(word) and tensor.shape[-2:] == (3, 3):
        batch = 0 if tensor.dim() > 2 and len(tensor) > 1 else None
        return (Irreps(_VECTORS, nodes=None, batch=batch),), "its name; its rows are lattice vectors", How.BY_NAME
    where = "its last axis is 3" if threes[:1] == [tensor.dim() - 1] else f"axis {threes[0]} is 3" if threes else ""
    if threes and field_names.names_points(word):
        return tuple(_points(a, tensor) for a in threes), f"its name; {where}", How.BY_NAME
    if threes and field_names.names_vectors(word):
        return tuple(_vectors(a, tensor) for a in threes), f"its name; {where}", How.BY_NAME
    if threes and tensor.dim() > 1:
        laws = [law for a in threes for law in (_points(a, tensor), _vectors(a, tensor), _vectors(a, tensor, True))]
        if _are_frames(tensor):
            where = "its matrices are rotations"
            laws = sorted(laws, key=lambda law: (isinstance(law, CartesianPoints), isinstance(law, Irreps)))
        return (Invariant(), *laws), f"asked: {where}, and its name says nothing", How.BY_SHAPE
    why = "one number for each entry" if tensor.dim() < 2 else "its last axis is not 3"
    moves = field_names.names_points(word) or field_names.names_vectors(word)
    return (Invariant(),), f"{why}, whatever its name says" if moves else why, How.READ_OFF


def _axes_of_three(tensor: torch.Tensor) -> list[int]:
    """Returns the axes that may hold x, y, z, the likeliest first.

    These are the last axis, the second one of [samples, 3, nodes] and [nodes, 3, channels], the first one of
    [3, nodes], and the last but one of matrices.
    """
    last = tensor.dim() - 1
    inner = {1: 0, 2: 1}.get(last, last - 1 if tensor.shape[-2:] == (3, 3) else None)
    return [axis for axis in (last, inner) if axis is not None and axis >= 0 and tensor.shape[axis] == 3]


def _are_frames(tensor: torch.Tensor) -> bool:
    """True for orthogonal matrices on the last two axes: the vectors of a frame are usually their columns."""
    if tensor.dim() < 3 or tensor.shape[-2:] != (3, 3) or not tensor.numel():
        return False
    matrices = tensor.detach().double()
    products = matrices @ matrices.mT
    return torch.allclose(products, torch.eye(3).to(products).expand_as(products), rtol=0, atol=_ORTHOGONAL)


def _points(axis: int, tensor: torch.Tensor) -> Representation:
    return CartesianPoints() if axis == tensor.dim() - 1 else CartesianPoints(axis)


def _vectors(axis: int, tensor: torch.Tensor, pseudo: bool = False) -> Representation:
    if axis == tensor.dim() - 1:
        return Irreps("1x1e" if pseudo else _VECTORS)
    return CartesianTensor((axis,), pseudo)


def _propose_for_others(word: str, tensor: torch.Tensor, sizes: SampleSizes) -> _Proposal:
    """Returns the laws of a tensor of other dtype."""
    if not is_integer(tensor):
        return (Invariant(),), f"its dtype, {str(tensor.dtype).removeprefix('torch.')}", How.READ_OFF
    if numbers_samples(tensor, sizes.samples) and not field_names.names_kinds(word):
        numbers = NodeIndices(permuted=False, per_sample=1)
        law: Representation = replace(numbers, **sizes.axes(tuple(tensor.shape), False)._asdict())
        named = word in field_names.SAMPLES
        why = "its name; whole numbers" if named else "whole numbers from 0, as of samples one after the other"
        return (law,), why, How.BY_NAME if named else How.BY_SHAPE
    if word in field_names.STARTS and sizes.samples is not None:
        return (SampleStarts(sizes.samples),), "its name; whole numbers", How.BY_NAME
    if field_names.names_node_numbers(word):
        return (_node_numbers(word, tensor, sizes),), f"its name; whole numbers {_range(tensor)}", How.BY_NAME
    named, counts = word in field_names.INVARIANTS, (sizes.samples, sizes.edges_of)
    if not named and any(counts_entries(tensor, own) for own in counts):
        return (Invariant(),), "the sizes of the samples", How.READ_OFF
    why, how = ("its name", How.BY_NAME) if named else ("whole numbers, not named as node numbers", How.BY_SHAPE)
    return (Invariant(),), why, how


def _node_numbers(word: str, tensor: torch.Tensor, sizes: SampleSizes) -> NodeIndices:
    """Returns the representation of node numbers, with their axes."""
    if sizes.nodes is not None and tensor.numel() and int(tensor.max()) >= sizes.nodes:
        raise ArgumentError(word, f"node numbers {_range(tensor)}", f"numbers below {sizes.nodes}, the nodes")
    axes = sizes.axes(tuple(tensor.shape), False)
    follows = tensor.dim() and tensor.shape[0] == sizes.nodes and sizes.edges != tensor.shape[0]
    if follows or (sizes.batched is not None and isinstance(axes.nodes, int)):
        return NodeIndices(nodes=axes.nodes, batch=axes.batch, per_sample=sizes.samples, mask=axes.mask)
    last = tensor.dim() - 1
    if sizes.nodes is None or tensor.shape[max(last, 0) :] != (sizes.edges,):
        return NodeIndices(nodes=None, batch=None, per_sample=sizes.samples)
    return NodeIndices(nodes=None, batch=sizes.batch_of_edges(last), per_sample=sizes.samples, edges=last)


def _range(tensor: torch.Tensor) -> str:
    """Returns the range of the entries, in words."""
    return f"from {int(tensor.min())} to {int(tensor.max())}" if tensor.numel() else "(none)"


def _name(path: Path) -> str | int:
    """Returns the last name of a path; indices of a list are no names."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")
