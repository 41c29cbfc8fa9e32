"""Contract: the representation of every input tensor and every output tensor of a callable.

Users declare contracts of layers; `call_contract` makes one from the arguments of `check` and `diagnose`. The module
checks shapes and transforms nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from equivariance.contracts.nested import UNSPECIFIED, compile_spec, leaves, representations_in
from equivariance.contracts.signature import bind, bound, parameters_of, positional_of
from equivariance.contracts.spec import Spec
from equivariance.errors import ArgumentError, ContractError
from equivariance.representations.grid import Grid
from equivariance.representations.standard import CartesianPoints, Invariant


@dataclass(frozen=True)
class Contract:
    """Representations of the inputs of a callable, by parameter name, and of its output.

    Strings, None and irreps are parsed on construction. Dicts, lists, tuples and dataclasses nest like the value that
    they describe.

    Attributes:
        inputs: Representations by parameter name. Parameters without tensors need no entry.
        output: Representations of the output.
        stated: True if the contract was read off a module. If it does not fit the inputs of the module, it is dropped
            and the report says so.
        parameters: Path of a parameter or buffer within the layer -> representation, for parameters that move with the
            inputs, as learned queries do. The code of all layers then counts as that of the whole.

    Raises:
        ArgumentError: If `inputs` is no mapping, or a specification cannot be parsed.
    """

    inputs: Mapping[str, Spec]
    output: Spec
    stated: bool = False
    parameters: Mapping[str, Spec] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Parses all specifications."""
        if not isinstance(self.inputs, Mapping):
            raise ArgumentError("inputs", self.inputs, "representations by parameter name, as a dict")
        object.__setattr__(self, "inputs", {k: compile_spec(v, k) for k, v in self.inputs.items()})
        object.__setattr__(self, "output", compile_spec(self.output, "output"))
        object.__setattr__(self, "parameters", {k: compile_spec(v, k) for k, v in self.parameters.items()})

    def check_names(self, parameters: Collection[str], layer: str) -> None:
        """Checks that every declared name is a parameter. A call may omit the argument.

        Args:
            parameters: Parameter names of the callable.
            layer: The name of the callable, for the error.

        Raises:
            ContractError: If a declared name is not a parameter; the message lists the parameters.
        """
        unknown = sorted(set(self.inputs) - set(parameters))
        if unknown:
            raise ContractError(f"contract of {layer}", unknown, f"names among its arguments, {', '.join(parameters)}")

    def check_inputs(self, arguments: Mapping[str, Any], layer: str) -> None:
        """Checks that every tensor among the arguments is declared and fits.

        Args:
            arguments: Values by parameter name.
            layer: The name of the callable, for the error.

        Raises:
            UndeclaredTensorError: If a tensor is not declared; the message names layer, argument and place.
            ContractError: If a shape does not fit.
        """
        for name, value in arguments.items():
            leaves(value, self.inputs.get(name), f"{layer}: {name}")

    def check_output(self, value: Any, layer: str) -> None:
        """Checks that every tensor of the output is declared and fits.

        Args:
            value: The output.
            layer: The name of the callable, for the error.

        Raises:
            UndeclaredTensorError: If a tensor is not declared.
            ContractError: If a shape does not fit.
        """
        leaves(value, self.output, f"{layer}: output")


def call_contract(
    function: Callable[..., Any], args: object, kwargs: Mapping[str, Any] | None, irreps_in: object, irreps_out: object
) -> tuple[dict[str, Any], Contract]:
    """Binds the public arguments of `check` and `diagnose`, with their representations.

    Args:
        function: The callable.
        args: A tuple or list of positional arguments, or a single one.
        kwargs: Arguments by name.
        irreps_in: Representations as a dict by parameter name, or in the order of `args`. A single argument may have a
            single representation.
        irreps_out: Representations of the output.

    Returns:
        The arguments by parameter name, and the contract.

    Raises:
        ArgumentError: If the callable does not take the arguments, or no tensor is among them.
        ContractError: If arguments and representations do not match, or values are empty or not finite.
        UndeclaredTensorError: If a tensor among the arguments has no representation.
    """
    positional = positional_of(args)
    arguments = bound(function, args, kwargs)
    parameters = parameters_of(function, arguments)
    specs = _collect_by_keyword(function, arguments, irreps_in)
    contract = Contract(_pair_by_name(function, positional, parameters, specs), irreps_out)
    contract.check_names(parameters, "args")
    contract.check_inputs(arguments, "args")
    if not any(leaves(v, UNSPECIFIED) for v in arguments.values()):
        raise ArgumentError("args", positional, "at least one tensor")
    _check_values(arguments, contract)
    return arguments, contract


def _check_values(arguments: Mapping[str, Any], contract: Contract) -> None:
    """Rejects inputs that make a test meaningless: empty tensors, NaN, infinite positions or irreps."""
    found = [leaf for k, v in arguments.items() for leaf in leaves(v, contract.inputs.get(k), f"args: {k}")]
    for path, tensor, representation in found:
        empty = tensor.numel() == 0 and isinstance(representation, CartesianPoints)
        if empty or not any(t.numel() for _, t, _ in found):
            raise ContractError(path, f"tensor of shape {tuple(tensor.shape)}", "at least one entry")
        bad = tensor.isnan() if isinstance(representation, Invariant) else ~tensor.isfinite()
        if bool(bad.any()):
            raise ContractError(path, f"{int(bad.sum())} entries that are NaN or infinite", "finite numbers")


def _collect_by_keyword(function: Callable[..., Any], arguments: Mapping[str, Any], irreps_in: object) -> object:
    """Moves declarations of names that `**kwargs` collects under the name of this parameter."""
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


def _pair_by_name(
    function: Callable[..., Any], positional: tuple[Any, ...], parameters: Collection[str], irreps_in: object
) -> dict[str, object]:
    """Returns the representations by parameter name."""
    if isinstance(irreps_in, Mapping) and (set(irreps_in) <= set(parameters) or len(positional) != 1):
        return dict(irreps_in)
    listed = isinstance(irreps_in, (list, tuple)) and type(irreps_in) in (list, tuple)
    specs = tuple(irreps_in) if listed else (irreps_in,)  # type: ignore[arg-type]
    if len(specs) != len(positional):
        expected = f"{len(positional)} representations, one for each of args"
        raise ContractError("irreps_in", irreps_in, f"{expected}, or a dict by parameter name")
    return bind(function, specs, {})


def grids_in(spec: object) -> Iterator[Grid]:
    """Yields the grids in a compiled specification."""
    yield from (how for how in representations_in(spec) if isinstance(how, Grid))
