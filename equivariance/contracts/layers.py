"""Selects the layers that have a contract, which are followed, and the layers that a report shows.

Called by the engine before a survey. The module reads contracts and runs no layer.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping

import torch

from equivariance.contracts.contract import Contract
from equivariance.contracts.declared import declared_contract
from equivariance.contracts.signature import parameters_of
from equivariance.errors import ArgumentError, ChoiceError


def layer_contracts(module: torch.nn.Module, given: Mapping[str, Contract]) -> dict[str, Contract]:
    """Returns the contract of every layer that has one. A given contract replaces a contract that the module states.

    Args:
        module: The network.
        given: Contracts by layer path or glob. `*` matches one step of a path, `**` any number of steps.

    Raises:
        ArgumentError: If `given` is no mapping, or a value is no `Contract`.
        ChoiceError: If a path or glob matches no layer.
        ContractError: If a contract declares a name that is not a parameter of its layer.
    """
    names = layer_names(module)
    paths = {path: first for first, others in names.items() for path in (first, *others)}
    found: dict[str, Contract] = {}
    if not isinstance(given, Mapping):
        raise ArgumentError("contracts", given, "contracts by layer path or glob, as a dict")
    for pattern, contract in given.items():
        if not isinstance(contract, Contract):
            raise ArgumentError(f"contracts[{pattern!r}]", contract, "a Contract(inputs, output)")
        if pattern == "" and contract.parameters:
            found[""] = contract  # the whole has its own declaration; only its parameters count
            continue
        matched = [paths[p] for p in paths if p and _matches(p, pattern, module.get_submodule(paths[p]))]
        if not matched:
            raise ChoiceError("contracts", pattern, [p for p in paths if p])
        for layer in matched:
            parameters = parameters_of(module.get_submodule(layer).forward, contract.inputs)
            contract.check_names(parameters, layer if layer == pattern else f"{layer} (contracts[{pattern!r}])")
        found.update(dict.fromkeys(matched, contract))
    for name in names:
        if name and name not in found:
            stated = declared_contract(module.get_submodule(name))
            if stated is not None:
                found[name] = stated
    return found


def matching_layers(module: torch.nn.Module, pattern: str | None) -> set[str]:
    """Returns the layers that match a pattern.

    Args:
        module: The network.
        pattern: A substring of the path or of the class name, or a glob. None matches all layers.

    Raises:
        ChoiceError: If the pattern matches no layer.
    """
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


def _matches(path: str, pattern: str, layer: torch.nn.Module) -> bool:
    """True if a layer has this path, or if a glob matches the path and the layer can be called.

    One contract is for layers of one kind, so `*` does not reach into the layers that it matches.
    """
    if path == pattern:
        return True
    pieces = {"**": ".*", "*": r"[^.]*", "?": r"[^.]"}
    glob = "".join(pieces.get(part) or _literal(part) for part in re.split(r"(\*\*|\*|\?|\[[^]]+\])", pattern))
    return type(layer).forward is not torch.nn.Module.forward and re.fullmatch(glob, path) is not None


def _literal(part: str) -> str:
    """Returns the regular expression of a part of a glob without wildcards; `[!abc]` excludes characters."""
    if part.startswith("[") and part.endswith("]"):
        return f"[^{part[2:]}" if part[1] == "!" else part
    return re.escape(part)


def layer_names(module: torch.nn.Module) -> dict[str, tuple[str, ...]]:
    """Returns every submodule that takes hooks: its first dotted path, and its further paths if it is shared.

    TorchScript modules are left out. Python hooks do not see their submodules, and do not reliably see their calls.
    """
    names: dict[int, list[str]] = {}
    for name, layer in module.named_modules(remove_duplicate=False):
        if name == "" or not isinstance(layer, torch.jit.ScriptModule):
            names.setdefault(id(layer), []).append(name)
    return {found[0]: tuple(found[1:]) for found in names.values()}
