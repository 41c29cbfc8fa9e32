"""Lists the readings of one tensor under permutations: which of its axes list nodes, and if it holds node numbers.

`reorderings` tries them. This module runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from equivariance.contracts.assumption import Assumption, How
from equivariance.contracts.assumptions import component_axis
from equivariance.contracts.field_names import PERIODIC, names_cells, plain
from equivariance.contracts.sample_lists import EACH
from equivariance.representations.axes import Concatenated, position
from equivariance.representations.base import Representation
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices


@dataclass(frozen=True)
class NodeReadings:
    """The readings of one tensor.

    Attributes:
        tensor: The tensor, as it is assumed.
        listing: The readings in which an axis lists nodes, or in which the entries are node numbers; the likeliest
            first.
        without: The reading in which the tensor does not follow the nodes; None if it certainly does.
    """

    tensor: Assumption
    listing: tuple[Representation, ...]
    without: Representation | None = None

    @property
    def all(self) -> tuple[Representation, ...]:
        """All readings, the likeliest first."""
        return self.listing if self.without is None else (*self.listing, self.without)

    @property
    def may_list(self) -> bool:
        """True if an axis of the tensor may list nodes."""
        return any(law.nodes is not None for law in self.listing)

    @property
    def certain(self) -> bool:
        """True if an axis lists nodes by what lies around the tensor: another reading cannot excuse it."""
        return self.listing[0] == self.tensor.representation


def may_have_readings(assumption: Assumption) -> bool:
    """True if a tensor may have several readings, whatever the number of nodes is."""
    return pair_axes(assumption) is not None or may_be_numbers(assumption) or _may_list_nodes(assumption)


def readings_of(assumption: Assumption, nodes: int, per_sample: tuple[int, ...] | None) -> NodeReadings:
    """Returns the readings of a tensor; a tensor with one reading has it in `listing`.

    Args:
        assumption: The tensor.
        nodes: The number of nodes of one sample, or of all samples that lie one after the other.
        per_sample: The numbers of nodes of samples that lie one after the other.
    """
    law, both = assumption.representation, pair_axes(assumption)
    if assumption.follows is not None:
        return NodeReadings(assumption, (law,))
    if both is not None:
        before = [replace(law, nodes=both[0])] if both[1] == law.nodes else []
        return NodeReadings(assumption, (replace(law, nodes=both[0], pairs=both[1]), law, *before))
    axis = position(law.nodes, assumption.value)
    lists = axis is not None and assumption.shape[axis] == nodes
    placed = [law] if lists else _placed(assumption, nodes, per_sample) if _may_list_nodes(assumption) else []
    without = replace(law, nodes=None, mask=None) if lists else law
    if not may_be_numbers(assumption, nodes):
        several = placed and not lists
        return NodeReadings(assumption, tuple(placed), law) if several else NodeReadings(assumption, (law,))
    unlisted = NodeIndices(nodes=None, batch=law.batch, per_sample=per_sample)
    numbers = [replace(unlisted, nodes=each.nodes, batch=each.batch) for each in placed if each.pairs is None]
    return NodeReadings(assumption, (*placed, *numbers, unlisted), without)


def pair_axes(assumption: Assumption) -> tuple[int, int] | None:
    """Returns the axis of the nodes with an axis beside it that is as long and holds no components; else None.

    Both may list nodes.
    """
    law, shape = assumption.representation, assumption.shape
    nodes = position(law.nodes, assumption.value)
    if nodes is None or assumption.asked or shape[nodes] < 2:
        return None
    taken = {component_axis(law, assumption.value), law.sample_axis(assumption.value)}
    beside = [axis for axis in (nodes + 1, nodes - 1) if 0 <= axis < len(shape) and axis not in taken]
    alike = [axis for axis in beside if shape[axis] == shape[nodes]]
    return (min(nodes, alike[0]), max(nodes, alike[0])) if alike else None


def may_be_numbers(assumption: Assumption, nodes: int | None = None) -> bool:
    """True for whole numbers of an unknown name that could all be numbers of nodes."""
    tensor = assumption.value
    if assumption.guesses_samples or assumption.grounds.law is not How.BY_SHAPE:
        return False
    if tensor.is_floating_point() or not tensor.numel():
        return False
    return int(tensor.min()) >= 0 and (nodes is None or int(tensor.max()) < nodes)


def _may_list_nodes(assumption: Assumption) -> bool:
    """True for a tensor that is taken to list neither nodes nor edges, though nobody says so."""
    law, name = assumption.representation, str(assumption.path[-1])
    if assumption.asked or EACH in assumption.path or names_cells(name) or plain(name) in PERIODIC:
        return False
    open_axes = assumption.grounds.nodes in (How.BY_SHAPE, How.BY_LENGTH) and assumption.grounds.law is not How.DECLARED
    plainly = type(law) is Invariant or not isinstance(law, (Invariant, CartesianPoints))
    return open_axes and plainly and law.nodes is None and law.edges is None


def _placed(assumption: Assumption, nodes: int, per_sample: tuple[int, ...] | None) -> list[Representation]:
    """Returns the readings in which axes as long as the nodes list them: pairs first, then one axis."""
    law, value = assumption.representation, assumption.value
    taken = {component_axis(law, value), law.sample_axis(value)}
    axes = [axis for axis in range(value.dim()) if axis not in taken and value.shape[axis] == nodes and nodes > 1]
    return [
        *(replace(_on(law, axis, per_sample), pairs=axis + 1) for axis in axes if axis + 1 in axes),
        *(_on(law, axis, per_sample) for axis in axes),
    ]


def _on(law: Representation, axis: int, per_sample: Sequence[int] | None) -> Representation:
    """Returns the law of a tensor whose given axis lists the nodes."""
    return replace(law, nodes=axis, batch=law.batch if per_sample is None else Concatenated(axis, tuple(per_sample)))
