"""Finds the edges of a graph, and the vector of sample numbers of its nodes, among the values of one container.

Called by `contracts.assumptions`. The module guesses no representations. Vectors that nothing in the data tells from
kinds or residues are `doubtful_numbers`; `_engine.inference` runs the module to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from equivariance.contracts import field_names


def edges_among(values: Mapping[str, Any]) -> Tensor | None:
    """Returns the node numbers at the ends of each edge, [2, E] integers, or None if no value lists edges.

    Edges are a tensor of two rows, two vectors in a list or tuple, or two vectors whose names belong together.

    Args:
        values: Values by name, in the spelling of `field_names.plain`.
    """
    return next(_edges(values), None)


def _edges(values: Mapping[str, Any]) -> Iterator[Tensor]:
    """Yields the edges in each form."""
    for name, value in values.items():
        if name not in field_names.EDGES:
            continue
        if isinstance(value, Tensor) and value.dim() == 2 and len(value) == 2 and is_integer(value):
            yield value
        elif isinstance(value, (list, tuple)) and len(value) == 2 and _are_ends(*value):
            yield torch.stack(list(value))
    for source, target in field_names.ENDS:
        for name, value in values.items():
            fits = name == source or name.endswith(f"_{source}")
            other = values.get(name.removesuffix(source) + target) if fits else None
            if other is not None and _are_ends(value, other):
                yield torch.stack([value, other])


def _are_ends(one: Any, other: Any) -> bool:
    """True for two vectors of as many node numbers."""
    both = isinstance(one, Tensor) and isinstance(other, Tensor)
    return both and one.dim() == 1 and one.shape == other.shape and is_integer(one) and is_integer(other)


def sample_numbers_among(tensors: Mapping[str, Tensor], edges: Tensor | None) -> Tensor | None:
    """Returns the sample number of each node, [N] integers, or None if no tensor is one.

    A vector of a conventional name is one. Of other names, the samples must lie one after the other, and something must
    bear it out: a word in the name, a tensor that counts the nodes of the samples, a cell for each sample, or edges
    none of which joins two samples.

    Args:
        tensors: The tensors of one container by name, in the spelling of `field_names.plain`.
        edges: Node numbers, [2, E] integers, or None.
    """
    named = (t for name, t in tensors.items() if name in field_names.SAMPLES and t.dim() == 1 and is_integer(t))
    shown = (t for name, t in _in_order(tensors) if _is_borne_out(name, t, tensors, edges))
    return next(named, next(shown, None))


def doubtful_numbers(tensors: Mapping[str, Tensor]) -> Iterator[Tensor]:
    """Yields the vectors that may be sample numbers by their values, whatever lies beside them."""
    yield from (tensor for _, tensor in _in_order(tensors))


def numbers_samples(tensor: Tensor, samples: tuple[int, ...] | None) -> bool:
    """True if a vector holds the sample number of each node, for samples of these sizes one after the other."""
    if samples is None or tensor.shape != (sum(samples),) or not is_integer(tensor):
        return False
    sizes = torch.tensor(samples, device=tensor.device)
    return torch.equal(tensor, torch.arange(len(samples), device=tensor.device).repeat_interleave(sizes).to(tensor))


def counts_entries(tensor: Tensor, sizes: tuple[int, ...] | None) -> bool:
    """True if a vector holds the sizes of the samples."""
    return sizes is not None and is_integer(tensor) and tensor.dim() == 1 and tuple(tensor.tolist()) == sizes


def is_integer(tensor: Tensor) -> bool:
    """True if the dtype is an integer."""
    return not tensor.is_floating_point() and not tensor.is_complex() and tensor.dtype != torch.bool


def _in_order(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Yields name and value of vectors that count up from 0 in steps of 0 and 1, with several entries of a number.

    As many nodes as the vector has entries must lie beside it, and its name must not say that it is something else.
    """
    floats = {name: t for name, t in tensors.items() if t.dim() and t.is_floating_point()}
    points = {len(t) for name, t in floats.items() if t.dim() == 2 and field_names.names_points(name)}
    rows = points or {len(t) for t in floats.values()}
    for name, tensor in tensors.items():
        if tensor.dim() != 1 or not is_integer(tensor) or len(tensor) not in rows or field_names.names_kinds(name):
            continue
        steps = tensor.diff()
        last = int(tensor[-1]) if len(tensor) else 0
        if 0 < last < len(tensor) - 1 and int(tensor[0]) == 0 and bool(((steps == 0) | (steps == 1)).all()):
            yield name, tensor


def _is_borne_out(name: str, numbers: Tensor, tensors: Mapping[str, Tensor], edges: Tensor | None) -> bool:
    """True if the name, or what lies beside it, shows that a vector numbers samples."""
    if set(name.split("_")) & field_names.SAMPLE_WORDS:
        return True
    sizes = tuple(torch.bincount(numbers).tolist())
    if any(counts_entries(t, sizes) for t in tensors.values()):
        return True
    if any(field_names.names_cells(n) and t.shape == (len(sizes), 3, 3) for n, t in tensors.items()):
        return True
    inside = edges is not None and edges.numel() > 0 and int(edges.max()) < len(numbers)
    return inside and edges is not None and torch.equal(numbers[edges[0]], numbers[edges[1]])
