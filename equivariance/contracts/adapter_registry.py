"""Containers of optional libraries, looked into without importing the library before one of its objects is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, Protocol

import torch

_ADAPTERS = {
    "dgl": "equivariance.adapters.dgl",
    "torch_geometric": "equivariance.adapters.torch_geometric",
    "escnn": "equivariance.adapters.escnn",
}


_STATES_CONTRACTS = ("e3nn", "escnn", "nequip")
"""Libraries whose modules state their contracts by conventions of their own."""

ContractRule = Callable[[torch.nn.Module, tuple[str, ...]], tuple[Mapping[str, object], object] | None]
"""(module, parameters of its forward) -> (inputs by name, output), or None if the module states no contract."""


class Adapter(Protocol):
    """What an optional library's container must offer to be walked and transformed."""

    takes: str
    """What may be declared for it, in words."""

    def fits(self, spec: object) -> bool:
        """Whether `spec` is one of these."""

    def walk(self, value: Any, spec: object, path: str, visit: Any) -> Any:
        """Rebuild `value` with each tensor replaced by `visit(tensor, representation, path)`."""

    def transform(self, value: Any, spec: object, element: Any) -> Any:
        """Apply a group element to the structure and to every field."""

    def sizes(self, value: Any) -> tuple[int, int]:
        """Nodes of one sample, and samples."""

    def assume(self, value: Any, path: tuple[str | int, ...]) -> Iterator[Any]:
        """What is assumed of each field that neither the user nor the library declares."""

    def group(self, value: Any) -> object:
        """The group that the object itself is made for; None where it names none."""


def adapter_of(value: object) -> Adapter | None:
    """The adapter for the type of `value`, or None for a type that needs none."""
    for cls in type(value).__mro__:
        name = _ADAPTERS.get(cls.__module__.partition(".")[0])
        if name is not None:
            module = import_module(name)
            if isinstance(value, module.TYPES):
                adapter: Adapter = module.ADAPTER
                return adapter
    return None


def contract_rule(library: str) -> ContractRule | None:
    """Returns the rule by which a library's modules state contracts, or None for a library that has no rule."""
    if library not in _STATES_CONTRACTS:
        return None
    rule: ContractRule = import_module(f"equivariance.adapters.{library}").contract_of
    return rule
