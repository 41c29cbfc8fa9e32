"""What modules state about themselves: contracts read off the attributes of e3nn's, escnn's and nequip's modules."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import torch

from equivariance.contracts.adapter_registry import ContractRule, contract_rule
from equivariance.contracts.contract import Contract
from equivariance.representations.axes import Assumed
from equivariance.representations.standard import Invariant, NodeIndices

_CONSTANT = Invariant(nodes=None, batch=None)
NODE_NUMBERS = NodeIndices(nodes=None, batch=Assumed.FIRST)
SAMPLE_NUMBERS = NodeIndices(nodes=0, batch=Assumed.FIRST, permuted=False, per_sample=1)


def declared_contract(module: torch.nn.Module) -> Contract | None:
    """The contract that a module states, by the conventions of the library that its class comes from.

    - any module: `irreps_in` (or `irreps_in1`, `irreps_in2`) and `irreps_out`, for its first arguments;
      `weight` and `bias` given in a call do not transform
    - e3nn: also a single `irreps`, the same in and out; `irreps_NAME` for the argument or the field NAME;
      `irreps_outs`; networks of scalars
    - escnn: `in_type` and `out_type`
    - nequip: `irreps_in` and `irreps_out` by the keys of the data; `pos` are positions there

    None where the module states none.
    """
    try:
        parameters = tuple(inspect.signature(module.forward).parameters)
    except (TypeError, ValueError):
        return None
    for rule in _rules(module):
        found = rule(module, parameters)
        if found is not None:
            return Contract(found[0], found[1], True)
    return None


def _rules(module: torch.nn.Module) -> list[ContractRule]:
    libraries = [cls.__module__.partition(".")[0] for cls in type(module).__mro__]
    found = (contract_rule(name) for name in dict.fromkeys(libraries))
    return [*(rule for rule in found if rule is not None), _of_attributes]


def _of_attributes(module: torch.nn.Module, parameters: tuple[str, ...]) -> tuple[Mapping[str, object], object] | None:
    """`irreps_in` and `irreps_out`, as anybody may write them."""
    stated = attributes_of(module)
    names = ["irreps_in"] if "irreps_in" in stated else [n for n in ("irreps_in1", "irreps_in2") if n in stated]
    if not names or "irreps_out" not in stated:
        return None
    return in_order(parameters, [getattr(module, n) for n in names], module.irreps_out)


def in_order(
    parameters: tuple[str, ...], specs: list[object], output: object
) -> tuple[Mapping[str, object], object] | None:
    """Returns the contract of a module whose first parameters transform by `specs`, or None if these do not fit."""
    outputs = output if isinstance(output, tuple) and not is_irreps(output) else (output,)
    if len(parameters) < len(specs) or not all(is_irreps(s) for s in (*specs, *outputs)):
        return None
    constant = dict.fromkeys({"weight", "bias"} & set(parameters[len(specs) :]), _CONSTANT)
    return {**constant, **dict(zip(parameters, specs, strict=False))}, output


def attributes_of(module: torch.nn.Module) -> dict[str, object]:
    """Attributes of the module and of its class, no submodules; none is asked for that is not there."""
    of_class = [name for name in ("irreps_in", "irreps_out") if hasattr(type(module), name)]
    return vars(module) | {name: getattr(module, name) for name in of_class}


def is_irreps(spec: object) -> bool:
    """True for an e3nn `Irreps` object or a string."""
    return type(spec).__name__ == "Irreps" or isinstance(spec, str)
