"""What modules state about themselves: contracts read off the attributes of e3nn's, escnn's and nequip's modules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import torch

from equivariance.contracts.contract import Contract
from equivariance.contracts.field_names import POINTS, numbers_nodes, plain
from equivariance.representations.axes import Assumed
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices

_CONSTANT = Invariant(nodes=None, batch=None)
_NUMBERS = NodeIndices(nodes=None, batch=Assumed.FIRST)
_SAMPLES = NodeIndices(nodes=0, batch=Assumed.FIRST, permuted=False, per_sample=1)

Stated = Callable[[torch.nn.Module, tuple[str, ...]], tuple[Mapping[str, object], object] | None]


def declared_contract(module: torch.nn.Module) -> Contract | None:
    """The contract that a module states, by the conventions of the library that its class comes from.

    - any module: ``irreps_in`` (or ``irreps_in1``, ``irreps_in2``) and ``irreps_out``, for its first arguments;
      ``weight`` and ``bias`` given in a call do not transform
    - e3nn: also a single ``irreps``, the same in and out; ``irreps_NAME`` for the argument or the field NAME;
      ``irreps_outs``; networks of scalars
    - escnn: ``in_type`` and ``out_type``
    - nequip: ``irreps_in`` and ``irreps_out`` by the keys of the data; ``pos`` are positions there

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


def _rules(module: torch.nn.Module) -> list[Stated]:
    libraries = [cls.__module__.partition(".")[0] for cls in type(module).__mro__]
    own = [_OF_LIBRARY[name] for name in dict.fromkeys(libraries) if name in _OF_LIBRARY]
    return [*own, _of_attributes]


def _of_attributes(module: torch.nn.Module, parameters: tuple[str, ...]) -> tuple[Mapping[str, object], object] | None:
    """``irreps_in`` and ``irreps_out``, as anybody may write them."""
    stated = _attributes(module)
    names = ["irreps_in"] if "irreps_in" in stated else [n for n in ("irreps_in1", "irreps_in2") if n in stated]
    if not names or "irreps_out" not in stated:
        return None
    return _in_order(parameters, [getattr(module, n) for n in names], module.irreps_out)


def _in_order(
    parameters: tuple[str, ...], specs: list[object], output: object
) -> tuple[Mapping[str, object], object] | None:
    outputs = output if isinstance(output, tuple) and not _is_irreps(output) else (output,)
    if len(parameters) < len(specs) or not all(_is_irreps(s) for s in (*specs, *outputs)):
        return None
    constant = dict.fromkeys({"weight", "bias"} & set(parameters[len(specs) :]), _CONSTANT)
    return {**constant, **dict(zip(parameters, specs, strict=False))}, output


def _of_e3nn(module: torch.nn.Module, parameters: tuple[str, ...]) -> tuple[Mapping[str, object], object] | None:
    stated, kind = _attributes(module), type(module).__name__
    if kind == "FullyConnectedNet" or (kind == "_Layer" and type(module).__module__ == "e3nn.nn._fc"):
        return {parameters[0]: Invariant()}, Invariant()
    if "irreps" in stated and "irreps_in" not in stated:
        return _in_order(parameters, [module.irreps], module.irreps)
    if isinstance(stated.get("irreps_outs"), tuple) and "irreps_in" in stated and kind != "ExtractIr":
        return _in_order(parameters, [module.irreps_in], module.irreps_outs)
    if ".models." in type(module).__module__:
        return _of_model(module, parameters)
    return None


def _of_model(module: torch.nn.Module, parameters: tuple[str, ...]) -> tuple[Mapping[str, object], object] | None:
    """Networks and convolutions on graphs: ``irreps_node_attr`` is that of the argument ``node_attr``, and so on."""
    stated = {name: getattr(module, name) for name in _attributes(module) if name.startswith("irreps_")}
    output = stated.get("irreps_node_output", stated.get("irreps_out"))
    first = stated.get("irreps_node_input", stated.get("irreps_in"))
    if not _is_irreps(output):
        return None
    if parameters == ("data",):
        known = {"x": stated.get("irreps_in"), "z": stated.get("irreps_node_attr")}
        known |= {name: stated.get(f"irreps_{name}") for name in ("node_input", "node_attr", "edge_attr")}
        fields = {key: spec for key, spec in known.items() if _is_irreps(spec)}
        return {"data": {"pos": CartesianPoints(), **fields}}, output
    found: dict[str, object] = {p: stated.get(f"irreps_{p}", Invariant()) for p in parameters}
    found |= {p: _NUMBERS for p in parameters if numbers_nodes(p)}
    return ({**found, parameters[0]: first}, output) if _is_irreps(first) else None


def _of_escnn(module: torch.nn.Module, parameters: tuple[str, ...]) -> tuple[Mapping[str, object], object] | None:
    stated = vars(module)
    if "in_type" not in stated or "out_type" not in stated:
        return None
    from equivariance.adapters.escnn import Fields

    given, output = module.in_type, module.out_type
    specs = [Fields(t) for t in given] if isinstance(given, tuple) else [Fields(given)]
    if len(parameters) < len(specs):
        return None
    edges = {p: _NUMBERS for p in parameters if numbers_nodes(p)}
    return {**edges, **dict(zip(parameters, specs, strict=False))}, Fields(output)


def _of_nequip(module: torch.nn.Module, parameters: tuple[str, ...]) -> tuple[Mapping[str, object], object] | None:
    stated = _attributes(module)
    given, output = stated.get("irreps_in"), stated.get("irreps_out")
    if not isinstance(given, dict) or not isinstance(output, dict) or not parameters:
        return None
    return {parameters[0]: _fields_of_nequip(given)}, _fields_of_nequip({**given, **output})


def _fields_of_nequip(irreps: Mapping[str, object]) -> dict[str, object]:
    """Those that are stated, and those that every batch of data has."""
    fields: dict[str, object] = {"batch": _SAMPLES, **dict.fromkeys(_VECTORS_OF_NEQUIP, "1x1o")}
    fields |= dict.fromkeys(_INVARIANTS_OF_NEQUIP, Invariant())
    for key, spec in irreps.items():
        if key in _MATRICES_OF_NEQUIP:
            continue
        fields[key] = CartesianPoints() if plain(key) in POINTS else Invariant() if spec is None else spec
    return {**fields, "edge_index": _NUMBERS}


_VECTORS_OF_NEQUIP = ("cell", "edge_vectors", "forces", "edge_forces", "partial_forces")
_INVARIANTS_OF_NEQUIP = (
    *("pbc", "edge_cell_shift", "num_atoms", "atomic_numbers", "edge_type_flat", "edge_lengths", "edge_cutoff"),
    *("normed_edge_lengths", "feature_norm_factor", "edge_energy", "atomic_energy", "total_energy", "free_energy"),
)

_MATRICES_OF_NEQUIP = ("stress", "virial", "stresses")
"""3 x 3 on two axes, which irreps of one axis do not say."""

_OF_LIBRARY: dict[str, Stated] = {"e3nn": _of_e3nn, "escnn": _of_escnn, "nequip": _of_nequip}


def _attributes(module: torch.nn.Module) -> dict[str, object]:
    """Attributes of the module and of its class, no submodules; none is asked for that is not there."""
    of_class = [name for name in ("irreps_in", "irreps_out") if hasattr(type(module), name)]
    return vars(module) | {name: getattr(module, name) for name in of_class}


def _is_irreps(spec: object) -> bool:
    return type(spec).__name__ == "Irreps" or isinstance(spec, str)
