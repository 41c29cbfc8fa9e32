"""What a callable takes and gives: a representation for every tensor of its inputs and of its output."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from equivariance.contracts.nested import UNSPECIFIED, compile_spec, leaves
from equivariance.contracts.signature import bind, bound, parameters_of, positional_of
from equivariance.errors import ArgumentError, ContractError
from equivariance.representations.grid import Grid
from equivariance.representations.standard import CartesianPoints, Invariant


@dataclass(frozen=True)
class Contract:
    """Representations of a callable's inputs, by parameter name, and of its output.

    Strings, None and irreps are parsed on construction; dicts, lists, tuples and dataclasses nest like the value that
    they describe. Parameters that hold no tensor need no entry. `stated` marks a contract that was read off the
    attributes of a module: it is dropped, with a word, where it does not fit what the module is called with.
    """

    inputs: Mapping[str, object]
    output: object
    stated: bool = False

    def __post_init__(self) -> None:
        """Parse the leaves once."""
        if not isinstance(self.inputs, Mapping):
            raise ArgumentError("inputs", self.inputs, "representations by parameter name, as a dict")
        object.__setattr__(self, "inputs", {k: compile_spec(v, k) for k, v in self.inputs.items()})
        object.__setattr__(self, "output", compile_spec(self.output, "output"))

    def check_names(self, parameters: Collection[str], layer: str) -> None:
        """Every declared name must be a parameter; a call may leave it at its default.

        Raises:
            ContractError: Names the layer, what is declared in vain, and the parameters
        """
        unknown = sorted(set(self.inputs) - set(parameters))
        if unknown:
            raise ContractError(f"contract of {layer}", unknown, f"names among its arguments, {', '.join(parameters)}")

    def check_inputs(self, arguments: Mapping[str, Any], layer: str) -> None:
        """Every tensor among `arguments` must be declared and fit.

        Raises:
            UndeclaredTensorError: Names the layer, the argument and its place
            ContractError: A shape that does not fit
        """
        for name, value in arguments.items():
            leaves(value, self.inputs.get(name), f"{layer}: {name}")

    def check_output(self, value: Any, layer: str) -> None:
        """Every tensor of the output must be declared and fit."""
        leaves(value, self.output, f"{layer}: output")


def call_contract(
    function: Callable[..., Any], args: object, kwargs: Mapping[str, Any] | None, irreps_in: object, irreps_out: object
) -> tuple[dict[str, Any], Contract]:
    """Bind the public arguments of `check` and `diagnose` and pair them with their representations.

    `args` is a tuple or list of positional arguments, or a single one. `irreps_in` is a dict by parameter name,
    or a tuple or list in the order of `args`, or a single specification for a single argument.

    Raises:
        ContractError: The two do not match
        UndeclaredTensorError: A tensor among the arguments has no representation
    """
    positional = positional_of(args)
    arguments = bound(function, args, kwargs)
    parameters = parameters_of(function, arguments)
    specs = _by_name(function, arguments, irreps_in)
    contract = Contract(_named_inputs(function, positional, parameters, specs), irreps_out)
    contract.check_names(parameters, "args")
    contract.check_inputs(arguments, "args")
    if not any(leaves(v, UNSPECIFIED) for v in arguments.values()):
        raise ArgumentError("args", positional, "at least one tensor")
    _check_values(arguments, contract)
    return arguments, contract


def _check_values(arguments: Mapping[str, Any], contract: Contract) -> None:
    """Refuse inputs that no callable can be judged by: nothing at all, NaN, and points or irreps at infinity."""
    found = [leaf for k, v in arguments.items() for leaf in leaves(v, contract.inputs.get(k), f"args: {k}")]
    for path, tensor, representation in found:
        empty = tensor.numel() == 0 and isinstance(representation, CartesianPoints)
        if empty or not any(t.numel() for _, t, _ in found):
            raise ContractError(path, f"tensor of shape {tuple(tensor.shape)}", "at least one entry")
        bad = tensor.isnan() if isinstance(representation, Invariant) else ~tensor.isfinite()
        if bool(bad.any()):
            raise ContractError(path, f"{int(bad.sum())} entries that are NaN or infinite", "finite numbers")


def _by_name(function: Callable[..., Any], arguments: Mapping[str, Any], irreps_in: object) -> object:
    """What is declared for names that `**kwargs` collect, put under the name of the parameter that collects them."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return irreps_in
    variable = next((name for name, p in parameters.items() if p.kind == p.VAR_KEYWORD), None)
    if variable is None or variable not in arguments or not isinstance(irreps_in, Mapping):
        return irreps_in
    names = set(arguments[variable]) & set(irreps_in) - set(parameters)
    named = {name: spec for name, spec in irreps_in.items() if name not in names}
    return {**named, variable: {name: irreps_in[name] for name in names}} if names else irreps_in


def _named_inputs(
    function: Callable[..., Any], positional: tuple[Any, ...], parameters: Collection[str], irreps_in: object
) -> dict[str, object]:
    if isinstance(irreps_in, Mapping) and (set(irreps_in) <= set(parameters) or len(positional) != 1):
        return dict(irreps_in)
    listed = isinstance(irreps_in, (list, tuple)) and type(irreps_in) in (list, tuple)
    specs = tuple(irreps_in) if listed else (irreps_in,)  # type: ignore[arg-type]
    if len(specs) != len(positional):
        expected = f"{len(positional)} representations, one for each of args"
        raise ContractError("irreps_in", irreps_in, f"{expected}, or a dict by parameter name")
    return bind(function, specs, {})


def grids_in(spec: object) -> Iterator[Grid]:
    """The fields of a compiled specification."""
    if isinstance(spec, Grid):
        yield spec
    elif isinstance(spec, (Mapping, list)):
        for item in spec.values() if isinstance(spec, Mapping) else spec:
            yield from grids_in(item)
