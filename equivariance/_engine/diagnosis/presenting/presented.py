"""Prepares a request whose arguments are not what the callable receives: windows, renderings, exchanged arguments.

`request` calls it before anything is bound. It replaces the argument by what the callable receives, and gives the
representations the values that they need. Nothing is run but the renderers of the user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from equivariance.contracts.inputs import NOT_GIVEN
from equivariance.contracts.nested import compile_spec, representations_in
from equivariance.contracts.signature import bind, bound, parameters_of, positional_of, unbind
from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.groups.further import Swap
from equivariance.groups.sampling import Elements, Group
from equivariance.representations.base import Representation
from equivariance.representations.composed.exchanged import Exchanged
from equivariance.representations.composed.masked import Masked
from equivariance.representations.images.presented import Presented

Given = tuple[object, Mapping[str, Any] | None, object, object]
"""Positional arguments, keyword arguments, and the representations of inputs and outputs."""


def presented(function: Callable[..., Any], given: Given, groups: Sequence[Group]) -> Given:
    """Returns the arguments and the representations as the engine takes them.

    Args:
        function: The callable.
        given: What the user gave.
        groups: The groups that are tested.

    Raises:
        ContractError: If a value does not fit its representation.
        ArgumentError: If arguments that exchange are not declared, or have different shapes.
    """
    args, kwargs, takes, gives = given
    swapped = _swapped(groups)
    if takes is NOT_GIVEN and swapped:
        raise ArgumentError("irreps_in", takes, f"representations of {' and '.join(swapped)}, which are exchanged")
    if takes is NOT_GIVEN:
        return given
    arguments = bound(function, args, kwargs)
    specs = _by_name(function, args, arguments, takes)
    returned = [] if gives is NOT_GIVEN else [compile_spec(gives, "output")]
    if specs is None or not (swapped or any(map(_needs_values, (*specs.values(), *returned)))):
        return given
    for name, spec in specs.items():
        if isinstance(spec, Presented) and name in arguments:
            arguments[name], specs[name] = spec.present(arguments[name], name)
    specs = {name: _with_masks(spec, arguments) for name, spec in specs.items()}
    if swapped:
        specs |= _exchanged(swapped, arguments, specs)
    output = _with_masks(returned[0], arguments) if returned else gives
    positional, named = unbind(function, arguments)
    return positional, named, specs, output


def _by_name(
    function: Callable[..., Any], args: object, arguments: Mapping[str, Any], takes: object
) -> dict[str, Any] | None:
    """Returns the compiled representations by parameter name; None if they do not pair, which is told later."""
    positional, parameters = positional_of(args), parameters_of(function, arguments)
    if isinstance(takes, Mapping) and (set(takes) <= set(parameters) or len(positional) != 1):
        named = dict(takes)
    else:
        listed = tuple(takes) if type(takes) in (list, tuple) else (takes,)  # type: ignore[arg-type]
        if len(listed) != len(positional):
            return None
        named = bind(function, listed, {})
    return {name: compile_spec(spec, name) for name, spec in named.items()}


def _needs_values(spec: object) -> bool:
    return any(isinstance(how, (Presented, Masked)) for how in representations_in(spec))


def _with_masks(spec: Any, arguments: Mapping[str, Any]) -> Any:
    """Returns a compiled specification whose masked representations know the mask.

    Raises:
        ContractError: If an argument is no mask.
    """
    if isinstance(spec, Masked):
        mask = arguments.get(spec.by)
        if not isinstance(mask, torch.Tensor) or mask.dim() not in (1, 2):
            what = f"tensor of shape {tuple(mask.shape)}" if isinstance(mask, torch.Tensor) else repr(mask)
            raise ContractError(spec.by, what, "a mask [nodes] or [samples, nodes], for Masked")
        return spec.with_mask(mask)
    if isinstance(spec, Mapping):
        return {key: _with_masks(own, arguments) for key, own in spec.items()}
    return [_with_masks(own, arguments) for own in spec] if isinstance(spec, list) else spec


def _swapped(groups: Sequence[Group]) -> tuple[str, ...]:
    """Returns the names of the two arguments that a group exchanges, or ()."""
    for group in groups:
        if isinstance(group, Swap):
            return group.arguments
        for element in group.elements if isinstance(group, Elements) else ():
            if isinstance(element, Transform) and element.actions and element.actions.exchanged:
                return element.actions.exchanged
    return ()


def _exchanged(names: Sequence[str], arguments: Mapping[str, Any], specs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the representations of two arguments that exchange.

    Raises:
        ArgumentError: If an argument is missing or no tensor, or if the shapes differ.
    """
    first, second = names
    for name in names:
        if not isinstance(arguments.get(name), torch.Tensor) or not isinstance(specs.get(name), Representation):
            raise ArgumentError("group", f"Swap({tuple(names)})", f"tensors with representations, also of {name}")
    if arguments[first].shape != arguments[second].shape:
        shapes = f"{tuple(arguments[first].shape)} and {tuple(arguments[second].shape)}"
        raise ArgumentError("group", f"Swap({tuple(names)})", f"two arguments of one shape, not of {shapes}")
    found = {}
    for name, other in ((first, second), (second, first)):
        partner = arguments[other].detach().clone()
        found[name] = Exchanged(specs[name], partner=partner, number=id(partner))
    return found
