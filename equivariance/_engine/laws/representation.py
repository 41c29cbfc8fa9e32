"""The representation of a tensor inside a network that nobody declared: the laws that it was seen to obey."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from equivariance._engine.laws.forms import Law
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation

_IDENTITY = Transform()


@dataclass(frozen=True, kw_only=True)
class Lawful(Representation):
    """One law for each symmetry.

    Attributes
    ----------
    laws : (symmetry, law); under a symmetry that is not among them the tensor is taken as unchanged
    """

    laws: tuple[tuple[str, Law], ...]
    nodes: None = None
    batch: None = None

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """The laws of rotation, inversion and translation, in this order."""
        proper = element.proper
        steps = [("rotation", proper, proper != _IDENTITY), ("inversion", element, element.determinant < 0)]
        for symmetry, part, acts in [*steps, ("translation", element, any(element.vector))]:
            if acts:
                values = self._under(symmetry, values, part)
        return values

    def permute(self, tensor: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
        """The law of permutations."""
        return self._under("permutation", tensor, Transform(order=order))

    def select(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """The law of selections of samples."""
        return self._under("batch", tensor, element)

    def _under(self, symmetry: str, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        law = dict(self.laws).get(symmetry)
        return tensor if law is None else law.apply(tensor, element)
