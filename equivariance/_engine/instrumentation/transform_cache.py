"""Tensors that are changed once, and told by their memory where they come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import torch

from equivariance._engine.instrumentation.tensor_identity import identity_of
from equivariance.contracts.nested import walk
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation


class TransformCache:
    """Changes each tensor once per representation.

    With `numbers`, which number tensors by their memory and representation, tensors must stay alive.
    """

    def __init__(
        self, change: Callable[[torch.Tensor, Representation], torch.Tensor], numbers: dict[tuple[Any, ...], int] | None
    ) -> None:
        self.change, self.numbers = change, numbers
        self._made: WeakValueDictionary[int, torch.Tensor] = WeakValueDictionary()

    def of(self, value: Any, spec: object, element: Transform | None = None) -> Any:
        """`value` with every tensor changed; with an element, graphs are transformed by it as a whole."""
        return walk(value, spec, "value", self._visit, element)

    def _visit(self, tensor: torch.Tensor, representation: Representation, _: str) -> torch.Tensor:
        if self.numbers is None:
            return self.change(tensor, representation).clone()
        return self.known(number_of(tensor, representation, self.numbers), tensor, representation)

    def known(self, number: int, tensor: torch.Tensor, representation: Representation) -> torch.Tensor:
        """The tensor of a number, changed."""
        made = self._made.get(number)
        if made is None:
            made = self._made[number] = self.change(tensor, representation)
        return made


def number_of(tensor: torch.Tensor, representation: Representation, numbers: dict[tuple[Any, ...], int]) -> int:
    """The number of a tensor and its representation, a new one if it is not among `numbers`."""
    return numbers.setdefault((*identity_of(tensor), representation), len(numbers))
