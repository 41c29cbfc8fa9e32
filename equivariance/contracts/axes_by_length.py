"""Axes that nobody declared for the tensors within a network, told by the axes of its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import GraphFields
from equivariance.representations.axes import Assumed, BySize, Concatenated, Layout
from equivariance.representations.base import Representation


def known_axes(inputs: Iterable[tuple[str, torch.Tensor, Representation]]) -> BySize:
    """What the inputs say: a tensor whose axes are as long as the declared ones of an input has the axes of that input.

    So have nodes and samples that were put on one axis, samples without nodes, and, where nothing is declared, tensors
    whose first axis is as long as that of an input.
    """
    found: dict[Layout, None] = {}
    for _, tensor, representation in inputs:
        if tensor.dim():
            found.update(dict.fromkeys(_of_input(tensor, representation)))
    return BySize(tuple(sorted(found, key=lambda layout: -len(layout.lengths))))


def _of_input(tensor: torch.Tensor, representation: Representation) -> list[Layout]:
    nodes, batch = representation.nodes, representation.batch
    if isinstance(batch, Concatenated):
        axis = batch.axis % tensor.dim()
        return [Layout(((axis, tensor.shape[axis]),), nodes, batch)]
    if isinstance(nodes, int) and isinstance(batch, int) and nodes != batch:
        node, sample = nodes % tensor.dim(), batch % tensor.dim()
        count, size = tensor.shape[sample], tensor.shape[node]
        return [
            Layout(tuple(sorted([(node, size), (sample, count)])), node, sample),
            Layout(((0, count * size),), 0, Concatenated(0)),
            Layout(((0, count),), None, 0, most=1),
        ]
    axes = [axis for axis in (nodes, batch) if isinstance(axis, int)]
    axis = axes[0] % tensor.dim() if axes else 0
    if axes or isinstance(nodes, Assumed) or isinstance(batch, Assumed):
        return [Layout(((axis, tensor.shape[axis]),), nodes, batch)]
    return []


def told_by_size(contract: Contract, known: BySize, inputs: bool = True) -> Contract:
    """The contract with axes told by size in place of those that nobody declared; of its output alone on request."""
    arguments = {name: _spec(spec, known) for name, spec in contract.inputs.items()} if inputs else contract.inputs
    return Contract(arguments, _spec(contract.output, known), contract.stated)


def _spec(spec: object, known: BySize) -> object:
    if isinstance(spec, Representation):
        return spec.told_by(known)
    if isinstance(spec, GraphFields):
        return spec
    if isinstance(spec, Mapping):
        return {key: _spec(value, known) for key, value in spec.items()}
    if isinstance(spec, list):
        return [_spec(value, known) for value in spec]
    return spec
