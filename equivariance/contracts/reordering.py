"""Checks before any run that tensors can be reordered along their node and sample axes.

Called by `_engine.measurement.prepare` for the arguments and the output of the whole callable. The module transforms by
the identity only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch

from equivariance.contracts.nested import leaves
from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation
from equivariance.representations.formatting import as_python


def check_reorderings(value: Any, spec: object, elements: Iterable[Transform], path: str) -> None:
    """Checks every tensor of a value.

    Args:
        value: The value.
        spec: Its specification.
        elements: Reorderings of nodes and selections of samples that change nothing.
        path: The place of `value`.

    Raises:
        ContractError: If a tensor has no such axis. The message names the tensor and a declaration that fits.
    """
    elements = list(elements)
    for where, tensor, law in leaves(value, spec, path):
        for element in elements:
            try:
                law.transform(tensor, element)
            except ArgumentError as error:
                found = f"tensor of shape {tuple(tensor.shape)}"
                raise ContractError(where, found, _expected(tensor, law, element, elements)) from error


def _expected(tensor: torch.Tensor, law: Representation, element: Transform, elements: Iterable[Transform]) -> str:
    """Returns the expected axis in words, with a declaration that fits the lengths."""
    lengths = {"nodes": None, "batch": None} | dict(map(_length, elements))
    name, length = _length(element)
    changed = {n: _only(tensor, size) for n, size in lengths.items() if law.guesses or n == name}
    what = "nodes" if name == "nodes" else "samples"
    return (
        f"an axis of {length} {what}, which are reordered; if another axis or none lists them, declare that, for "
        f"example {as_python(replace(law, **changed))}"
    )


def _length(element: Transform) -> tuple[str, int]:
    """Returns the name of the axis on which an element acts, and the length that it needs."""
    return ("batch", element.of) if element.order is None else ("nodes", len(element.order))


def _only(tensor: torch.Tensor, length: int | None) -> int | None:
    """Returns the only axis of a length, or None."""
    found = [axis for axis, size in enumerate(tensor.shape) if size == length]
    return found[0] if len(found) == 1 else None
