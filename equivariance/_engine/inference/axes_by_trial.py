"""Finds by runs which axis of a cloud lists its nodes and which lists samples, where the shapes allow several.

Entries of an axis are selected, in reverse and without the first one. If the module then returns the same selection of
its output, each entry is treated by itself, as samples are. If it returns anything else, the entries interact, as nodes
do. If it raises an error, their number is fixed, as that of channels.

`readings` calls `with_axes`. Laws are decided before, in `inputs_by_trial`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import torch
from torch import Tensor

from equivariance._engine.inference.output_runs import OutputRuns, tensors
from equivariance.contracts.assumption import Assumption, How, leading
from equivariance.contracts.assumptions import component_axis
from equivariance.contracts.field_names import names_cells
from equivariance.contracts.nested import with_tensors
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices

_CLOSE = 1e-6
"""Largest difference of equal outputs, relative to the largest entry, in float64."""


class Entries(Enum):
    """The treatment of the entries of one axis of an input by a module."""

    SEPARATE = "each by itself"
    INTERACT = "they interact"
    FIXED = "their number is fixed"


@dataclass(frozen=True)
class _Axes:
    """A reading of the axes of a tensor.

    Attributes:
        nodes, batch: The axis that lists nodes and the axis that lists samples; None if there is none.
        how: How the two are known.
    """

    nodes: int
    batch: int | None
    how: How


def with_axes(assumptions: Sequence[Assumption], runs: OutputRuns) -> list[Assumption]:
    """Returns the tensors whose axes the runs show, with these axes; none if the shapes allow one reading only.

    Args:
        assumptions: All tensors of the call, with their laws. The axes that the caller declares stay as they are.
        runs: Runs the module on the arguments of the call.
    """
    undecided = [a for a in assumptions if a.grounds.nodes is How.BY_SHAPE and a.shape]
    lead, told = leading(undecided), any(isinstance(a.representation, NodeIndices) for a in assumptions)
    free = [] if lead is None else _free_axes(lead, as_lead=True)
    if lead is None or told or len(free) < 2 or any(a.grounds.nodes is How.DECLARED for a in assumptions):
        return []
    if lead.grounds.law is How.DECLARED and not isinstance(lead.representation, CartesianPoints):
        return []  # declared irreps list the nodes first, and channels after them
    probe = _Probe([*undecided, *filter(_are_cells, assumptions)], lead, runs)
    entries = {axis: probe.entries(axis) for axis in free}
    axes = _reading(_is_cloud(lead), entries)
    words = ", ".join(f"axis {axis}: {found.value}" for axis, found in entries.items())
    return [] if axes is None else [_with_axes_of(a, lead, axes, words) for a in undecided]


def _is_cloud(lead: Assumption) -> bool:
    """True for positions, and for tensors that may be positions."""
    return any(isinstance(law, CartesianPoints) for law in (lead.representation, *lead.laws))


def _are_cells(assumption: Assumption) -> bool:
    """True for lattice vectors, whose axis of samples is known and which list no nodes."""
    return names_cells(str(assumption.path[-1])) and isinstance(assumption.representation.batch, int)


def _free_axes(assumption: Assumption, as_lead: bool = False) -> list[int]:
    """Returns the axes that do not hold components; for the leading tensor, without the axis of features."""
    law, last = assumption.representation, len(assumption.shape) - 1
    if assumption.asked and isinstance(law, Invariant):
        law = next(tried for tried in assumption.laws if not isinstance(tried, Invariant))
    component = component_axis(law, assumption.value)
    features = last if as_lead and component is None else None
    return [axis for axis in range(last + 1) if axis not in (component, features)]


@dataclass(frozen=True)
class _Probe:
    """Selects entries of the axes of one tensor, and of the axes of other tensors that are as long.

    Attributes:
        others: The tensors that may have the same axes.
        lead: The tensor.
        runs: Runs the module.
    """

    others: Sequence[Assumption]
    lead: Assumption
    runs: OutputRuns

    def entries(self, axis: int) -> Entries:
        """Returns how the module treats the entries of an axis. Tensors of pairs are tried before tensors of rows."""
        runner, length = self.runs.runner, self.lead.shape[axis]
        chosen = [0, 0] if length == 1 else list(range(length - 1, 0, -1))
        state = [s for s in runner.states if s.mode == "eval"][-1]
        made = None
        for selected in self._selections(axis, chosen):
            with suppress(Exception):  # a module may reject other sizes in any way
                made = dict(tensors(runner.run(state, runner.reference_dtype, selected)))
                break
        if made is None:
            return Entries.FIXED
        follow = (_follows(v, made.get(path), length, chosen) for path, v in tensors(self.runs.reference(state)))
        return Entries.SEPARATE if all(follow) else Entries.INTERACT

    def _selections(self, axis: int, chosen: Sequence[int]) -> Iterator[dict[str, Any]]:
        """Yields the arguments with the chosen entries of this axis, in all tensors that have it.

        If tensors have two axes beside each other that may list these entries, both are selected first, then one.
        """
        index = torch.tensor(chosen, device="cpu")
        arguments = dict(self.runs.runner.arguments)
        given = dict(tensors(arguments))
        axes = {a.path: (a, found) for a in self.others if (found := _same_axis(a, self.lead, axis)) is not None}
        pairs = {path: both for path, (a, at) in axes.items() if (both := _pair_of(a, at)) is not None}
        rows = {path: (at,) for path, (_, at) in axes.items()}
        for selected in ({**rows, **pairs}, rows) if pairs else (rows,):
            made = {path: _selected(given[path], at, index) for path, at in selected.items()}
            yield with_tensors(arguments, made)


def _selected(tensor: Tensor, axes: Sequence[int], index: Tensor) -> Tensor:
    """Returns the chosen entries of some axes of a tensor."""
    for axis in axes:
        tensor = tensor.index_select(axis, index.to(tensor.device))
    return tensor


def _pair_of(assumption: Assumption, axis: int) -> tuple[int, int] | None:
    """Returns the given axis and one beside it that is as long and holds no components; None if there is none."""
    free, shape = _free_axes(assumption), assumption.shape
    beside = [other for other in (axis + 1, axis - 1) if other in free and shape[other] == shape[axis] > 1]
    return (axis, beside[0]) if beside else None


def _same_axis(other: Assumption, lead: Assumption, axis: int) -> int | None:
    """Returns the axis of another tensor that lists what an axis of `lead` lists, by its place or its length."""
    length, free = lead.shape[axis], _free_axes(other)
    if _are_cells(other):
        batch = other.representation.batch
        return batch if isinstance(batch, int) and batch == axis and other.shape[batch] == length else None
    if other is lead or (axis in free and other.shape[axis] == length):
        return axis
    alike = [a for a in free if other.shape[a] == length]
    return alike[0] if len(alike) == 1 and length > 1 else None


def _follows(before: Tensor, after: Tensor | None, length: int, chosen: Sequence[int]) -> bool:
    """True if a value did not change, or is a selection of its former entries along an axis."""
    if after is None:
        return False
    index = torch.tensor(chosen, device=before.device)
    sizes = enumerate(zip(before.shape, after.shape, strict=False))
    axes = [axis for axis, (old, new) in sizes if (old, new) == (length, len(chosen))]
    expected = [before, *(before.index_select(axis, index) for axis in axes)]
    return any(value.shape == after.shape and _is_close(value, after) for value in expected)


def _is_close(left: Tensor, right: Tensor) -> bool:
    if not left.is_floating_point():
        return torch.equal(left, right)
    close = max(_CLOSE, torch.finfo(left.dtype).eps ** 0.5)
    return torch.allclose(left, right, rtol=close, atol=close * float(left.abs().max()) if left.numel() else 0.0)


def _reading(cloud: bool, entries: Mapping[int, Entries]) -> _Axes | None:
    """Returns the reading that the runs show, of several the usual one; None to leave the usual one as it is.

    Args:
        cloud: True for positions. Other tensors may have channels beside the nodes.
        entries: How the module treats each axis.
    """
    separate, interact, fixed = ([a for a, e in entries.items() if e is kind] for kind in Entries)
    if len(interact) == 1:
        nodes, batch = interact[0], separate[0] if separate else None
        usual = (batch is not None and batch < nodes) or (fixed and not (cloud and fixed[-1] > nodes))
        return _Axes(nodes, batch, How.BY_RUNS if usual else How.BY_SHAPE)
    if not cloud:
        return None
    if not interact and not fixed:  # permutations and selections of any of these axes hold alike
        return _Axes(separate[1], separate[0], How.BY_RUNS)
    batch, nodes, *_ = [*separate, *(interact or fixed), *fixed]
    return _Axes(nodes, batch, How.BY_SHAPE)


def _with_axes_of(assumption: Assumption, lead: Assumption, axes: _Axes, words: str) -> Assumption:
    """Returns a tensor with the axes of `lead` that it has."""
    nodes = _same_axis(assumption, lead, axes.nodes)
    batch = None if axes.batch is None else _same_axis(assumption, lead, axes.batch)
    batch = None if batch == nodes else batch
    placed = replace(assumption.representation, nodes=nodes, batch=batch)
    laws = tuple(replace(law, nodes=nodes, batch=batch) for law in assumption.laws)
    why = f"{assumption.why}; from the runs: {words}" if assumption is lead else assumption.why
    grounds = replace(assumption.grounds, nodes=axes.how, samples=axes.how)
    return replace(assumption, representation=placed, laws=laws, why=why, grounds=grounds)
