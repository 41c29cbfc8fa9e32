"""Finds returned tensors that were made by a layer which states its output.

`diagnosis.request` calls `laws_of_returned` once. This module does not test the stated laws.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.testbed import ModelState
from equivariance._engine.measurement.prepare import Prepared
from equivariance.contracts.declared import declared_contract
from equivariance.contracts.nested import children
from equivariance.representations.base import Representation
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import as_representation

Path = tuple[str | int, ...]
"""Keys and fields from a container to a tensor in it."""


class _Makers:
    """Records the layer that made each tensor; if several layers return one tensor, the outermost."""

    def __init__(self) -> None:
        self.layers: dict[int, str] = {}
        self.output: Any = None
        self._held: list[torch.Tensor] = []

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Returns the arguments as they are."""
        return arguments

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Records the maker of the output."""
        if not call.layer:
            self.output = output
        elif isinstance(output, torch.Tensor):
            self._held.append(output)  # so that no other tensor has its identity
            self.layers[id(output)] = call.layer
        return output


def laws_of_returned(ready: Prepared) -> dict[Path, tuple[str, Representation]]:
    """Returns path of a returned tensor -> the words that name its layer, and the law that the layer states.

    Only tensors are included that a layer made and that the callable returns unchanged.
    """
    contracts = {name: declared_contract(layer) for name, layer in ready.call.module.named_modules() if name}
    stated = {name: c for name, c in contracts.items() if c is not None and _law(c.output) is not None}
    if not stated:
        return {}
    makers, runner = _Makers(), ready.runner.with_contracts({**stated, **ready.runner.contracts})
    runner.run(ModelState(), runner.reference_dtype, runner.arguments, makers)
    found: dict[Path, tuple[str, Representation]] = {}
    for path, tensor in _tensors(makers.output, ()):
        layer = makers.layers.get(id(tensor))
        law = None if layer is None else _law(stated[layer].output)
        if law is not None and tensor.shape[-1:] == (law.dim,):
            found[path] = f"stated by {layer}; ", law
    return found


def _law(stated: object) -> Irreps | None:
    """Returns the stated irreps without axes, which are found later; None for other representations."""
    try:
        law = as_representation(stated, "irreps_out")
    except (TypeError, ValueError):
        return None
    return Irreps(law.irreps) if isinstance(law, Irreps) else None


def _tensors(value: Any, path: Path) -> Iterator[tuple[Path, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield path, value
    for step, entry in children(value):
        yield from _tensors(entry, (*path, step))
