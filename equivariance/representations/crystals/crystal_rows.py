"""Rows of tensors in a crystal: repeated in doubled cells, or laid beside positions.

Called by representations, which say which axes list nodes, edges and samples. The module knows no representations.
"""

from __future__ import annotations

import numpy as np
import torch

from equivariance.errors import ArgumentError
from equivariance.groups.crystal import Crystal
from equivariance.groups.elements import Transform


def crystal_of(element: Transform) -> Crystal:
    """Returns the crystal for which an element was placed.

    Raises:
        ArgumentError: If it was placed for none.
    """
    if element.crystal is None:
        raise ArgumentError("element", element, "an element that is placed in the crystal of an input")
    return element.crystal


def lists_nodes(tensor: torch.Tensor, nodes: int, samples: int | None, crystal: Crystal) -> bool:
    """True if an axis lists as many nodes as the crystal has.

    Args:
        tensor: The tensor.
        nodes: Its axis of nodes.
        samples: Its axis that lists nothing but samples; None if samples lie one after the other.
        crystal: The crystal.
    """
    if samples is None:
        return bool(tensor.shape[nodes] == sum(crystal.nodes))
    return (tensor.shape[nodes],) * tensor.shape[samples] == crystal.nodes


def repeated(tensor: torch.Tensor, nodes: int, samples: int | None, crystal: Crystal) -> torch.Tensor:
    """Returns a tensor with the rows of doubled samples: each sample is followed by its copy. Arguments as above."""
    if samples is not None:
        return torch.cat([tensor, tensor], nodes)
    rows, _ = crystal.rows_twice
    return tensor.index_select(nodes, torch.from_numpy(rows).to(tensor.device))


def beside(values: np.ndarray, tensor: torch.Tensor, nodes: int, samples: int | None, components: int) -> torch.Tensor:
    """Returns rows of three components, float64, in a shape that lies beside a tensor of positions.

    Args:
        values: [rows, 3], the rows of all samples one after the other.
        tensor: The positions.
        nodes, samples: Their axes of nodes and of samples, as above.
        components: Their axis of length 3.
    """
    axes = [axis for axis in (samples, nodes, components) if axis is not None]
    lengths = [tensor.shape[axis] for axis in axes]
    shape = [tensor.shape[axis] if axis in axes else 1 for axis in range(tensor.dim())]
    laid = torch.from_numpy(values).to(tensor.device).reshape(lengths)
    return laid.permute(sorted(range(len(axes)), key=lambda place: axes[place])).reshape(shape)
