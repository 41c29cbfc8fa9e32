"""Walks over nested values: dicts, lists, tuples, dataclasses, and the containers of optional libraries.

One walk serves everything: it visits each tensor together with its representation and builds the value anew from
what the visitor returns, so that a caller's value is never changed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch

from equivariance.contracts.adapter_registry import Adapter, adapter_of
from equivariance.errors import ContractError, UndeclaredTensorError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import Invariant, as_representation

_DEPTH = 3
"""How deep objects of unknown types are searched for tensors that nobody would transform."""

Visitor = Callable[[torch.Tensor, Representation, str], torch.Tensor]


@dataclass(frozen=True)
class GraphFields:
    """Representations of the fields of a graph object of another library (DGL).

    Attributes:
        ndata: Node field -> representation
        edata: Edge field -> representation
        permuted: Whether the nodes of this graph are reordered with the nodes of the input; False for a graph whose
            node order does not depend on the input's (a pooled graph in the order of selection)
    """

    ndata: Mapping[str, object]
    edata: Mapping[str, object]
    permuted: bool = True


class _Unspecified:
    """Stands for "no representation asked for": every tensor is visited as unchanged."""


UNSPECIFIED = _Unspecified()
_UNCHANGED = Invariant()


def compile_spec(spec: object, path: str) -> object:
    """Parse the leaves of a public specification once, at the boundary; containers keep their shape."""
    if isinstance(spec, GraphFields):
        nodes = {k: compile_spec(v, f"{path}.ndata[{k!r}]") for k, v in spec.ndata.items()}
        edges = {k: compile_spec(v, f"{path}.edata[{k!r}]") for k, v in spec.edata.items()}
        return GraphFields(nodes, edges, spec.permuted)
    if isinstance(spec, Representation):
        return spec
    if isinstance(spec, Mapping):
        return {k: compile_spec(v, f"{path}[{k!r}]") for k, v in spec.items()}
    if isinstance(spec, (list, tuple)) and (type(spec) in (list, tuple) or _is_named(spec)):
        return [compile_spec(v, f"{path}[{i}]") for i, v in enumerate(spec)]
    if is_dataclass(spec) and not isinstance(spec, type):
        return {f.name: compile_spec(getattr(spec, f.name), f"{path}.{f.name}") for f in fields(spec)}
    return as_representation(spec, path)


def walk(value: Any, spec: object, path: str, visit: Visitor, element: Transform | None = None) -> Any:
    """Rebuild `value` with every tensor replaced by `visit(tensor, representation, path)`.

    With an `element`, graphs are transformed by it as a whole (their structure changes too) and not visited.

    Raises:
        UndeclaredTensorError: A tensor has no representation; names its path
        ContractError: The specification and the value have different shapes
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
        _same_length(value, spec, path)
        entries = [walk(v, _item(spec, i, path), f"{path}[{i}]", visit, element) for i, v in enumerate(value)]
        return _sequence_like(value, entries)
    if is_dataclass(value) and not isinstance(value, type):
        return _walk_dataclass(value, spec, path, visit, element)
    _reject_hidden_tensors(value, path)
    return value


def transform(value: Any, spec: object, element: Transform, path: str = "value") -> Any:
    """`element` applied to every tensor of `value` by its representation."""
    return walk(value, spec, path, lambda t, r, _: r.transform(t, element), element)


def map_tensors(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Rebuild `value` with `change` applied to every tensor, whatever its representation."""
    return walk(value, UNSPECIFIED, "value", lambda t, _r, _p: change(t))


def cloned(value: Any) -> Any:
    """A copy that shares no memory with `value` and no autograd history."""
    return map_tensors(value, lambda t: t.detach().clone())


def cast(value: Any, dtype: torch.dtype) -> Any:
    """Floating-point tensors converted to `dtype`; integers and booleans as they are."""

    def change(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.detach().to(dtype) if tensor.is_floating_point() else tensor.detach()

    return change(value) if isinstance(value, torch.Tensor) else map_tensors(value, change)


def leaves(value: Any, spec: object, path: str = "") -> list[tuple[str, torch.Tensor, Representation]]:
    """Every tensor with its path and representation, in a fixed order."""
    if isinstance(value, torch.Tensor):
        return [(path, value, _law(value, spec, path))]
    found: list[tuple[str, torch.Tensor, Representation]] = []

    def collect(tensor: torch.Tensor, representation: Representation, where: str) -> torch.Tensor:
        found.append((where, tensor, representation))
        return tensor

    walk(value, spec, path, collect)
    return found


def sizes_of_graphs(value: Any) -> Iterator[tuple[int, int]]:
    """Nodes of one sample, and samples, of every graph of another library that is inside."""
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
    """What a tensor transforms by."""
    if spec is UNSPECIFIED:
        return _UNCHANGED
    if spec is None:
        raise UndeclaredTensorError(path, tuple(value.shape))
    if not isinstance(spec, Representation):
        raise ContractError(path, f"tensor of shape {tuple(value.shape)}", f"a value shaped like {spec!r}")
    spec.check(value, path)
    return spec


def _walk_dataclass(value: Any, spec: object, path: str, visit: Visitor, element: Transform | None) -> Any:
    result = copy.copy(value)
    for entry in fields(value):
        new = walk(getattr(value, entry.name), _item(spec, entry.name, path), f"{path}.{entry.name}", visit, element)
        object.__setattr__(result, entry.name, new)
    return result


def _item(spec: object, key: object, path: str) -> object:
    """The specification of one entry; None where there is none (an error only if a tensor is found there)."""
    if spec is None or spec is UNSPECIFIED or isinstance(spec, Invariant):
        return spec
    if isinstance(spec, Mapping):
        return spec.get(key)
    if isinstance(spec, list) and isinstance(key, int):
        return spec[key]
    raise ContractError(path, spec, f"a container with an entry {key!r}, like the value that it describes")


def _same_length(value: list[Any] | tuple[Any, ...], spec: object, path: str) -> None:
    if isinstance(spec, list) and len(spec) != len(value):
        raise ContractError(path, f"a sequence of {len(spec)} representations", f"{len(value)}, one for each item")


def _spec_of(adapter: Adapter, spec: object, path: str) -> object:
    if spec is UNSPECIFIED or spec is None or adapter.fits(spec):
        return spec
    raise ContractError(path, spec, adapter.takes)


def _is_named(value: object) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _mapping_like(value: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """`items` in a mapping of the same kind; an unusual one in which nothing changed is handed on as it is."""
    if type(value) is dict:
        return items
    if all(items[key] is old for key, old in value.items()):
        return value
    result = copy.copy(value)
    for key, item in items.items():
        result[key] = item  # type: ignore[index]
    return result


def _sequence_like(value: list[Any] | tuple[Any, ...], entries: list[Any]) -> Any:
    if type(value) not in (list, tuple) and all(new is old for new, old in zip(entries, value, strict=True)):
        return value
    return type(value)(*entries) if _is_named(value) else type(value)(entries)


def _reject_other_than_tensor(value: object, spec: object, path: str) -> None:
    """Nothing but a tensor can be transformed as one; None is an argument, or an output, that was left out."""
    if value is None or not isinstance(spec, Representation):
        return
    if isinstance(value, np.ndarray):
        raise ContractError(path, f"NumPy array of shape {value.shape}", "a tensor of torch")
    if not isinstance(spec, Invariant):
        name = spec.irreps if isinstance(spec, Irreps) else type(spec).__name__
        raise ContractError(path, type(value).__name__, f"a tensor, for {name}")


def _reject_hidden_tensors(value: object, path: str) -> None:
    if _holds_tensors(value, _DEPTH):
        what = f"{type(value).__name__} that holds tensors"
        raise ContractError(
            path, what, "a tensor, dict, list, tuple, dataclass, or data of DGL, torch_geometric or escnn"
        )


def _holds_tensors(value: object, depth: int) -> bool:
    if isinstance(value, torch.Tensor):
        return True
    if depth == 0 or isinstance(value, (torch.nn.Module, type)):
        return False
    items: Iterable[object] = getattr(value, "__dict__", {}).values()
    if isinstance(value, Mapping):
        items = value.values()
    elif isinstance(value, (list, tuple, set, frozenset)):
        items = value
    elif isinstance(value, partial):
        items = [value.func, *value.args, *value.keywords.values()]
    elif isinstance(value, FunctionType):
        items = [
            *(value.__defaults__ or ()),
            *(cell.cell_contents for cell in value.__closure__ or () if _filled(cell)),
        ]
    elif isinstance(value, MethodType):
        items = [value.__self__, value.__func__]
    return any(_holds_tensors(item, depth - 1) for item in items)


def _filled(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def children(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Key or field and entry of each value within a container."""
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((entry.name, getattr(value, entry.name)) for entry in fields(value))
