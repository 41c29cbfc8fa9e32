"""Transforms each tensor once and recognizes it by its memory.

`reference`, `comparisons` and `localization.recording` use it. The transformation itself is given by the caller.
"""

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
    """Applies `change` to each tensor once per representation.

    Args:
        change: Returns the transformed tensor.
        numbers: Key of memory and representation -> number; tensors must stay alive while it is used. None turns the
            cache off: each call returns a new tensor.
    """

    def __init__(
        self, change: Callable[[torch.Tensor, Representation], torch.Tensor], numbers: dict[tuple[Any, ...], int] | None
    ) -> None:
        self.change, self.numbers = change, numbers
        self._made: WeakValueDictionary[int, torch.Tensor] = WeakValueDictionary()

    def of(self, value: Any, spec: object, element: Transform | None = None) -> Any:
        """Returns `value` with `change` applied to every tensor.

        If an element is given, graphs are transformed by it as a whole.
        """
        return walk(value, spec, "value", self._visit, element)

    def _visit(self, tensor: torch.Tensor, representation: Representation, _: str) -> torch.Tensor:
        if self.numbers is None:
            return self.change(tensor, representation).clone()
        return self.by_number(number_of(tensor, representation, self.numbers), tensor, representation)

    def by_number(self, number: int, tensor: torch.Tensor, representation: Representation) -> torch.Tensor:
        """Returns the transformed tensor of a number."""
        made = self._made.get(number)
        if made is None:
            made = self._made[number] = self.change(tensor, representation)
        return made


def number_of(tensor: torch.Tensor, representation: Representation, numbers: dict[tuple[Any, ...], int]) -> int:
    """Returns the number of a tensor and its representation; a new number if `numbers` does not contain them."""
    return numbers.setdefault((*identity_of(tensor), representation), len(numbers))
