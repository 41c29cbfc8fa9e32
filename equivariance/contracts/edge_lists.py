"""Finds the edges of a graph among the values of one container, by names and shapes.

Called by `contracts.assumptions`. The module guesses no representations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from equivariance.contracts import field_names


def edges_among(values: Mapping[str, Any]) -> torch.Tensor | None:
    """Returns the node numbers at the ends of each edge, [2, E] integers, or None if no value lists edges.

    Edges are a tensor of two rows, two vectors in a list or tuple, or two vectors whose names belong together.

    Args:
        values: Values by name, in the spelling of `field_names.plain`.
    """
    return next(_edges(values), None)


def _edges(values: Mapping[str, Any]) -> Iterator[torch.Tensor]:
    """Yields the edges in each form."""
    for name, value in values.items():
        if name not in field_names.EDGES:
            continue
        if isinstance(value, torch.Tensor) and value.dim() == 2 and len(value) == 2 and _holds_numbers(value):
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
    both = isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor)
    return both and one.dim() == 1 and one.shape == other.shape and _holds_numbers(one) and _holds_numbers(other)


def _holds_numbers(tensor: torch.Tensor) -> bool:
    """True if the dtype is an integer."""
    return not tensor.is_floating_point() and not tensor.is_complex() and tensor.dtype != torch.bool
