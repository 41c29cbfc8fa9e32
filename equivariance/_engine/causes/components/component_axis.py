"""Finds the components of irreps in a tensor: the axis that holds them, their degree, and the rows of components.

The experiments call it. This module runs nothing.
"""

from __future__ import annotations

from itertools import accumulate

import torch

from equivariance._engine.laws.forms import IrrepLaw
from equivariance._engine.laws.representation import InferredRepresentation
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints


def axis_of_components(how: Representation | None) -> tuple[int, tuple[int, ...]] | None:
    """Returns the axis of the components and the degree of each irrep on it, in order.

    Returns None if the tensor turns on several axes, in a plane, or by no irreps.
    """
    if isinstance(how, (CartesianPoints, CartesianTensor)) and how.dimensions == 2:
        return None
    if isinstance(how, CartesianPoints):
        return how.axis, (1,)
    if isinstance(how, Irreps):
        return -1, tuple(degree for mul, degree, _ in how.blocks for _ in range(mul))
    if isinstance(how, CartesianTensor) and len(how.axes) == 1:
        return how.axes[0], (1,)
    if isinstance(how, InferredRepresentation):
        law = dict(how.laws).get("rotation")
        return law.axes[0] if isinstance(law, IrrepLaw) and len(law.axes) == 1 else None
    return None


def degree_of(how: Representation | None, label: str) -> int | None:
    """Returns the degree l of a part: 1 for points; None if the part does not turn as irreps of one degree."""
    if isinstance(how, Irreps):
        return next((d for known, (_, d, _) in zip(how.labels, how.blocks, strict=True) if label == known), None)
    found = axis_of_components(how)
    degrees = set() if found is None else set(found[1])
    return degrees.pop() if len(degrees) == 1 else None


def part_of(tensor: torch.Tensor, how: Representation, label: str) -> torch.Tensor:
    """Returns the values of one part of a leaf."""
    return next((p.values for p in how.parts(tensor) if p.label == label), tensor)


def rows_of(tensor: torch.Tensor, how: Representation, label: str) -> torch.Tensor:
    """Returns the components of one part of a leaf as rows, [rows, 2l+1]; `degree_of` must know the degree."""
    degree, found = degree_of(how, label), axis_of_components(how)
    assert degree is not None
    assert found is not None
    return part_of(tensor, how, label).movedim(found[0], -1).reshape(-1, 2 * degree + 1)


def only_component(tensor: torch.Tensor, how: Representation, size: int, component: int) -> torch.Tensor:
    """Returns 1 at one component of every irrep of dimension `size`, 0 elsewhere.

    Args:
        tensor: A tensor that turns.
        how: Its representation.
        size: The dimension of the irreps, 2l+1.
        component: The number of the component, from 0.

    Returns:
        float64 numbers on the CPU, in a shape that lies along the axis of the components of `tensor`.
    """
    found = axis_of_components(how)
    mask = torch.zeros(1, dtype=torch.float64, device="cpu")
    if found is None:
        return mask
    axis, degrees = found
    mask = torch.zeros(sum(2 * d + 1 for d in degrees), dtype=torch.float64, device="cpu")
    for start, degree in zip(accumulate((2 * d + 1 for d in degrees), initial=0), degrees, strict=False):
        if 2 * degree + 1 == size:
            mask[start + component] = 1
    shape = [1] * tensor.dim()
    shape[axis] = len(mask)
    return mask.reshape(shape)
