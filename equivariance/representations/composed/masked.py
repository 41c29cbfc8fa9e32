"""Tensors of which some rows are missing, as an argument says: vertices that are hidden, landmarks without a label.

Used in contracts. Padded rows of a batch are another thing: `Mask` keeps them in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.axes import position
from equivariance.representations.composed.wrapping import Wrapping
from equivariance.representations.standard import Invariant


@dataclass(frozen=True)
class Masked(Wrapping):
    """A representation whose missing rows are neither moved nor compared. They follow a permutation of the nodes.

    Declare the mask itself as unchanged: `Invariant(nodes=0, batch=None)`.

    Attributes:
        base: The representation of the rows.
        by: The name of the argument that holds the mask, [nodes] or [samples, nodes]: True or 1 for a row that is
            there.
        there: The mask of the example; set by the harness.

    Raises:
        ArgumentError: If `by` is no name.
    """

    by: str = ""
    there: torch.Tensor | None = field(default=None, compare=False, repr=False)
    number: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        """Checks the name."""
        super().__post_init__()
        if not (isinstance(self.by, str) and self.by):
            raise ArgumentError("by", self.by, "the name of the argument that holds the mask")

    def with_mask(self, mask: torch.Tensor) -> Masked:
        """Returns a copy with the mask of the example."""
        kept = mask.detach().bool().cpu().clone()
        return replace(self, there=kept, number=id(kept))

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that the axis of the nodes is as long as the mask."""
        super().check(tensor, path)
        nodes = position(self.nodes, tensor)
        if nodes is None or (self.there is not None and tensor.shape[nodes] != self.there.shape[-1]):
            length = "nodes" if self.there is None else f"{self.there.shape[-1]} nodes, as {self.by} has"
            raise ContractError(path, f"tensor of shape {tuple(tensor.shape)}", f"an axis of {length}")

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Moves the rows that are there."""
        there = self._beside(values, Transform())
        moved = self.inner.act(values, element)
        return moved if there is None else torch.where(there, moved, values)

    def compared(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Sets the missing rows to zero, in the order of the element."""
        there, found = self._beside(values, element), self.inner.compared(values, element)
        return found if there is None else torch.where(there, found, torch.zeros_like(found))

    def _beside(self, values: torch.Tensor, element: Transform) -> torch.Tensor | None:
        """Returns the mask under an element, in a shape that broadcasts against a tensor; None if there is none."""
        nodes = position(self.nodes, values)
        if self.there is None or nodes is None:
            return None
        batched = self.there.dim() == 2
        own = Invariant(nodes=1 if batched else 0, batch=0 if batched else None)
        rows = own.transform(self.there.to(values.device), _reorderings(element))
        samples = self.sample_axis(values) if batched else None
        shape = [1] * values.dim()
        shape[nodes] = rows.shape[-1]
        if samples is not None:
            shape[samples] = rows.shape[0]
            rows = rows if samples < nodes else rows.T
        made = rows.reshape(shape)
        pairs = position(self.pairs, values)
        return made if pairs is None else made & made.transpose(nodes, pairs)


def _reorderings(element: Transform) -> Transform:
    """Returns the reorderings and selections of an element alone."""
    return Transform(order=element.order, samples=element.samples, of=element.of, sizes=element.sizes)
