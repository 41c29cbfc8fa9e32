"""Permutes the nodes along one axis of a tensor.

Called by `Representation.permute`. The module knows no components.
"""

from __future__ import annotations

import torch

from equivariance.errors import ArgumentError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import Concatenated


def permuted(
    tensor: torch.Tensor, axis: int, element: Transform, samples: int | None, layout: Concatenated | None
) -> torch.Tensor:
    """Returns the tensor with new node i = old node order[i] in every sample.

    Args:
        tensor: The tensor.
        axis: The axis that lists nodes.
        element: An element that permutes nodes.
        samples: The axis that lists nothing but samples, or None.
        layout: The layout of samples that lie one after the other along `axis`, or None.

    Raises:
        ArgumentError: If the axis is not made of samples of as many nodes as the element permutes.
    """
    if element.sizes is not None:
        return _permuted_each(tensor, axis, element, samples)
    order = element.order or ()
    size, length = len(order), tensor.shape[axis]
    sizes = (length,) if layout is None else layout.sizes or (size,) * (length // size)
    if set(sizes) != {size} or sum(sizes) != length:
        expected = f"as many on the axis nodes={axis}, not {length} in samples of {sizes}"
        raise ArgumentError("order", f"permutation of {size} nodes", expected)
    index = torch.tensor(order, device=tensor.device)
    starts = torch.arange(0, length, size, device=tensor.device)
    return tensor.index_select(axis, (starts[:, None] + index).flatten())


def _permuted_each(tensor: torch.Tensor, axis: int, element: Transform, samples: int | None) -> torch.Tensor:
    """Reorders the nodes of each sample in its own way; samples have their own axis, or lie one after the other."""
    sizes = element.sizes or ()
    found = tensor.shape[axis] if samples is None else (tensor.shape[axis],) * tensor.shape[samples]
    if found != (len(element.order or ()) if samples is None else sizes):
        expected = f"as many on the axis nodes={axis}, not {found}"
        raise ArgumentError("order", f"permutation in samples of {sizes} nodes", expected)
    if samples is None:
        return tensor.index_select(axis, torch.tensor(element.order, device=tensor.device))
    orders = [torch.tensor(element.order_in(i), device=tensor.device) for i in range(len(sizes))]
    inner = axis - (samples < axis)
    pieces = [tensor.select(samples, i).index_select(inner, order) for i, order in enumerate(orders)]
    return torch.stack(pieces, samples)
