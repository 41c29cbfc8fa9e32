"""Finds by runs which axis of a cloud lists its nodes and which lists samples, where the shapes allow several.

Entries of an axis are selected, in reverse and without the first one. If the module then returns the same selection of
its output, each entry is treated by itself, as samples are. If it returns anything else, the entries interact, as nodes
do. If it raises an error, their number is fixed, as that of channels.

`readings` calls `with_axes`. Laws are decided before, in `inputs_by_trial`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import torch
from torch import Tensor

from equivariance._engine.inference.output_runs import tensors
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance.contracts.assumption import Assumption, How, leading
from equivariance.contracts.assumptions import component_axis
from equivariance.contracts.nested import with_tensors
from equivariance.groups.named import Symmetry
from equivariance.representations.axes import Assumed, BatchAxis, NodeAxis
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices

_CLOSE = 1e-6
"""Largest difference of equal outputs, relative to the largest entry, in float64."""


class Entries(Enum):
    """How a module treats the entries of one axis of its input."""

    SEPARATE = "each by itself"
    INTERACT = "they interact"
    FIXED = "their number is fixed"


@dataclass(frozen=True)
class Axes:
    """A reading of the axes of a tensor.

    Attributes:
        nodes, batch: The axes, as in a representation.
        how: How the two are known.
        why: The evidence in words; "" if there is none.
    """

    nodes: NodeAxis
    batch: BatchAxis
    how: How
    why: str = ""


def with_axes(assumptions: Sequence[Assumption], runner: Runner, tested: Collection[str]) -> list[Assumption]:
    """Returns the tensors whose axes the runs show, with these axes.

    Args:
        assumptions: All tensors of the call that are not declared, with their laws.
        runner: Runs the module on the arguments of the call.
        tested: The tested symmetries.
    """
    open_ones = [a for a in assumptions if a.grounds.nodes is How.BY_SHAPE and len(a.shape)]
    lead = leading(open_ones)
    if lead is None or any(isinstance(a.representation, NodeIndices) for a in assumptions):
        return []
    free = _free_axes(lead)
    both = {Symmetry.PERMUTATION, Symmetry.BATCH} <= {*tested}
    if not free or (len(free) == 1 and not both and isinstance(lead.representation.nodes, Assumed)):
        return []
    axes = _axes(lead, {axis: _Probe(open_ones, lead, runner).entries(axis) for axis in free})
    return [_placed(a, lead, axes) for a in open_ones]


def _free_axes(assumption: Assumption) -> list[int]:
    """Returns the axes that do not hold components."""
    component = component_axis(assumption.representation, assumption.value)
    last = len(assumption.shape) - 1
    features = last if isinstance(assumption.representation, Invariant) and last > 0 else None
    return [axis for axis in range(last + 1) if axis not in (component, features)]


@dataclass(frozen=True)
class _Probe:
    """Selects entries of the axes of one tensor, and of the axes of other tensors that are as long.

    Attributes:
        others: The tensors that may have the same axes.
        lead: The tensor.
        runner: Runs the module.
    """

    others: Sequence[Assumption]
    lead: Assumption
    runner: Runner

    def entries(self, axis: int) -> Entries:
        """Returns how the module treats the entries of an axis."""
        length = self.lead.shape[axis]
        chosen = [0, 0] if length == 1 else list(range(length - 1, 0, -1))
        state = [s for s in self.runner.states if s.mode == "eval"][-1]
        reference = dict(tensors(self._run(state, self.runner.arguments)))
        try:
            selected = dict(tensors(self._run(state, self._selected(axis, chosen))))
        except Exception:  # a module may reject other sizes in any way
            return Entries.FIXED
        follow = [_follows(value, selected.get(path), length, chosen) for path, value in reference.items()]
        return Entries.SEPARATE if all(follow) else Entries.INTERACT

    def _run(self, state: ModelState, arguments: Mapping[str, Any]) -> Any:
        return self.runner.run(state, self.runner.reference_dtype, arguments)

    def _selected(self, axis: int, chosen: Sequence[int]) -> dict[str, Any]:
        """Returns the arguments with the chosen entries of this axis, in all tensors that have it."""
        index = torch.tensor(chosen, device="cpu")
        given = dict(tensors(self.runner.arguments))
        axes = {a.path: found for a in self.others if (found := _same_axis(a, self.lead, axis)) is not None}
        made = {path: given[path].index_select(at, index.to(given[path].device)) for path, at in axes.items()}
        selected: dict[str, Any] = with_tensors(dict(self.runner.arguments), made)
        return selected


def _same_axis(other: Assumption, lead: Assumption, axis: int) -> int | None:
    """Returns the axis of another tensor that lists what an axis of `lead` lists, by its place or its length."""
    length, free = lead.shape[axis], _free_axes(other)
    if other is lead or (axis in free and other.shape[axis] == length):
        return axis
    alike = [a for a in free if other.shape[a] == length]
    return alike[0] if len(alike) == 1 and length > 1 else None


def _follows(before: Tensor, after: Tensor | None, length: int, chosen: Sequence[int]) -> bool:
    """True if a value did not change, or is a selection of its former entries along an axis."""
    if after is None:
        return False
    index = torch.tensor(chosen, device=before.device)
    axes = [a for a, (old, new) in enumerate(zip(before.shape, after.shape, strict=False)) if (old, new) == (length, len(chosen))]
    expected = [before, *(before.index_select(axis, index) for axis in axes)]
    return any(value.shape == after.shape and _is_close(value, after) for value in expected)


def _is_close(left: Tensor, right: Tensor) -> bool:
    if not left.is_floating_point():
        return torch.equal(left, right)
    close = max(_CLOSE, torch.finfo(left.dtype).eps ** 0.5)
    return torch.allclose(left, right, rtol=close, atol=close * float(left.abs().max()) if left.numel() else 0.0)


def _axes(lead: Assumption, entries: Mapping[int, Entries]) -> Axes:
    """Returns the reading of the axes that the runs show; of several readings the usual one."""
    words = ", ".join(f"axis {axis}: {found.value}" for axis, found in entries.items())
    separate, interact, fixed = ([a for a, e in entries.items() if e is kind] for kind in Entries)
    if len(entries) == 1:
        (axis,) = entries
        if interact:
            return Axes(axis, None, How.BY_RUNS, words)
        return Axes(axis, None, How.BY_SHAPE, words) if fixed else Axes(Assumed.FIRST, Assumed.FIRST, How.BY_SHAPE, words)
    if len(interact) == 1:
        return Axes(interact[0], separate[0] if separate else None, How.BY_RUNS, words)
    if not interact and len(separate) > 1:  # permutations and selections of any of them hold alike
        return Axes(separate[1], separate[0], How.BY_RUNS, words)
    if interact:
        batch = separate[0] if separate else interact[0]
        return Axes(next(a for a in interact if a != batch), batch, How.BY_SHAPE, words)
    if not isinstance(lead.representation, CartesianPoints) and separate:
        return Axes(separate[0], None, How.BY_SHAPE, words)
    nodes = next(a for a in reversed(fixed or separate))
    return Axes(nodes, separate[0] if separate else None if nodes == fixed[0] else fixed[0], How.BY_SHAPE, words)


def _placed(assumption: Assumption, lead: Assumption, axes: Axes) -> Assumption:
    """Returns a tensor with the axes of `lead` that it has."""
    law, own = assumption.representation, {}
    for name, axis in (("nodes", axes.nodes), ("batch", axes.batch)):
        if isinstance(axis, Assumed):
            first = _same_axis(assumption, lead, _free_axes(lead)[0])
            own[name] = Assumed.FIRST if first == 0 else first
        else:
            own[name] = _same_axis(assumption, lead, axis) if isinstance(axis, int) else None
    why = f"{assumption.why}; {axes.why}" if assumption is lead else assumption.why
    how = axes.how if assumption is lead or axes.how is How.BY_RUNS else How.READ_OFF
    grounds = replace(assumption.grounds, nodes=how, samples=how)
    return replace(assumption, representation=replace(law, **own), why=why, grounds=grounds)
