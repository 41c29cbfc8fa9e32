"""Finds representations of undeclared inputs and outputs: stated by the module or the data, otherwise assumed.

The contract of the module comes first (`contracts.declared`), then the data (fields of PyTorch Geometric, escnn's
types), then names and shapes (`contracts.assumptions`).

Called by the entry points if `irreps_in` or `irreps_out` is missing. The module runs nothing; `_engine.inference` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import torch

from equivariance.contracts.adapter_registry import adapter_of
from equivariance.contracts.assumption import Assumption, Grounds, How, Path, doubts
from equivariance.contracts.assumptions import assume, component_axis
from equivariance.contracts.callables import name_of
from equivariance.contracts.contract import Contract
from equivariance.contracts.declared import declared_contract
from equivariance.contracts.nested import children, compile_spec, leaves
from equivariance.contracts.relations import with_differences, with_kinds
from equivariance.contracts.sample_lists import EACH
from equivariance.errors import ContractError
from equivariance.representations.axes import Assumed
from equivariance.representations.base import Representation
from equivariance.representations.formatting import as_python, in_words
from equivariance.representations.grid import Grid
from equivariance.representations.irreps import Irreps
from equivariance.representations.sample_list import SampleList
from equivariance.representations.standard import Invariant


class NotGiven(Enum):
    """Marks a missing declaration; None would mean "unchanged"."""

    NOT_GIVEN = "read it off"

    def __repr__(self) -> str:
        """Returns the name as Python."""
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven.NOT_GIVEN

_SMALLEST_SIDE = 4
"""Cells on the shortest side of a tensor that may be an image."""


@dataclass(frozen=True)
class Inputs:
    """Representations of the arguments of a call that were not declared.

    Attributes:
        specs: Representations by parameter name, nested like the arguments.
        stated: One line for each argument that the module itself states.
        assumptions: One for each tensor that was assumed.
    """

    specs: Mapping[str, object]
    stated: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    @property
    def lines(self) -> list[str]:
        """Lines of a report: stated arguments, assumptions, and the Python that changes them."""
        if self.are_declared:
            return list(self.stated)
        change = f"all of it; to change a line, write irreps_in={self.declaration()}"
        grids = [] if self.has_moving_input else filter(None, map(_as_grid, self.assumptions))
        return [*self.stated, *map(str, self.assumptions), change, *grids]

    @property
    def undecided(self) -> tuple[Assumption, ...]:
        """Assumptions for tensors that look like geometry but may transform in several ways, on their own account."""
        return tuple(a for a in self.assumptions if a.asked and a.follows is None)

    @property
    def has_moving_input(self) -> bool:
        """True if any tensor rotates or moves by its stated or assumed representation; undecided tensors do not."""
        return any(_is_moving(spec) for spec in self.specs.values())

    def declaration(self) -> str:
        """Returns the argument `irreps_in` that declares these representations, as Python."""
        return as_python(self.specs)

    @property
    def are_declared(self) -> bool:
        """True if the caller declared all laws."""
        return not self.stated and all(a.grounds.law is How.DECLARED for a in self.assumptions)

    def doubts(self, symmetry: str) -> tuple[str, ...]:
        """Returns what a verdict on a symmetry rests on and what could be otherwise, in words."""
        return doubts(self.assumptions, symmetry)

    def with_assumptions(self, changed: Sequence[Assumption]) -> Inputs:
        """Returns a copy in which the given assumptions replace the ones at the same places.

        Tensors whose law follows from a changed one change too.
        """
        specs, known = dict(self.specs), {a.path: a for a in changed}
        found = tuple(_following(known.get(a.path, a), known) for a in self.assumptions)
        for assumption in found:
            specs = _replace_representation(specs, assumption.path, assumption.representation)
        return replace(self, specs=specs, assumptions=found)


def inputs_of(module: torch.nn.Module, arguments: Mapping[str, Any], numbers: torch.Tensor | None = None) -> Inputs:
    """Returns representations of the arguments of a call: stated by the module or by the data, otherwise assumed.

    Args:
        module: The callable; its own contract is used for each argument that it fits.
        arguments: The values by parameter name, as `equivariance.contracts.signature.bind` gives them.
        numbers: The sample numbers among the arguments, if a run shows them.
    """
    contract = declared_contract(module) or Contract({}, None)
    stated = {k: s for k, s in contract.inputs.items() if k in arguments and _fits(arguments[k], s)}
    lines = tuple(f"{k}: {in_words(s)} (stated by {name_of(module)})" for k, s in stated.items() if in_words(s))
    found = with_differences(a for a in assume(arguments, (), numbers=numbers) if not _covers(stated, a.path))
    found = with_kinds(_without_unlikely(found, any(map(_is_moving, stated.values()))))
    specs: dict[str, object] = dict(stated)
    for assumption in found:
        specs = _replace_representation(specs, assumption.path, assumption.representation)
    return Inputs(specs, lines, tuple(found))


def _following(assumption: Assumption, changed: Mapping[Path, Assumption]) -> Assumption:
    """Returns the assumption with the law that follows from another one, if that one changed."""
    leader = None if assumption.follows is None else changed.get(assumption.follows.path)
    if leader is None or assumption.follows is None:
        return assumption
    grounds = replace(assumption.grounds, law=leader.grounds.law)
    return replace(
        assumption.with_law(assumption.follows.law(leader.representation)), asked=leader.asked, grounds=grounds
    )


def _without_unlikely(assumptions: Sequence[Assumption], moving: bool) -> list[Assumption]:
    """Takes tensors for unchanged whose components would lie before the last axis, if other tensors are the geometry.

    A tensor [nodes, 3, channels] beside a cloud of as many nodes stays undecided.
    """
    likely = [a for a in assumptions if not _is_inner(a) and (a.asked or _is_moving(a.representation))]
    if not likely and not moving:
        return list(assumptions)
    lengths = {size for a in likely for size in a.shape[:-1] if size > 1}
    return [
        replace(a, asked=False, laws=(), why="its last axis is not 3", grounds=replace(a.grounds, law=How.READ_OFF))
        if _is_inner(a) and not (len(a.shape) == 3 and lengths & {a.shape[0], a.shape[2]})
        else a
        for a in assumptions
    ]


def _is_inner(assumption: Assumption) -> bool:
    """True for an undecided tensor whose components would lie before the last axis."""
    moving = [law for law in assumption.laws if not isinstance(law, Invariant)]
    if not moving or not isinstance(assumption.representation, Invariant):
        return False
    return all(component_axis(law, assumption.value) != len(assumption.shape) - 1 for law in moving)


def declared_inputs(arguments: Mapping[str, Any], specs: Mapping[str, object]) -> Inputs:
    """Returns declared representations; of positions without declared axes, the axes are assumed.

    Args:
        arguments: The values by parameter name.
        specs: The declared representations by parameter name, parsed.
    """
    return Inputs(specs, (), tuple(_declared_assumptions(arguments, specs, ())))


def _declared_assumptions(value: Any, spec: object, path: Path) -> Iterator[Assumption]:
    """Yields each tensor with its declared representation; containers of other libraries state their axes."""
    if isinstance(value, torch.Tensor) and isinstance(spec, Representation):
        by_shape = isinstance(spec.nodes, Assumed) and isinstance(spec.batch, Assumed)
        axes = How.BY_SHAPE if by_shape else How.DECLARED
        yield Assumption(path, tuple(value.shape), spec, "declared", value, grounds=Grounds(How.DECLARED, axes, axes))
    elif isinstance(spec, (Mapping, list)):
        for key, entry in children(value):
            own = spec.get(key) if isinstance(spec, Mapping) else spec[key] if isinstance(key, int) else None
            yield from _declared_assumptions(entry, own, (*path, key))


def outputs_of(module: torch.nn.Module) -> object:
    """Returns the representations of the output that the module states, or `NOT_GIVEN` if it states none."""
    contract = declared_contract(module)
    return NOT_GIVEN if contract is None else contract.output


def group_of_arguments(args: object, otherwise: object) -> object:
    """Returns the group for which the arguments are made, as escnn's tensors state it.

    Args:
        args: The positional arguments, or a single one.
        otherwise: The result if no argument states a group.
    """
    for value in args if isinstance(args, (tuple, list)) else (args,):
        adapter = adapter_of(value)
        found = adapter.group(value) if adapter else None
        if found:
            return found
    return otherwise


def _as_grid(assumption: Assumption) -> str:
    """Returns the remark on a tensor that may be an image or voxels, with a declaration to paste; else ""."""
    shape, sides = assumption.shape, assumption.shape[2:]
    if len(shape) not in (4, 5) or min(sides) < _SMALLEST_SIDE or not assumption.value.is_floating_point():
        return ""
    grid = Grid(irreps=f"{shape[1]}x0e", axes=(-2, -1) if len(shape) == 4 else (-3, -2, -1))
    declared = as_python(_replace_representation({}, assumption.path, grid))
    return f"if {assumption.place} is an image or voxels with scalars in its channels, write irreps_in={declared}"


def states_parity(spec: object) -> bool:
    """True if a specification contains irreps of odd parity: whoever writes them claims the inversion."""
    compiled = compile_spec(spec, "irreps")
    if isinstance(compiled, Mapping):
        return any(map(states_parity, compiled.values()))
    if isinstance(compiled, (list, tuple)):
        return any(map(states_parity, compiled))
    return isinstance(compiled, Irreps) and any(parity < 0 for _, _, parity in compiled.blocks)


def _is_moving(spec: object) -> bool:
    """True if a specification contains a representation that rotations or translations change."""
    if isinstance(spec, SampleList):
        return _is_moving(spec.each)
    if isinstance(spec, Mapping):
        return any(map(_is_moving, spec.values()))
    if isinstance(spec, (list, tuple)):
        return any(map(_is_moving, spec))
    if isinstance(spec, Irreps):
        return any(degree > 0 or parity < 0 for _, degree, parity in spec.blocks)
    return isinstance(spec, Representation) and not isinstance(spec, Invariant)


def _fits(value: Any, spec: object) -> bool:
    """True if a stated representation fits a value. Fields without a representation are assumed later."""
    if isinstance(spec, Mapping) and isinstance(value, Mapping):
        return all(_fits(value[key], own) for key, own in spec.items() if key in value)
    try:
        leaves(value, spec)
    except ContractError:
        return False
    return True


def _covers(spec: object, path: tuple[str | int, ...]) -> bool:
    """True if a specification contains the tensor at `path`."""
    if isinstance(spec, Representation):
        return True
    if isinstance(spec, Mapping):
        return bool(path) and path[0] in spec and _covers(spec[path[0]], path[1:])
    if isinstance(spec, (list, tuple)):
        return bool(path) and isinstance(path[0], int) and path[0] < len(spec) and _covers(spec[path[0]], path[1:])
    return spec is not None


def _replace_representation(
    specs: Mapping[Any, object], path: tuple[str | int, ...], representation: Representation
) -> dict[Any, object]:
    """Returns a copy in which the tensor at `path` has the given representation."""
    first, *rest = path
    if not rest:
        return {**specs, first: representation}
    inner = specs.get(first)
    if rest[0] == EACH:
        own = {EACH: inner.each} if isinstance(inner, SampleList) else {}
        return {**specs, first: SampleList(_replace_representation(own, tuple(rest), representation)[EACH])}
    entries = dict(enumerate(inner)) if isinstance(inner, list) else inner if isinstance(inner, Mapping) else {}
    return {**specs, first: _replace_representation(entries, tuple(rest), representation)}
