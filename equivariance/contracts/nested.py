"""Walks nested values: dicts, lists, tuples, dataclasses, and containers of optional libraries.

`walk` visits each tensor with its representation, and builds a new value from the results of the visitor. The caller's
value never changes.

Called by contracts and by the engine for every argument and output. The module knows no library; adapters do.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch

from equivariance.contracts.adapter_registry import Adapter, Counts, adapter_of
from equivariance.contracts.foreign_objects import arrays_in, holds_tensors, how_to_nest, how_to_wrap, nested_in
from equivariance.contracts.spec import Spec
from equivariance.errors import ArgumentError, ContractError, UndeclaredTensorError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import Assumed
from equivariance.representations.base import Representation
from equivariance.representations.irreps import Irreps
from equivariance.representations.sample_list import SampleList
from equivariance.representations.standard import Invariant, as_representation

Visitor = Callable[[torch.Tensor, Representation, str], torch.Tensor]


@dataclass(frozen=True)
class GraphFields:
    """Representations of the fields of a graph object of another library (DGL).

    Attributes:
        ndata: Representations by node field.
        edata: Representations by edge field.
        permuted: True if the nodes of this graph are reordered with the nodes of the input. False for a pooled graph in
            the order of selection.
    """

    ndata: Mapping[str, Spec]
    edata: Mapping[str, Spec]
    permuted: bool = True


class _Unspecified:
    """Marks a walk without representations: every tensor is visited as unchanged."""


UNSPECIFIED = _Unspecified()
_UNCHANGED = Invariant()


def compile_spec(spec: object, path: str) -> Spec:
    """Parses the leaves of a public specification; containers keep their shape.

    Args:
        spec: A representation, a string, None, irreps, or a nested container of these.
        path: The place, for the error.

    Raises:
        ArgumentError: If a leaf is no representation.
    """
    if isinstance(spec, GraphFields):
        nodes = {k: compile_spec(v, f"{path}.ndata[{k!r}]") for k, v in spec.ndata.items()}
        edges = {k: compile_spec(v, f"{path}.edata[{k!r}]") for k, v in spec.edata.items()}
        return GraphFields(nodes, edges, spec.permuted)
    if isinstance(spec, (Representation, SampleList)):
        return _in_one_sample(spec, path) if isinstance(spec, SampleList) else spec
    if isinstance(spec, Mapping):
        return {k: compile_spec(v, f"{path}[{k!r}]") for k, v in spec.items()}
    if isinstance(spec, (list, tuple)) and (type(spec) in (list, tuple) or _is_named(spec)):
        return [compile_spec(v, f"{path}[{i}]") for i, v in enumerate(spec)]
    if is_dataclass(spec) and not isinstance(spec, type):
        return {f.name: compile_spec(getattr(spec, f.name), f"{path}.{f.name}") for f in fields(spec)}
    return as_representation(spec, path)


def walk(value: Any, spec: object, path: str, visit: Visitor, element: Transform | None = None) -> Any:
    """Rebuilds a value; each tensor is replaced by `visit(tensor, representation, path)`.

    Args:
        value: The value.
        spec: Its specification, or `UNSPECIFIED`.
        path: The place of `value`, for errors.
        visit: Called with each tensor, its representation and its path.
        element: If given, graphs are transformed by it with their structure, and not visited.

    Returns:
        A new value of the same types.

    Raises:
        UndeclaredTensorError: If a tensor has no representation; the message names its path.
        ContractError: If the specification and the value are nested differently, or a tensor does not fit.
    """
    if isinstance(value, torch.Tensor):
        return visit(value, _law(value, spec, path), path)
    adapter = adapter_of(value)
    if adapter is not None:
        graph = _spec_of(adapter, spec, path)
        return adapter.walk(value, graph, path, visit) if element is None else adapter.transform(value, graph, element)
    _reject_other_than_tensor(value, spec, path)
    if isinstance(value, Mapping):
        items = {k: walk(v, _item(spec, k, path), f"{path}[{k!r}]", visit, element) for k, v in value.items()}
        return _mapping_like(value, items)
    if isinstance(value, (list, tuple)):
        return _sequence_like(value, _walk_entries(value, spec, path, visit, element))
    if is_dataclass(value) and not isinstance(value, type):
        return _walk_dataclass(value, spec, path, visit, element)
    _reject_hidden_tensors(value, path)
    return value


def transform(value: Any, spec: object, element: Transform, path: str = "value") -> Any:
    """Applies `element` to every tensor of `value` by its representation.

    Args:
        value: The value.
        spec: Its specification.
        element: The element.
        path: The place of `value`, for errors.
    """
    return walk(value, spec, path, lambda t, r, _: r.transform(t, element), element)


def map_tensors(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Rebuilds `value` with `change` applied to every tensor."""
    return walk(value, UNSPECIFIED, "value", lambda t, _r, _p: change(t))


def with_tensors(
    value: Any, made: Mapping[tuple[str | int, ...], torch.Tensor], path: tuple[str | int, ...] = ()
) -> Any:
    """Rebuilds `value` with other tensors at some paths.

    Args:
        value: The value, without containers of other libraries at these paths.
        made: Keys and fields from `value` to a tensor -> the tensor in its place.
        path: The path of `value` itself.
    """
    if path in made:
        return made[path]
    if not any(other[: len(path)] == path for other in made):
        return value
    items = {key: with_tensors(entry, made, (*path, key)) for key, entry in children(value)}
    if isinstance(value, Mapping):
        return _mapping_like(value, items)
    if isinstance(value, (list, tuple)):
        return _sequence_like(value, list(items.values()))
    result = copy.copy(value)
    for key, entry in items.items():
        object.__setattr__(result, str(key), entry)
    return result


def with_arrays_as_tensors(value: Any) -> Any:
    """Returns values by name with tensors in place of NumPy arrays of numbers.

    Raises:
        ContractError: If a tensor is nested; the message has the line that passes its samples as a list.
    """
    for path, tensor in nested_in(value, (), children):
        place = "".join(f"[{step!r}]" for step in path[1:])
        raise ContractError(f"args: {path[0]}{place}", "nested tensor", how_to_nest(tensor, str(path[0])))
    made = dict(arrays_in(value, (), children))
    return with_tensors(value, made) if made else value


def cloned(value: Any) -> Any:
    """Returns a copy that shares no memory with `value` and has no autograd history."""
    return map_tensors(value, lambda t: t.detach().clone())


def cast(value: Any, dtype: torch.dtype) -> Any:
    """Converts floating-point tensors to `dtype`; integers and booleans keep their dtype."""

    def change(tensor: torch.Tensor) -> torch.Tensor:
        """Converts one tensor."""
        return tensor.detach().to(dtype) if tensor.is_floating_point() else tensor.detach()

    return change(value) if isinstance(value, torch.Tensor) else map_tensors(value, change)


def leaves(value: Any, spec: object, path: str = "") -> list[tuple[str, torch.Tensor, Representation]]:
    """Returns every tensor with its path and representation, in a fixed order.

    Args:
        value: The value.
        spec: Its specification, or `UNSPECIFIED`.
        path: The place of `value`.

    Raises:
        UndeclaredTensorError: If a tensor has no representation.
        ContractError: If the specification and the value are nested differently, or a tensor does not fit.
    """
    if isinstance(value, torch.Tensor):
        return [(path, value, _law(value, spec, path))]
    found: list[tuple[str, torch.Tensor, Representation]] = []

    def collect(tensor: torch.Tensor, representation: Representation, where: str) -> torch.Tensor:
        """Records a tensor and returns it."""
        found.append((where, tensor, representation))
        return tensor

    walk(value, spec, path, collect)
    return found


def _walk_entries(
    value: Sequence[Any], spec: object, path: str, visit: Visitor, element: Transform | None
) -> list[Any]:
    """Rebuilds the entries of a list or tuple."""
    if isinstance(spec, SampleList) and element is not None:
        return _transformed_samples(value, spec, path, element)
    if isinstance(spec, list) and len(spec) != len(value):
        raise ContractError(path, f"a sequence of {len(spec)} representations", f"{len(value)}, one for each item")
    return [walk(v, _item(spec, i, path), f"{path}[{i}]", visit, element) for i, v in enumerate(value)]


def _transformed_samples(value: Sequence[Any], spec: SampleList, path: str, element: Transform) -> list[Any]:
    """Returns the entries of a list of samples, each transformed in itself, and the selected ones of them."""
    if element.samples is not None and element.of != len(value):
        raise ArgumentError("samples", f"some of {element.of} samples", f"some of {len(value)}, the entries of {path}")
    if element.sizes is not None and len(element.sizes) != len(value):
        raise ArgumentError(
            "order", f"samples of {element.sizes} nodes", f"{len(value)} samples, the entries of {path}"
        )
    entries = [transform(v, spec.each, element.within(i), f"{path}[{i}]") for i, v in enumerate(value)]
    return entries if element.samples is None else [entries[i] for i in element.samples]


def _in_one_sample(spec: SampleList, path: str) -> SampleList:
    """Returns the parsed specification of a list of samples, in whose entries no axis lists samples."""

    def alone(own: Any) -> Any:
        """Returns a parsed specification without axes of samples."""
        if isinstance(own, Representation):
            return replace(own, batch=None) if isinstance(own.batch, Assumed) else own
        if isinstance(own, Mapping):
            return {key: alone(entry) for key, entry in own.items()}
        return [alone(entry) for entry in own] if isinstance(own, list) else own

    return SampleList(alone(compile_spec(spec.each, f"{path}[i]")))


def representations_in(spec: object) -> Iterator[Representation]:
    """Yields the representations in a compiled specification."""
    if isinstance(spec, Representation):
        yield spec
    elif isinstance(spec, SampleList):
        yield from representations_in(spec.each)
    elif isinstance(spec, GraphFields):
        yield from representations_in([spec.ndata, spec.edata])
    elif isinstance(spec, (Mapping, list)):
        for item in spec.values() if isinstance(spec, Mapping) else spec:
            yield from representations_in(item)


def sample_lists(value: Any, spec: object) -> Iterator[tuple[Sequence[Any], SampleList]]:
    """Yields every list of samples in a value, with its specification."""
    if isinstance(spec, SampleList) and isinstance(value, (list, tuple)):
        yield value, spec
    elif isinstance(spec, (Mapping, list)):
        for key, entry in children(value):
            yield from sample_lists(entry, spec.get(key) if isinstance(spec, Mapping) else spec[int(key)])


def sizes_of_graphs(value: Any) -> Iterator[tuple[Counts, Counts | None]]:
    """Yields, for every graph of an optional library, the nodes and the edges of each sample."""
    if isinstance(value, torch.Tensor):
        return
    adapter = adapter_of(value)
    if adapter is not None:
        yield adapter.sizes(value)
        return
    items: Iterable[Any] = value.values() if isinstance(value, Mapping) else ()
    if isinstance(value, (list, tuple)):
        items = value
    elif is_dataclass(value) and not isinstance(value, type):
        items = (getattr(value, entry.name) for entry in fields(value))
    for item in items:
        yield from sizes_of_graphs(item)


def _law(value: torch.Tensor, spec: object, path: str) -> Representation:
    """Returns the representation of a tensor, after a check."""
    if spec is UNSPECIFIED:
        return _UNCHANGED
    if spec is None:
        raise UndeclaredTensorError(path, tuple(value.shape))
    if not isinstance(spec, Representation):
        raise ContractError(path, f"tensor of shape {tuple(value.shape)}", f"a value shaped like {spec!r}")
    spec.check(value, path)
    return spec


def _walk_dataclass(value: Any, spec: object, path: str, visit: Visitor, element: Transform | None) -> Any:
    """Rebuilds a dataclass."""
    result = copy.copy(value)
    for entry in fields(value):
        new = walk(getattr(value, entry.name), _item(spec, entry.name, path), f"{path}.{entry.name}", visit, element)
        object.__setattr__(result, entry.name, new)
    return result


def _item(spec: object, key: object, path: str) -> object:
    """Returns the specification of one entry, or None; None is an error only if the entry holds a tensor."""
    if spec is None or spec is UNSPECIFIED or isinstance(spec, Invariant):
        return spec
    if isinstance(spec, SampleList):
        return spec.each
    if isinstance(spec, Mapping):
        return spec.get(key)
    if isinstance(spec, list) and isinstance(key, int):
        return spec[key]
    raise ContractError(path, spec, f"a container with an entry {key!r}, like the value that it describes")


def _spec_of(adapter: Adapter, spec: object, path: str) -> object:
    """Returns the specification of a container of an optional library, after a check."""
    if spec is UNSPECIFIED or spec is None or adapter.fits(spec):
        return spec
    raise ContractError(path, spec, adapter.takes)


def _is_named(value: object) -> bool:
    """True for a named tuple."""
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _mapping_like(value: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """Returns `items` in a mapping of the type of `value`. If no entry changed, `value` itself is returned."""
    if type(value) is dict:
        return items
    if all(items[key] is old for key, old in value.items()):
        return value
    result = copy.copy(value)
    for key, item in items.items():
        result[key] = item  # type: ignore[index]
    return result


def _sequence_like(value: list[Any] | tuple[Any, ...], entries: list[Any]) -> Any:
    """Returns `entries` in a sequence of the type of `value`. If no entry changed, a special type is
    returned itself.
    """
    if type(value) not in (list, tuple) and all(new is old for new, old in zip(entries, value, strict=True)):
        return value
    return type(value)(*entries) if _is_named(value) else type(value)(entries)


def _reject_other_than_tensor(value: object, spec: object, path: str) -> None:
    """Rejects a value that is declared as a tensor and is none. None stands for an omitted argument or output."""
    if value is None or not isinstance(spec, Representation):
        return
    if isinstance(value, np.ndarray):
        raise ContractError(path, f"NumPy array of shape {value.shape}", "a tensor of torch")
    if not isinstance(spec, Invariant):
        name = spec.irreps if isinstance(spec, Irreps) else type(spec).__name__
        raise ContractError(path, type(value).__name__, f"a tensor, for {name}")


def _reject_hidden_tensors(value: object, path: str) -> None:
    """Rejects an object of unknown type that holds tensors, or geometry in other forms."""
    line = how_to_wrap(value)
    if line is not None:
        raise ContractError(path, type(value).__name__, line)
    if holds_tensors(value):
        what = f"{type(value).__name__} that holds tensors"
        raise ContractError(
            path, what, "a tensor, dict, list, tuple, dataclass, or data of DGL, torch_geometric or escnn"
        )


def children(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yields key or field name and entry of each value in a container."""
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((entry.name, getattr(value, entry.name)) for entry in fields(value))
