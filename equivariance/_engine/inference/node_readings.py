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
from equivariance.representations.axes import Assumed, Concatenated, position
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
        certain: True if an axis has the place of the nodes of the leading tensor: no other reading is an excuse.
    """

    tensor: Assumption
    listing: tuple[Representation, ...]
    without: Representation | None = None
    certain: bool = True

    @property
    def all(self) -> tuple[Representation, ...]:
        """All readings, the likeliest first."""
        return self.listing if self.without is None else (*self.listing, self.without)

    @property
    def may_list(self) -> bool:
        """True if an axis of the tensor may list nodes."""
        return any(law.nodes is not None for law in self.listing)


@dataclass(frozen=True)
class Cloud:
    """The nodes of the leading tensor.

    Attributes:
        lead: The tensor whose axes decide those of the others.
        nodes: The length of its axis of nodes.
    """

    lead: Assumption | None
    nodes: int

    @classmethod
    def of(cls, lead: Assumption | None, nodes: int) -> Cloud:
        """Returns the nodes of the leading tensor.

        Args:
            lead: The tensor whose axes decide those of the others.
            nodes: The number of nodes if it has no axis of nodes.
        """
        axis = None if lead is None else position(lead.representation.nodes, lead.value)
        return cls(lead, nodes if lead is None or axis is None else lead.shape[axis])

    @property
    def per_sample(self) -> tuple[int, ...] | None:
        """The numbers of nodes of samples that lie one after the other; None for other samples."""
        layout = None if self.lead is None else self.lead.representation.concatenated
        return None if layout is None else layout.sizes

    def lists(self, assumption: Assumption) -> bool:
        """True if an axis of the tensor is taken to list the nodes."""
        axis = position(assumption.representation.nodes, assumption.value)
        return axis is not None and assumption.shape[axis] == self.nodes

    def is_alike(self, assumption: Assumption) -> bool:
        """True if a tensor has its nodes and its samples where the leading tensor has them.

        Axes are counted from the first one, or from the last one if the components of the leading tensor lie before
        its nodes.
        """
        if self.lead is None or not self.lists(assumption):
            return self.lists(assumption)
        (lead, own), lists_samples = (_axes(a) for a in (self.lead, assumption)), self.per_sample is not None
        component = component_axis(self.lead.representation, self.lead.value)
        from_last = component is not None and component < lead[0]
        shift = len(assumption.shape) - len(self.lead.shape) if from_last else 0
        return own[0] == lead[0] + shift and (lists_samples or own[1] == lead[1])


def _axes(assumption: Assumption) -> tuple[int, int | None]:
    """Returns the axis of the nodes, and that of the samples."""
    law = assumption.representation
    return position(law.nodes, assumption.value) or 0, None if law.batch is Assumed.FIRST else law.sample_axis(
        assumption.value
    )


def may_have_readings(assumption: Assumption) -> bool:
    """True if a tensor may have several readings, whatever the number of nodes is."""
    return pair_axes(assumption) is not None or may_be_numbers(assumption) or _may_list_none(assumption)


def readings_of(assumption: Assumption, cloud: Cloud) -> NodeReadings:
    """Returns the readings of a tensor; a tensor with one reading has it in `listing`."""
    law, listed = assumption.representation, cloud.lists(assumption)
    if assumption.follows is not None or assumption is cloud.lead:
        return NodeReadings(assumption, (law,))
    certain, without = cloud.is_alike(assumption), replace(law, nodes=None, mask=None, pairs=None)
    if (both := pair_axes(assumption)) is not None:
        before = [replace(law, nodes=both[0])] if both[1] == law.nodes else []
        listing = (replace(law, nodes=both[0], pairs=both[1]), law, *before)
        return NodeReadings(
            assumption, listing, without if _may_list_none(assumption) and not certain else None, certain
        )
    placed = [law] if listed else _placed(assumption, cloud) if _may_list_none(assumption) else []
    if not may_be_numbers(assumption, cloud.nodes):
        open_axes = bool(placed) and not certain and _may_list_none(assumption)
        return NodeReadings(assumption, tuple(placed) if open_axes else (law,), without if open_axes else None, certain)
    unlisted = NodeIndices(nodes=None, batch=law.batch, per_sample=cloud.per_sample)
    numbers = [replace(unlisted, nodes=each.nodes, batch=each.batch) for each in placed if each.pairs is None]
    return NodeReadings(assumption, (*placed, *numbers, unlisted), without, certain)


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


def _may_list_none(assumption: Assumption) -> bool:
    """True if nothing but the lengths of its axes says whether a tensor lists nodes."""
    law, name = assumption.representation, str(assumption.path[-1])
    if assumption.asked or EACH in assumption.path or names_cells(name) or plain(name) in PERIODIC:
        return False
    open_axes = assumption.grounds.nodes in (How.BY_SHAPE, How.BY_LENGTH) and assumption.grounds.law is not How.DECLARED
    plainly = type(law) is Invariant or not isinstance(law, (Invariant, CartesianPoints))
    return open_axes and plainly and law.edges is None


def _placed(assumption: Assumption, cloud: Cloud) -> list[Representation]:
    """Returns the readings in which axes as long as the nodes list them: pairs first, then one axis."""
    law, value, nodes, per_sample = assumption.representation, assumption.value, cloud.nodes, cloud.per_sample
    taken = {component_axis(law, value), law.sample_axis(value)}
    axes = [axis for axis in range(value.dim()) if axis not in taken and value.shape[axis] == nodes and nodes > 1]
    return [
        *(replace(_on(law, axis, per_sample), pairs=axis + 1) for axis in axes if axis + 1 in axes),
        *(_on(law, axis, per_sample) for axis in axes),
    ]


def _on(law: Representation, axis: int, per_sample: Sequence[int] | None) -> Representation:
    """Returns the law of a tensor whose given axis lists the nodes."""
    return replace(law, nodes=axis, batch=law.batch if per_sample is None else Concatenated(axis, tuple(per_sample)))
