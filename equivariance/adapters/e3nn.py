"""The rule by which e3nn's modules state contracts: by their attributes. Also finer copies of its grids on the sphere.

Called through `contracts.adapter_registry`; the experiments call `finer_grids`. e3nn has no containers, so there is no
adapter for values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def finer_grids(layer: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """Returns a copy of twice the resolution for each `ToS2Grid` and `FromS2Grid` inside of a layer, by path."""
    kinds = ("ToS2Grid", "FromS2Grid")
    found = {path: module for path, module in layer.named_modules() if path and type(module).__name__ in kinds}
    return {path: _finer(module) for path, module in found.items() if type(module).__module__.startswith("e3nn.")}


def _finer(grid: Any) -> torch.nn.Module:
    from e3nn import o3  # imported here: it costs a second

    size, finer = (grid.res_beta, grid.res_alpha), (2 * grid.res_beta, 2 * grid.res_alpha + 1)

    def build(resolution: tuple[int, int], normalization: torch.Tensor) -> torch.nn.Module:
        chosen = {"normalization": normalization, "dtype": torch.float64}
        if type(grid).__name__ == "ToS2Grid":
            return o3.ToS2Grid(grid.lmax, resolution, **chosen)
        return o3.FromS2Grid(resolution, grid.lmax, **chosen)

    ones = torch.ones(grid.lmax + 1, dtype=torch.float64)
    made, unit = grid.shb, build(size, ones).get_buffer("shb").to(grid.shb)
    firsts = [degree * degree for degree in range(grid.lmax + 1)]  # the scale depends on the degree only
    scales = [(made[..., i] * unit[..., i]).sum() / unit[..., i].square().sum() for i in firsts]
    return build(finer, torch.stack(scales).double().cpu()).to(made)
