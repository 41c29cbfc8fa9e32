"""Which layers are followed, and which are reported."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

import torch

from equivariance.contracts.contract import Contract
from equivariance.contracts.declared import declared_contract
from equivariance.contracts.signature import parameters_of
from equivariance.errors import ArgumentError, ChoiceError


def layer_contracts(module: torch.nn.Module, given: Mapping[str, Contract]) -> dict[str, Contract]:
    """The contract of every layer that has one: the given ones, by path or glob, then those that modules state."""
    names = layer_names(module)
    paths = {path: first for first, others in names.items() for path in (first, *others)}
    found: dict[str, Contract] = {}
    if not isinstance(given, Mapping):
        raise ArgumentError("contracts", given, "contracts by layer path or glob, as a dict")
    for pattern, contract in given.items():
        if not isinstance(contract, Contract):
            raise ArgumentError(f"contracts[{pattern!r}]", contract, "a Contract(inputs, output)")
        matched = [paths[p] for p in paths if p and fnmatch.fnmatchcase(p, pattern)]
        if not matched:
            raise ChoiceError("contracts", pattern, [p for p in paths if p])
        for layer in matched:
            contract.check_names(parameters_of(module.get_submodule(layer).forward, contract.inputs), layer)
        found.update(dict.fromkeys(matched, contract))
    for name in names:
        if name and name not in found:
            stated = declared_contract(module.get_submodule(name))
            if stated is not None:
                found[name] = stated
    return found


def matching_layers(module: torch.nn.Module, pattern: str | None) -> set[str]:
    """The layers whose path or class name contains `pattern`, or match it as a glob; all for None."""
    names = layer_names(module)
    if pattern is None:
        return set(names)
    matched = set()
    for first, others in names.items():
        texts = [*(n for n in (first, *others)), type(module.get_submodule(first)).__name__]
        if any(pattern.lower() in t.lower() or fnmatch.fnmatch(t, pattern) for t in texts if t):
            matched.add(first)
    if not matched:
        raise ChoiceError("layer", pattern, [n for n in names if n])
    return matched


def layer_names(module: torch.nn.Module) -> dict[str, tuple[str, ...]]:
    """Every submodule whose calls can be watched, by its first dotted path, with its further paths (shared modules).

    TorchScript modules are opaque: Python hooks see neither their insides nor, reliably, their calls.
    """
    names: dict[int, list[str]] = {}
    for name, layer in module.named_modules(remove_duplicate=False):
        if name == "" or not isinstance(layer, torch.jit.ScriptModule):
            names.setdefault(id(layer), []).append(name)
    return {found[0]: tuple(found[1:]) for found in names.values()}
