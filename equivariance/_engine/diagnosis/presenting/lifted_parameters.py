"""Makes parameters arguments of a network, so that they transform with its inputs.

`request` calls it for contracts that give representations of parameters: learned queries that are permuted with the
queries of the input, or a template in the frame of the input. The module of the user is not changed.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from equivariance._engine.diagnosis.presenting.presented import Given
from equivariance._torch_private import buffers_of
from equivariance._torch_private import parameters_of as own_parameters
from equivariance.contracts.contract import Contract, call_contract
from equivariance.contracts.inputs import NOT_GIVEN
from equivariance.contracts.spec import Spec
from equivariance.errors import ArgumentError, ChoiceError
from equivariance.representations.standard import Invariant


def parameters_of(layers: Mapping[str, Contract]) -> dict[str, Spec]:
    """Returns path -> representation of each parameter that moves with the inputs."""
    found = {}
    for layer, contract in layers.items():
        found.update({f"{layer}.{path}".strip("."): spec for path, spec in contract.parameters.items()})
    return found


def with_values(module: torch.nn.Module, moving: Mapping[str, Spec], given: Given) -> Given:
    """Returns the arguments of a request, with parameters among them.

    Args:
        module: The network.
        moving: Path of a parameter or buffer -> representation.
        given: Arguments and representations of the request.

    Raises:
        ChoiceError: If a path is no parameter and no buffer.
        ArgumentError: If the inputs are not declared.
    """
    args, kwargs, takes, gives = given
    if not moving:
        return given
    if takes is NOT_GIVEN:
        raise ArgumentError("irreps_in", NOT_GIVEN, "representations of the inputs, beside those of parameters")
    known = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers())}
    for path in moving:
        if path not in known:
            raise ChoiceError("parameters", path, known)
    arguments, contract = call_contract(module.forward, args, kwargs, takes, Invariant(nodes=None, batch=None))
    named = {_name(path): known[path].detach().clone() for path in moving}
    specs = {_name(path): spec for path, spec in moving.items()}
    return (), {**arguments, **named}, {**contract.inputs, **specs}, gives


def _name(path: str) -> str:
    """Returns the name of the argument for a parameter."""
    return path.replace(".", "__")


def with_parameters_as_arguments(module: torch.nn.Module, paths: Iterable[str]) -> torch.nn.Module:
    """Returns a module that takes parameters by name, with the submodules and the source of another one.

    Args:
        module: The network; it is returned itself if there are no parameters.
        paths: The paths of the parameters.
    """
    names, kind = {path: _name(path) for path in paths}, type(module)
    if not names:
        return module
    forward = kind.forward

    @functools.wraps(forward)
    def lifted(self: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        """Runs the network with the given parameters."""
        given = {path: kwargs.pop(name) for path, name in names.items() if name in kwargs}
        with _in_place_of_own(self, given):
            return forward(self, *args, **kwargs)

    signature = inspect.signature(forward)
    more = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names.values()]
    own = list(signature.parameters.values())
    at = next((i for i, p in enumerate(own) if p.kind == p.VAR_KEYWORD), len(own))
    lifted.__signature__ = signature.replace(parameters=[*own[:at], *more, *own[at:]])  # type: ignore[attr-defined]
    fields = {"forward": lifted, "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    made = copy.copy(module)
    made.__class__ = type(kind.__name__, (kind,), fields)
    return made


@contextmanager
def _in_place_of_own(module: torch.nn.Module, given: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """Puts tensors in the place of parameters and buffers, and takes them out again."""
    kept: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for path, tensor in given.items():
            layer, _, name = path.rpartition(".")
            owner = module.get_submodule(layer)
            own: dict[str, Any] = own_parameters(owner)
            room: dict[str, Any] = own if name in own else buffers_of(owner)
            kept.append((room, name, room[name]))
            room[name] = tensor
        yield
    finally:
        for room, name, value in reversed(kept):
            room[name] = value
