"""Finds the adapter of an optional library, and imports it at the first object of the library.

Called by `contracts.nested` for containers, by `contracts.assumptions` for their fields and by `contracts.declared` for
modules. The adapters themselves are in `equivariance.adapters`.
"""

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
_ATOMS = "equivariance.adapters.ase"
"""The adapter of atoms, which are recognized by their attributes: other packages have classes of their own for them."""

_STATES_CONTRACTS = ("e3nn", "escnn", "nequip")
"""Libraries whose modules state their contracts by their own conventions."""

ContractRule = Callable[[torch.nn.Module, tuple[str, ...]], tuple[Mapping[str, object], object] | None]
"""(module, parameters of its forward) -> (inputs by name, output), or None if the module states no contract."""


Counts = tuple[int, ...]


class Adapter(Protocol):
    """The interface to a container of an optional library: walk, transform, sizes and assumptions."""

    takes: str
    """The specifications that may be declared for the container, in words."""

    def fits(self, spec: object) -> bool:
        """True if `spec` may be declared for the container."""

    def walk(self, value: Any, spec: object, path: str, visit: Any) -> Any:
        """Rebuilds `value`; each tensor is replaced by `visit(tensor, representation, path)`."""

    def transform(self, value: Any, spec: object, element: Any) -> Any:
        """Applies a group element to the structure and to every field."""

    def sizes(self, value: Any) -> tuple[Counts, Counts | None]:
        """Returns the number of nodes of each sample, and of edges of each sample; None if it has no edges."""

    def assume(self, value: Any, path: tuple[str | int, ...]) -> Iterator[Any]:
        """Yields an assumption for each field that neither the user nor the library declares."""

    def group(self, value: Any) -> object:
        """Returns the group for which the object is made, or None if it names no group."""


def adapter_of(value: object) -> Adapter | None:
    """Returns the adapter for the type of `value`, or None for a type that needs none."""
    libraries = [_ADAPTERS.get(cls.__module__.partition(".")[0]) for cls in type(value).__mro__]
    atoms = [_ATOMS] if hasattr(type(value), "get_positions") else []
    for name in filter(None, [*libraries, *atoms]):
        module = import_module(name)
        if isinstance(value, module.TYPES):
            adapter: Adapter = module.ADAPTER
            return adapter
    return None


def contract_rule(library: str) -> ContractRule | None:
    """Returns the rule by which the modules of a library state contracts, or None if the library has no rule."""
    if library not in _STATES_CONTRACTS:
        return None
    rule: ContractRule = import_module(f"equivariance.adapters.{library}").contract_of
    return rule
