"""Finds undeclared axes of tensors inside a network by the lengths of the input axes, and names misfits.

Called by `_engine.measurement` before a survey. The module sets `AxisByLength` in contracts; the axis itself is found
when a tensor is transformed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch

from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import GraphFields, leaves
from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.groups.named import symmetry_of
from equivariance.representations.axes import Assumed, AxisByLength, BatchAxis, Concatenated, Layout
from equivariance.representations.base import Representation
from equivariance.representations.formatting import as_python
from equivariance.representations.sample_list import SampleList


def known_axes(inputs: Iterable[tuple[str, torch.Tensor, Representation]]) -> AxisByLength:
    """Returns the axis layouts of the inputs, the most specific first.

    A tensor has the axes of an input if the axes have the same lengths. If an input has a node axis and a batch axis,
    two more layouts are known: both joined to one axis, and samples without nodes. If an input lists edges, so do
    tensors with as long a first axis. If an input declares no axis, its first axis is used.

    Args:
        inputs: Path, tensor and representation of each input tensor.
    """
    found: dict[Layout, None] = {}
    for _, tensor, representation in inputs:
        if tensor.dim():
            found.update(dict.fromkeys(_list_layouts(tensor, representation)))
    return AxisByLength(tuple(sorted(found, key=lambda layout: -len(layout.lengths))))


def _list_layouts(tensor: torch.Tensor, representation: Representation) -> list[Layout]:
    """Returns the axis layouts that follow from one input."""
    nodes, batch = representation.nodes, representation.batch
    if representation.edges is not None:
        return _layouts_of_edges(tensor.shape[representation.edges], batch)
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


def _layouts_of_edges(count: int, batch: BatchAxis) -> list[Layout]:
    """Returns the layouts of tensors that list edges on the first axis, or on the second of two rows."""
    if isinstance(batch, Concatenated):
        of_rows, of_pairs = replace(batch, axis=0), replace(batch, axis=1)
        return [
            Layout(((0, 2), (1, count)), None, of_pairs, most=2, edges=1),
            Layout(((0, count),), None, of_rows, edges=0),
        ]
    if batch is None:
        return [Layout(((0, 2), (1, count)), None, None, most=2, edges=1), Layout(((0, count),), None, None, edges=0)]
    return []


def with_axes_by_length(contract: Contract, known: AxisByLength, inputs: bool = True) -> Contract:
    """Returns the contract with `known` in place of the undeclared axes.

    Args:
        contract: The contract.
        known: The axis layouts of the inputs of the network.
        inputs: False changes the output only.
    """
    arguments = (
        {name: _replace_axes(spec, known) for name, spec in contract.inputs.items()} if inputs else contract.inputs
    )
    return Contract(arguments, _replace_axes(contract.output, known), contract.stated)


def _replace_axes(spec: object, known: AxisByLength) -> object:
    """Returns a specification with `known` in place of the undeclared axes."""
    if isinstance(spec, Representation):
        return spec.with_axes_by_length(known)
    if isinstance(spec, (GraphFields, SampleList)):
        return spec
    if isinstance(spec, Mapping):
        return {key: _replace_axes(value, known) for key, value in spec.items()}
    if isinstance(spec, list):
        return [_replace_axes(value, known) for value in spec]
    return spec


def check_reorderings(
    value: Any, spec: object, elements: Iterable[Transform], path: str, symmetry: str | None = None
) -> None:
    """Checks that every tensor of a value can be reordered.

    Args:
        value: The value.
        spec: Its specification.
        elements: Reorderings of nodes and selections of samples that change nothing.
        path: The place of `value`.
        symmetry: The symmetry whose elements are tried; None for all. The other elements tell the lengths of axes.

    Raises:
        ContractError: If a tensor has no such axis. The message names the tensor and a declaration that fits.
    """
    elements = list(elements)
    for where, tensor, law in leaves(value, spec, path):
        for element in (e for e in elements if symmetry in (None, symmetry_of(e))):
            try:
                law.transform(tensor, element)
            except ArgumentError as error:
                found = f"tensor of shape {tuple(tensor.shape)}"
                raise ContractError(where, found, _expectation(tensor, law, element, elements)) from error


def _expectation(tensor: torch.Tensor, law: Representation, element: Transform, elements: Iterable[Transform]) -> str:
    """Returns the expected axis in words, with a declaration that fits the lengths."""
    lengths = {"nodes": None, "batch": None, "edges": None} | dict(map(_length, elements))
    name, length = _length(element)
    changed: dict[str, Any] = {n: _only(tensor, size) for n, size in lengths.items() if law.guesses or n == name}
    what = "samples" if name == "batch" else name
    return (
        f"an axis of {length} {what}, which are reordered; if another axis or none lists them, declare that, for "
        f"example {as_python(replace(law, **changed))}"
    )


def _length(element: Transform) -> tuple[str, int]:
    """Returns the name of the axis on which an element acts, and the length that it needs."""
    if element.samples is not None:
        return "batch", element.of
    return ("edges", len(element.edges)) if element.edges is not None else ("nodes", len(element.order or ()))


def _only(tensor: torch.Tensor, length: int | None) -> int | None:
    """Returns the only axis of a length, or None."""
    found = [axis for axis, size in enumerate(tensor.shape) if size == length]
    return found[0] if len(found) == 1 else None
