"""Arguments that exchange: the harness wraps their representations if a request has a `groups.Swap`.

Users do not declare it. The module knows no names of arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from equivariance.groups.elements import Transform
from equivariance.representations.composed.wrapping import Wrapping


@dataclass(frozen=True)
class Exchanged(Wrapping):
    """A representation whose tensor takes the place of another one if an element exchanges the two arguments.

    Attributes:
        base: The representation of both tensors.
        partner: The other tensor of the example.
    """

    partner: torch.Tensor | None = field(default=None, compare=False, repr=False)
    number: int = field(default=0, repr=False)

    def transform(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Transforms the tensor, or the other one in its place."""
        if element.actions is not None and element.actions.exchanged and self.partner is not None:
            tensor = self.partner.to(tensor)
        return self.inner.transform(tensor, element)
