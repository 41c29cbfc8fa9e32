"""Converts NumPy arrays to tensors, finds tensors in objects of unknown types, and says how known ones are wrapped.

`contracts.signature` converts the arguments of a call. `contracts.nested` rejects other objects, with the line that
passes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch

_Path = tuple[str | int, ...]
_Entry = tuple[str | int, Any]

_DEPTH = 3
"""Depth to which objects of unknown types are searched for tensors, which the harness could not transform."""


def how_to_wrap(value: object) -> str | None:
    """Returns the call that passes an object as tensors; None for objects that are not known.

    Known are frames with a rotation and a translation as in OpenFold.
    """
    methods = all(callable(getattr(value, name, None)) for name in ("get_rots", "get_trans"))
    if not methods and not all(hasattr(value, name) for name in ("_rots", "_trans")):
        return None
    names = ("get_rots()", "get_trans()") if methods else ("_rots", "_trans")
    return _how_to_frame(value, *(f"frames.{name}" for name in names))


def _how_to_frame(value: Any, rots: str, trans: str) -> str:
    """Returns the call that passes frames as matrices and positions.

    Args:
        value: The frames.
        rots, trans: Expressions of their rotations and of their translations.
    """
    rotation, made = value.get_rots() if "(" in rots else value._rots, "rots"
    if not isinstance(rotation, torch.Tensor):
        rots, made = f"{rots}.get_rot_mats()", f"{type(rotation).__name__}(rot_mats=rots)"
    return (
        f"tensors: write diagnose(lambda rots, trans: model({type(value).__name__}({made}, trans)), "
        f"({rots}, {trans}), (eq.CartesianTensor((-2,)), 'cartesian_points'))"
    )


def how_to_nest(value: torch.Tensor, name: str) -> str:
    """Returns the call that passes a nested tensor of this name as a list of its samples."""
    layout = "" if value.layout == torch.strided else ", layout=torch.jagged"
    return (
        f"a list of samples: write diagnose(lambda {name}: model(torch.nested.as_nested_tensor({name}{layout})), "
        f"(list({name}.unbind()),)), with a model that returns dense tensors"
    )


def nested_in(
    value: Any, path: _Path, children: Callable[[Any], Iterable[_Entry]]
) -> Iterator[tuple[_Path, torch.Tensor]]:
    """Yields path and tensor for every nested tensor in nested containers; the arguments are those of `arrays_in`."""
    for where, entry in _entries(value, path, children):
        if isinstance(entry, torch.Tensor) and entry.is_nested:
            yield where, entry


def holds_tensors(value: object, depth: int = _DEPTH) -> bool:
    """True if an object holds tensors, up to `depth` attributes deep."""
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
            *(cell.cell_contents for cell in value.__closure__ or () if _has_value(cell)),
        ]
    elif isinstance(value, MethodType):
        items = [value.__self__, value.__func__]
    return any(holds_tensors(item, depth - 1) for item in items)


def _has_value(cell: CellType) -> bool:
    """True if a closure cell has a value."""
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def arrays_in(
    value: Any, path: _Path, children: Callable[[Any], Iterable[_Entry]]
) -> Iterator[tuple[_Path, torch.Tensor]]:
    """Yields path and tensor for every NumPy array of numbers in nested containers.

    Args:
        value: The value.
        path: Its path.
        children: Yields key and entry of each value in a container.
    """
    for where, entry in _entries(value, path, children):
        if isinstance(entry, np.ndarray) and entry.dtype.kind in "biuf":
            yield where, _tensor(entry)


def _entries(value: Any, path: _Path, children: Callable[[Any], Iterable[_Entry]]) -> Iterator[tuple[_Path, Any]]:
    """Yields path and value of everything in nested containers, the value itself first."""
    yield path, value
    for key, entry in children(value):
        yield from _entries(entry, (*path, key), children)


def _tensor(array: np.ndarray) -> torch.Tensor:
    """Returns the numbers of an array in new memory; unsigned integers of more than a byte become int64."""
    wide = array.dtype.kind == "u" and array.dtype.itemsize > 1
    return torch.from_numpy(array.astype(np.int64) if wide else array.copy())
