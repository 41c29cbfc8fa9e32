"""Reads contracts off the attributes of modules (e3nn, escnn, nequip, or `irreps_in` and `irreps_out`).

Called by `contracts.inputs` for the whole network and by `contracts.layers` for its layers. The rules of one library
are in its adapter. The module assumes nothing.
"""

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
    """Returns the contract that a module states, or None if it states none.

    The conventions depend on the library of its class:

    - any module: `irreps_in` (or `irreps_in1`, `irreps_in2`) and `irreps_out`, for its first arguments;
      `weight` and `bias` given in a call do not transform if `shared_weights` is True; if it is False, they have a
      row for each row of the first argument.
    - e3nn: also a single `irreps`, the same in and out; `irreps_NAME` for the argument or the field NAME;
      `irreps_outs`; networks of scalars.
    - escnn: `in_type` and `out_type`.
    - nequip: `irreps_in` and `irreps_out` by the keys of the data. `pos` are positions in the data.
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
    """Returns the rules that apply to a module: the rules of its libraries, then the one for any module."""
    libraries = [cls.__module__.partition(".")[0] for cls in type(module).__mro__]
    found = (contract_rule(name) for name in dict.fromkeys(libraries))
    return [*(rule for rule in found if rule is not None), _read_attributes]


def _read_attributes(
    module: torch.nn.Module, parameters: tuple[str, ...]
) -> tuple[Mapping[str, object], object] | None:
    """Returns the contract stated by `irreps_in` and `irreps_out`, which a module of any library may have."""
    stated = attributes_of(module)
    names = ["irreps_in"] if "irreps_in" in stated else [n for n in ("irreps_in1", "irreps_in2") if n in stated]
    if not names or "irreps_out" not in stated:
        return None
    shared = stated.get("shared_weights")
    weight = (_CONSTANT if shared else Invariant()) if isinstance(shared, bool) else None
    return in_order(parameters, [getattr(module, n) for n in names], module.irreps_out, weight)


def in_order(
    parameters: tuple[str, ...], specs: list[object], output: object, weight: Invariant | None = None
) -> tuple[Mapping[str, object], object] | None:
    """Returns the contract of a module whose first parameters transform by `specs`.

    Args:
        parameters: Parameter names of `forward`.
        specs: Irreps of the first parameters.
        output: Irreps of the output, or a tuple of irreps.
        weight: The representation of the arguments `weight` and `bias`; None if it is not known.

    Returns:
        Inputs by parameter name and output, or None if there are too few parameters or a specification is no irreps.
    """
    outputs = output if isinstance(output, tuple) and not is_irreps(output) else (output,)
    if len(parameters) < len(specs) or not all(is_irreps(s) for s in (*specs, *outputs)):
        return None
    names = {"weight", "bias"} & set(parameters[len(specs) :]) if weight is not None else set()
    weights = dict.fromkeys(names, weight)
    return {**weights, **dict(zip(parameters, specs, strict=False))}, output


def attributes_of(module: torch.nn.Module) -> dict[str, object]:
    """Returns the attributes of a module by name, without submodules.

    Of the class, only `irreps_in` and `irreps_out` are read, and only if they exist.
    """
    of_class = [name for name in ("irreps_in", "irreps_out") if hasattr(type(module), name)]
    return vars(module) | {name: getattr(module, name) for name in of_class}


def is_irreps(spec: object) -> bool:
    """True for an e3nn `Irreps` object or a string."""
    return type(spec).__name__ == "Irreps" or isinstance(spec, str)
