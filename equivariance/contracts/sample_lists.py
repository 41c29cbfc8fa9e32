"""Recognizes lists whose entries are the samples of a batch, by the lengths of the entries.

Called by `contracts.assumptions`. The specification is `representations.SampleList`; `contracts.nested` transforms the
list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch

from equivariance.contracts import field_names

EACH = -1
"""Stands for the number of any entry of a list of samples, in the path of a tensor."""


def listed_samples(named: Mapping[Any, Any]) -> dict[Any, tuple[int, ...]]:
    """Returns key -> numbers of nodes of each sample, for the lists of samples in one container.

    A list or tuple of clouds [N, 3] is one of samples if their lengths differ. So is a list of clouds of one length
    whose name is that of positions, and a list of mappings or dataclasses with the same fields. Beside such a list,
    other lists of as many tensors list samples too, if the tensors differ in their first length at most.

    Args:
        named: The entries of the container.
    """
    found = {key: sizes for key, value in named.items() if (sizes := _sizes(str(key), value)) is not None}
    if not found:
        return {}
    sizes = max(found.values(), key=lambda own: len(set(own)))
    beside = (key for key, value in named.items() if key not in found and _is_beside(value, len(sizes)))
    return {**{key: sizes for key, own in found.items() if len(own) == len(sizes)}, **dict.fromkeys(beside, sizes)}


def _sizes(name: str, value: Any) -> tuple[int, ...] | None:
    """Returns the numbers of nodes of each sample, or None if a value is no list of samples."""
    if type(value) not in (list, tuple) or len(value) < 2:
        return None
    if all(isinstance(entry, torch.Tensor) for entry in value):
        clouds = all(t.dim() == 2 and t.shape[1] == 3 and t.is_floating_point() for t in value)
        sizes = tuple(len(t) for t in value) if clouds else ()
        named = type(value) is list and field_names.names_points(name)
        return sizes if len(set(sizes)) > 1 or (clouds and named) else None
    entries = [_fields(entry) for entry in value]
    if type(value) is tuple or not all(entries) or len({tuple(e) for e in entries}) > 1:
        return None
    nodes = [_nodes(entry) for entry in entries]
    return tuple(n for n in nodes if n is not None) if all(nodes) else None


def _fields(value: Any) -> dict[str, Any]:
    """Returns the fields of a mapping or a dataclass by name."""
    if isinstance(value, Mapping):
        return {str(key): entry for key, entry in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {entry.name: getattr(value, entry.name) for entry in fields(value)}
    return {}


def _nodes(entry: Mapping[str, Any]) -> int | None:
    """Returns the number of nodes of one sample, from its positions."""
    return next((len(t) for t in _clouds(entry)), None)


def _clouds(entry: Mapping[str, Any]) -> Iterator[torch.Tensor]:
    """Yields the positions in one sample."""
    for name, value in entry.items():
        cloud = isinstance(value, torch.Tensor) and value.dim() == 2 and value.shape[1] == 3
        if cloud and field_names.names_points(name):
            yield value


def _is_beside(value: Any, count: int) -> bool:
    """True for a list or tuple of `count` tensors that differ in their first length at most."""
    if type(value) not in (list, tuple) or len(value) != count:
        return False
    return (
        all(isinstance(t, torch.Tensor) for t in value) and len({(t.dim(), t.shape[1:], t.dtype) for t in value}) == 1
    )
