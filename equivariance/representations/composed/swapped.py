"""Entries that exchange under mirrors or under an exchange of arguments: left and right landmarks, two views.

Used in contracts. All other elements act as the representation inside does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.composed.wrapping import Wrapping


@dataclass(frozen=True)
class Swapped(Wrapping):
    """A representation whose entries along one axis exchange if an element mirrors, or exchanges arguments.

    Attributes:
        base: The representation of the entries.
        order: New entry `i` is old entry `order[i]`: landmark `i` of the mirrored object. It is its own inverse.
        axis: The axis that lists the entries.

    Raises:
        ArgumentError: If the order is no permutation that is its own inverse.

    >>> from equivariance.groups import mirror
    >>> Swapped(None, order=(1, 0, 2), axis=0).transform(torch.tensor([1.0, 2.0, 3.0]), mirror(0)).tolist()
    [2.0, 1.0, 3.0]
    """

    order: tuple[int, ...] = ()
    axis: int = -2

    def __post_init__(self) -> None:
        """Checks the order."""
        super().__post_init__()
        order = tuple(int(i) for i in self.order)
        object.__setattr__(self, "order", order)
        if sorted(order) != list(range(len(order))) or any(order[order[i]] != i for i in range(len(order))):
            raise ArgumentError("order", self.order, "a permutation that is its own inverse, as (1, 0, 2)")

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that the axis has one entry for each number of the order."""
        super().check(tensor, path)
        if not -tensor.dim() <= self.axis < tensor.dim() or tensor.shape[self.axis] != len(self.order):
            expected = f"{len(self.order)} entries on axis {self.axis}, for Swapped"
            raise ContractError(path, f"tensor of shape {tuple(tensor.shape)}", expected)

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Acts as the representation inside, then exchanges the entries."""
        moved = self.inner.act(values, element)
        exchanges = element.determinant < 0 or bool(element.actions and element.actions.exchanged)
        return moved.index_select(self.axis, torch.tensor(self.order, device=moved.device)) if exchanges else moved
