"""The adapter to PyTorch Geometric's `Data` and `Batch`: fields by name, renumbered edges, selected samples.

The object itself states which fields follow nodes or edges, along which axis samples are joined, and which fields hold
node numbers. The adapter reads `is_node_attr`, `is_edge_attr` and `__cat_dim__`, and the library applies `__inc__`. So
subclasses may change them.

Called through `contracts.adapter_registry`. The module rejects `HeteroData`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch_geometric.data import Batch, Data, HeteroData

from equivariance.contracts import field_names
from equivariance.contracts.adapter_registry import Counts
from equivariance.contracts.assumption import Assumption
from equivariance.contracts.assumptions import proposal
from equivariance.contracts.nested import UNSPECIFIED, walk
from equivariance.errors import ArgumentError, ContractError, UndeclaredTensorError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import Assumed, BatchAxis, Concatenated
from equivariance.representations.base import Representation
from equivariance.representations.sizes import Axes, SampleSizes, SampleStarts
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices

TYPES: tuple[type[Any], ...] = (Data, HeteroData)


class DataAdapter:
    """Walks and transforms homogeneous data. A new object is built; the given one never changes."""

    takes = "a dict of representations by field name, for data of torch_geometric"

    def fits(self, spec: object) -> bool:
        """True for a mapping by field name, or for `Invariant` (every field that the library does not define)."""
        return isinstance(spec, (Mapping, Invariant))

    def walk(self, data: Data, spec: Any, path: str, visit: Callable[..., torch.Tensor]) -> Data:
        """Visits every field that holds tensors, in the order of the object."""
        _check_kind(data, spec, path)
        result, found = copy.copy(data), {}
        for name, value in _fields(data):
            where = f"{path}[{name!r}]"
            if isinstance(value, torch.Tensor):
                found[name] = visit(value, _resolve_field(data, name, value, spec, where), where)
            else:
                found[name] = walk(value, _spec_of_field(spec, name), where, visit)
        for name, value in found.items():
            result[name] = value
        return result

    def transform(self, data: Data, spec: Any, element: Transform) -> Data:
        """Rotates, translates and reorders the fields, renumbers the nodes and selects the samples."""
        if element.doubled is not None and "num_nodes" in data:
            raise ArgumentError("num_nodes", data.num_nodes, "no stored number of nodes, for a doubled cell")
        if element.order is not None:
            _check_order(data, element)
        bare = replace(element, samples=None, origin="")
        moved = self.walk(data, spec, "data", lambda t, r, _: r.transform(t, bare))
        return moved if element.samples is None else _select_samples(moved, element)

    def sizes(self, data: Data) -> tuple[Counts, Counts | None]:
        """Returns the number of nodes and of edges of each sample."""
        return _samples(data), None if data.edge_index is None else _edges_of(data)

    def assume(self, data: Data, path: tuple[str | int, ...]) -> Iterator[Assumption]:
        """Yields assumptions from names and shapes. Of the fields that the library defines, only positions get one."""
        for name, value in _fields(data):
            if isinstance(value, torch.Tensor) and (name == "pos" or _library_law(data, name) is None):
                yield proposal(name, value, SampleSizes(), (*path, name)).with_axes_read_off()

    def group(self, data: Data) -> object:
        """Returns None: a graph names no group."""
        return None


ADAPTER = DataAdapter()


def _fields(data: Data) -> Iterator[tuple[str, Any]]:
    """Yields name and value of each field."""
    yield from data.to_dict().items()


def _check_kind(data: Any, spec: object, path: str) -> None:
    """Rejects data with several kinds of nodes, and declared names that are no fields."""
    if isinstance(data, HeteroData):
        raise ContractError(path, type(data).__name__, "data with one kind of nodes, torch_geometric.data.Data")
    unknown = sorted(set(spec) - set(data.keys())) if isinstance(spec, Mapping) else []
    if unknown:
        raise ContractError(path, unknown, f"names among its fields, {', '.join(data.keys())}")


def _spec_of_field(spec: object, name: str) -> Any:
    """Returns the specification of one field."""
    return spec.get(name) if isinstance(spec, Mapping) else spec


def _resolve_field(data: Data, name: str, value: torch.Tensor, spec: object, where: str) -> Representation:
    """Returns the representation of a field with its axes: declared, or defined by the library."""
    if spec is UNSPECIFIED:
        return Invariant(nodes=None, batch=None)
    named = _spec_of_field(spec, name) if isinstance(spec, Mapping) else None
    law = named if named is not None else _library_law(data, name)
    if law is None:
        law = spec if isinstance(spec, Invariant) else None
    if not isinstance(law, Representation):
        raise UndeclaredTensorError(where, tuple(value.shape))
    law = _with_axes(data, name, law)
    law.check(value, where)
    return law


def _library_law(data: Data, name: str) -> Representation | None:
    """Returns the law of a field that the library defines, or None."""
    value = data[name]
    if name == "pos" and value.shape[-1:] == (3,):
        return CartesianPoints()
    if value.is_floating_point():
        return None
    samples = _samples(data)
    if name in field_names.SAMPLES:
        return NodeIndices(permuted=False, per_sample=1)
    if name in field_names.STARTS:
        return SampleStarts(samples)
    numbers = "index" in name or name == "face"  # the names whose numbers the library increases when it joins samples
    return NodeIndices(per_sample=samples) if numbers else None


def _with_axes(data: Data, name: str, law: Representation) -> Representation:
    """Returns the law with the axes that the object states in place of undeclared ones."""
    if not isinstance(law.nodes, Assumed) and not isinstance(law.batch, Assumed):
        return law
    stated = _axes(data, name)
    return replace(
        law,
        nodes=stated.nodes if isinstance(law.nodes, Assumed) else law.nodes,
        batch=stated.batch if isinstance(law.batch, Assumed) else law.batch,
        edges=stated.edges if law.edges is None else law.edges,
    )


def _axes(data: Data, name: str) -> Axes:
    """Returns the axes of nodes, samples and edges of a field."""
    value, samples = data[name], _samples(data)
    if not value.dim() or name in field_names.STARTS:
        return Axes(None, None)
    axis = int(data.__cat_dim__(name, value) or 0) % value.dim()
    if data.is_node_attr(name) and not field_names.names_edges(name):
        return Axes(axis, Concatenated(axis, samples))
    if data.is_edge_attr(name) or field_names.names_edges(name):
        edges = _edges_of(data)
        return Axes(None, Concatenated(axis, edges), axis if sum(edges) == value.shape[axis] else None)
    if value.shape[axis] % len(samples) == 0:
        return Axes(None, Concatenated(axis, (value.shape[axis] // len(samples),) * len(samples)))
    return Axes(None, None)


def _samples(data: Data) -> tuple[int, ...]:
    """Returns the number of nodes of each sample."""
    if data.batch is None:
        return (int(data.num_nodes or 0),)
    return tuple(torch.bincount(data.batch).tolist())


def _edges_of(data: Data) -> tuple[int, ...]:
    """Returns the number of edges of each sample."""
    samples = _samples(data)
    if data.batch is None or data.edge_index is None:
        return (int(data.num_edges),) * len(samples)
    return tuple(torch.bincount(data.batch[data.edge_index[0]], minlength=len(samples)).tolist())


def _check_order(data: Data, element: Transform) -> None:
    """Rejects a permutation unless it is one for samples of these sizes."""
    sizes, size = _samples(data), len(element.order or ())
    if sizes != (element.sizes or (size,) * len(sizes)):
        expected = f"one for samples of {sizes} nodes"
        raise ArgumentError("order", f"a permutation of {element.sizes or size} nodes", expected)


def _select_samples(data: Data, element: Transform) -> Batch:
    """Splits the data into samples and joins the selected ones by the library."""
    count = len(_samples(data))
    if count != element.of:
        raise ArgumentError("samples", f"one of {element.of} samples", f"one of {count}, the samples of the data")
    parts = [_extract_sample(data, sample) for sample in range(count)]
    return Batch.from_data_list([parts[i] for i in element.samples or ()])


def _extract_sample(data: Data, sample: int) -> Data:
    """Returns one sample, split by the library; fields that the library does not split are cut out."""
    if data.batch is None:
        return data
    samples = _samples(data)
    result = data.get_example(sample) if isinstance(data, Batch) else Data(num_nodes=samples[sample])
    for name, value in _fields(data):
        if (
            name not in result
            and name not in field_names.SAMPLES | field_names.STARTS
            and isinstance(value, torch.Tensor)
        ):
            part = _cut_sample(value, _axes(data, name).batch, len(samples), sample)
            result[name] = part - sum(samples[:sample]) if isinstance(_library_law(data, name), NodeIndices) else part
    return result


def _cut_sample(value: torch.Tensor, batch: BatchAxis, count: int, sample: int) -> torch.Tensor:
    """Returns the rows of one sample."""
    if not isinstance(batch, Concatenated):
        return value
    start, size = batch.segments(value.shape[batch.axis], count)[sample]
    return value.narrow(batch.axis, start, size)
