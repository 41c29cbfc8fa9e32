"""The rule by which e3nn's modules state contracts: by their attributes.

Called through `contracts.adapter_registry`. e3nn has no containers, so there is no adapter for values.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from equivariance.contracts.declared import NODE_NUMBERS, attributes_of, in_order, is_irreps
from equivariance.contracts.field_names import names_node_numbers
from equivariance.representations.standard import CartesianPoints, Invariant


def contract_of(module: torch.nn.Module, parameters: tuple[str, ...]) -> tuple[Mapping[str, object], object] | None:
    """Returns (inputs by parameter name, output) that the module states, or None if it states nothing."""
    stated, kind = attributes_of(module), type(module).__name__
    if kind == "FullyConnectedNet" or (kind == "_Layer" and type(module).__module__ == "e3nn.nn._fc"):
        return {parameters[0]: Invariant()}, Invariant()
    if "irreps" in stated and "irreps_in" not in stated:
        return in_order(parameters, [module.irreps], module.irreps)
    if isinstance(stated.get("irreps_outs"), tuple) and "irreps_in" in stated and kind != "ExtractIr":
        return in_order(parameters, [module.irreps_in], module.irreps_outs)
    if ".models." in type(module).__module__:
        return _contract_of_model(module, parameters)
    return None


def _contract_of_model(
    module: torch.nn.Module, parameters: tuple[str, ...]
) -> tuple[Mapping[str, object], object] | None:
    """Returns the contract of a network or convolution on graphs.

    The attribute `irreps_node_attr` is for the argument `node_attr`, and so on.
    """
    stated = {name: getattr(module, name) for name in attributes_of(module) if name.startswith("irreps_")}
    output = stated.get("irreps_node_output", stated.get("irreps_out"))
    first = stated.get("irreps_node_input", stated.get("irreps_in"))
    if not is_irreps(output):
        return None
    if parameters == ("data",):
        known = {"x": stated.get("irreps_in"), "z": stated.get("irreps_node_attr")}
        known |= {name: stated.get(f"irreps_{name}") for name in ("node_input", "node_attr", "edge_attr")}
        fields = {key: spec for key, spec in known.items() if is_irreps(spec)}
        return {"data": {"pos": CartesianPoints(), **fields}}, output
    found: dict[str, object] = {p: stated.get(f"irreps_{p}", Invariant()) for p in parameters}
    found |= {p: NODE_NUMBERS for p in parameters if names_node_numbers(p)}
    return ({**found, parameters[0]: first}, output) if is_irreps(first) else None
