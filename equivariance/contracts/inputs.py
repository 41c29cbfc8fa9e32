"""What a callable takes and gives, where nobody declared it: read off the module and off the data, or assumed.

Stated comes before assumed: the contract of the module itself (`equivariance.contracts.declared`), then what the
data say (fields of PyTorch Geometric, escnn's types), then names and shapes
(`equivariance.contracts.assumptions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import torch

from equivariance.contracts.adapter_registry import adapter_of
from equivariance.contracts.assumptions import Assumption, assume, with_differences
from equivariance.contracts.callables import name_of
from equivariance.contracts.contract import Contract
from equivariance.contracts.declared import declared_contract
from equivariance.contracts.nested import leaves
from equivariance.errors import ContractError
from equivariance.representations.base import Representation
from equivariance.representations.formatting import as_python, in_words
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import Invariant


class NotGiven(Enum):
    """Stands where nothing was declared; None there means "unchanged"."""

    NOT_GIVEN = "read it off"

    def __repr__(self) -> str:
        """The name as one would type it."""
        return "UNSTATED"


NOT_GIVEN = NotGiven.NOT_GIVEN


@dataclass(frozen=True)
class Inputs:
    """What the arguments are taken for.

    Attributes:
        specs: Representations by parameter name, shaped like the arguments
        stated: One line for each argument that the module itself states
        assumptions: One for each tensor that nobody states
    """

    specs: Mapping[str, object]
    stated: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What a report says of it: what was read, what was assumed, and the line that changes it."""
        if not self.assumptions:
            return list(self.stated)
        change = f"all of it; to change a line, write irreps_in={self.declaration()}"
        return [*self.stated, *map(str, self.assumptions), change]

    @property
    def asked(self) -> tuple[Assumption, ...]:
        """Those that look like geometry and say nothing of it."""
        return tuple(a for a in self.assumptions if a.asked)

    @property
    def moves(self) -> bool:
        """Whether anything but what is asked about moves with the pose, by what was stated or assumed."""
        return any(_moving(spec) for spec in self.specs.values())

    def declaration(self) -> str:
        """The argument `irreps_in` that declares what is assumed here, as Python."""
        return as_python(self.specs)

    def taking(self, changed: Sequence[Assumption]) -> Inputs:
        """With other representations for the tensors of the given assumptions."""
        specs = dict(self.specs)
        for assumption in changed:
            specs = _with(specs, assumption.path, assumption.representation)
        found = {a.path: a for a in changed}
        return replace(self, specs=specs, assumptions=tuple(found.get(a.path, a) for a in self.assumptions))


def inputs_of(module: torch.nn.Module, arguments: Mapping[str, Any]) -> Inputs:
    """Representations of the arguments of a call: stated by the module, else by the data, else assumed.

    Args:
        module: What is called; its own contract is used as far as it fits the arguments
        arguments: The values by parameter name, as `equivariance.contracts.signature.bind` gives them
    """
    contract = declared_contract(module) or Contract({}, None)
    stated = {k: s for k, s in contract.inputs.items() if k in arguments and _fits(arguments[k], s)}
    lines = tuple(f"{k}: {in_words(s)} (stated by {name_of(module)})" for k, s in stated.items() if in_words(s))
    found = with_differences(a for a in assume(arguments, ()) if not _covers(stated, a.path))
    specs: dict[str, object] = dict(stated)
    for assumption in found:
        specs = _with(specs, assumption.path, assumption.representation)
    return Inputs(specs, lines, tuple(found))


def outputs_of(module: torch.nn.Module) -> object:
    """Representations of what a call returns: stated by the module, `NOT_GIVEN` where it states none."""
    contract = declared_contract(module)
    return NOT_GIVEN if contract is None else contract.output


def group_of_arguments(args: object, otherwise: object) -> object:
    """The group that the arguments themselves are made for, as escnn's tensors are; `otherwise` where none is."""
    for value in args if isinstance(args, (tuple, list)) else (args,):
        adapter = adapter_of(value)
        found = adapter.group(value) if adapter else None
        if found:
            return found
    return otherwise


def _moving(spec: object) -> bool:
    if isinstance(spec, Mapping):
        return any(map(_moving, spec.values()))
    if isinstance(spec, (list, tuple)):
        return any(map(_moving, spec))
    if isinstance(spec, Irreps):
        return any(degree > 0 or parity < 0 for _, degree, parity in spec.blocks)
    return isinstance(spec, Representation) and not isinstance(spec, Invariant)


def _fits(value: Any, spec: object) -> bool:
    """Whether a stated representation fits a value, as far as it goes: fields beyond it are assumed."""
    if isinstance(spec, Mapping) and isinstance(value, Mapping):
        return all(_fits(value[key], own) for key, own in spec.items() if key in value)
    try:
        leaves(value, spec)
    except ContractError:
        return False
    return True


def _covers(spec: object, path: tuple[str | int, ...]) -> bool:
    """Whether a specification reaches the tensor at `path`."""
    if isinstance(spec, Representation):
        return True
    if isinstance(spec, Mapping):
        return bool(path) and path[0] in spec and _covers(spec[path[0]], path[1:])
    if isinstance(spec, (list, tuple)):
        return bool(path) and isinstance(path[0], int) and path[0] < len(spec) and _covers(spec[path[0]], path[1:])
    return spec is not None


def _with(
    specs: Mapping[Any, object], path: tuple[str | int, ...], representation: Representation
) -> dict[Any, object]:
    """A copy in which the tensor at `path` has a representation."""
    first, *rest = path
    if not rest:
        return {**specs, first: representation}
    inner = specs.get(first)
    return {**specs, first: _with(inner if isinstance(inner, Mapping) else {}, tuple(rest), representation)}
