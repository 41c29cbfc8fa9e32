"""The representation of a tensor inside a network that nobody declared: the laws that it was seen to obey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch

from equivariance._engine.laws.forms import (
    InvariantLaw,
    IrrepLaw,
    Law,
    ParityLaw,
    PermutationLaw,
    SelectionLaw,
    TranslationLaw,
)
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry
from equivariance.representations.base import Representation
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints, Invariant

_IDENTITY = Transform()


@dataclass(frozen=True, kw_only=True)
class InferredRepresentation(Representation):
    """One law for each symmetry.

    Attributes:
        laws: (symmetry, law); under a symmetry that is not among them the tensor is taken as unchanged
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


_KEPT = (None, InvariantLaw())


def representation_of(laws: Mapping[str, Law], tensor: torch.Tensor, nodes: int | None) -> Representation:
    """Points, irreps on the last axis or an invariant, where the laws say that; the laws themselves where they do not.

    Args:
        laws: Symmetry -> law, for the symmetries that were looked at
        tensor: One that obeys them
        nodes: How many nodes a sample has
    """
    plain = InferredRepresentation(laws=tuple(laws.items()))
    last = tensor.dim() - 1
    order, sample = _axis_of_nodes(laws.get("permutation"), tensor, nodes), _axis_of_samples(laws.get("batch"), tensor)
    if "" in (order, sample) or (order is not None and order == sample):
        return plain
    axes = {"nodes": order, "batch": sample}
    if all(laws.get(s) in _KEPT for s in Symmetry if s.is_motion):
        return Invariant(**axes)  # type: ignore[arg-type]
    degrees = _degrees(laws.get("rotation"), last, tensor)
    signs = _signs(laws.get("inversion"), last, tensor, degrees)
    if not tensor.is_floating_point() or degrees is None or signs is None or last in (order, sample):
        return plain
    if laws.get("translation") not in _KEPT:
        points = laws["translation"] == TranslationLaw(last) and degrees == (1,) and signs == (-1,)
        return CartesianPoints(**axes) if points else plain  # type: ignore[arg-type]
    named = [(degree, "e" if sign > 0 else "o") for degree, sign in zip(degrees, signs, strict=True)]
    blocks = [f"{len(list(copies))}x{degree}{parity}" for (degree, parity), copies in groupby(named)]
    return Irreps(irreps="+".join(blocks), **axes)  # type: ignore[arg-type]


def _axis_of_nodes(law: Law | None, tensor: torch.Tensor, nodes: int | None) -> int | str | None:
    """The axis that lists the nodes of one sample; "" where nodes are listed in another way."""
    if law in _KEPT:
        return None
    if isinstance(law, PermutationLaw) and not law.renumbered and len(law.axes) == 1:
        axis, inner = law.axes[0]
        return axis if inner == 1 and tensor.shape[axis] == nodes else ""
    return ""


def _axis_of_samples(law: Law | None, tensor: torch.Tensor) -> int | str | None:
    """The axis that lists the samples; "" where they are listed in another way."""
    if law in _KEPT:
        return None
    single = isinstance(law, SelectionLaw) and set(law.sizes) == {1} and len(law.sizes) == tensor.shape[law.axis]
    return law.axis if single and isinstance(law, SelectionLaw) else ""


def _degrees(law: Law | None, last: int, tensor: torch.Tensor) -> tuple[int, ...] | None:
    """The degrees of the blocks of the last axis; None where something else turns, or rotations were not looked at."""
    if law == InvariantLaw() and last >= 0:
        return (0,) * tensor.shape[last]
    if isinstance(law, IrrepLaw) and len(law.axes) == 1 and law.axes[0][0] == last:
        return law.axes[0][1]
    return None


def _signs(law: Law | None, last: int, tensor: torch.Tensor, degrees: Sequence[int] | None) -> tuple[int, ...] | None:
    """The sign of each block under inversion; that of polar vectors and their like where it was not looked at."""
    if degrees is None:
        return None
    if law is None:
        return tuple((-1) ** d for d in degrees)
    if law == InvariantLaw():
        return (1,) * len(degrees)
    if not isinstance(law, ParityLaw) or (len(law.signs) > 1 and law.axis != last):
        return None
    entries = law.signs * tensor.shape[last] if len(law.signs) == 1 else law.signs
    given = iter(entries)
    blocks = [{next(given) for _ in range(2 * d + 1)} for d in degrees]
    return tuple(block.pop() for block in blocks) if all(len(b) == 1 for b in blocks) else None
