"""The representation of an undeclared tensor inside a network, made of the laws that its values obey.

`inference.layers` calls `representation_of`. Nothing is fitted here; `matching` does this.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    """A representation with one law for each symmetry.

    Attributes:
        laws: Pairs (symmetry, law). Under a symmetry without a law the tensor does not change.
    """

    laws: tuple[tuple[str, Law], ...]
    nodes: None = None
    batch: None = None

    @property
    def turns(self) -> bool:
        """True if the law under rotation changes the tensor."""
        return dict(self.laws).get("rotation", InvariantLaw()) != InvariantLaw()

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Applies the laws of rotation, inversion or a mirror, scale and translation, in this order."""
        proper, improper = element.proper, element.determinant < 0
        steps = [("rotation", proper, proper != _IDENTITY), ("inversion", element, improper)]
        steps = [("mirror", element, improper)] if improper and "mirror" in dict(self.laws) else steps
        steps.append(("scale", element, element.scale != 1))
        for symmetry, part, acts in [*steps, ("translation", element, any(element.vector))]:
            if acts:
                values = self._apply_law(symmetry, values, part)
        return values

    def permute(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Applies the law of permutations of nodes."""
        return self._apply_law("permutation", tensor, Transform(order=element.order, sizes=element.sizes))

    def permute_edges(self, tensor: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
        """Applies the law of permutations of edges."""
        return self._apply_law("permutation", tensor, Transform(edges=order))

    def select(self, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        """Applies the law of selections of samples."""
        return self._apply_law("batch", tensor, element)

    def _apply_law(self, symmetry: str, tensor: torch.Tensor, element: Transform) -> torch.Tensor:
        law = dict(self.laws).get(symmetry)
        return tensor if law is None else law.apply(tensor, element)


_INVARIANT = (None, InvariantLaw())


def representation_of(laws: Mapping[str, Law], tensor: torch.Tensor, nodes: int | None) -> Representation:
    """Returns points, irreps on the last axis or an invariant if the laws say so, else the laws themselves.

    Args:
        laws: Symmetry -> law, for the tested symmetries.
        tensor: A tensor that obeys the laws.
        nodes: Nodes per sample; None if unknown.
    """
    plain = InferredRepresentation(laws=tuple(laws.items()))
    last = tensor.dim() - 1
    permuted = laws.get("permutation")
    order, sample = _node_axis(permuted, tensor, nodes), _sample_axis(laws.get("batch"), tensor)
    edges = permuted.edges if isinstance(permuted, PermutationLaw) else ()
    if "" in (order, sample) or (sample is not None and sample in (order, *edges)):
        return plain
    axes = {"nodes": order, "batch": sample, "edges": edges[0] if edges else None}
    if all(laws.get(s) in _INVARIANT for s in Symmetry if s.is_motion or s == Symmetry.SCALE):
        return Invariant(**axes)  # type: ignore[arg-type]
    degrees = _degrees(laws.get("rotation"), last, tensor)
    signs = _signs(laws.get("inversion"), last, tensor, degrees)
    if laws.get("scale") not in _INVARIANT or "mirror" in laws:
        return plain
    if not tensor.is_floating_point() or degrees is None or signs is None or last in (order, sample, *edges):
        return plain
    if laws.get("translation") not in _INVARIANT:
        points = laws["translation"] == TranslationLaw(last) and degrees == (1,) and signs == (-1,)
        return CartesianPoints(**axes) if points else plain  # type: ignore[arg-type]
    named = [(degree, "e" if sign > 0 else "o") for degree, sign in zip(degrees, signs, strict=True)]
    blocks = [f"{len(list(copies))}x{degree}{parity}" for (degree, parity), copies in itertools.groupby(named)]
    return Irreps(irreps="+".join(blocks), **axes)  # type: ignore[arg-type]


def _node_axis(law: Law | None, tensor: torch.Tensor, nodes: int | None) -> int | str | None:
    """Returns the axis that lists the nodes of one sample; None if there is none.

    Returns "" if the nodes are listed in another way.
    """
    if law in _INVARIANT:
        return None
    if isinstance(law, PermutationLaw) and not law.renumbered and len(law.axes) < 2:
        if not law.axes:
            return None
        axis, inner = law.axes[0]
        return axis if inner == 1 and tensor.shape[axis] == nodes else ""
    return ""


def _sample_axis(law: Law | None, tensor: torch.Tensor) -> int | str | None:
    """Returns the axis that lists the samples; None if there is none.

    Returns "" if the samples are listed in another way.
    """
    if law in _INVARIANT:
        return None
    single = isinstance(law, SelectionLaw) and set(law.sizes) == {1} and len(law.sizes) == tensor.shape[law.axis]
    return law.axis if single and isinstance(law, SelectionLaw) else ""


def _degrees(law: Law | None, last: int, tensor: torch.Tensor) -> tuple[int, ...] | None:
    """Returns the degrees of the blocks of the last axis.

    Returns None if another axis rotates or if rotations were not tested.
    """
    if law == InvariantLaw() and last >= 0:
        return (0,) * tensor.shape[last]
    if isinstance(law, IrrepLaw) and len(law.axes) == 1 and law.axes[0][0] == last:
        return law.axes[0][1]
    return None


def _signs(law: Law | None, last: int, tensor: torch.Tensor, degrees: Sequence[int] | None) -> tuple[int, ...] | None:
    """Returns the sign of each block under inversion; None if a block has no single sign.

    If inversions were not tested, a block of degree l has the sign (-1)^l, as polar vectors have.
    """
    if degrees is None:
        return None
    if law is None:
        return tuple((-1) ** d for d in degrees)
    if law == InvariantLaw():
        return (1,) * len(degrees)
    if not isinstance(law, ParityLaw) or (len(law.signs) > 1 and law.axis != last):
        return None
    entries = law.signs * tensor.shape[last] if len(law.signs) == 1 else law.signs
    starts = itertools.accumulate((2 * d + 1 for d in degrees), initial=0)
    blocks = [set(entries[start : start + 2 * d + 1]) for start, d in zip(starts, degrees, strict=False)]
    return tuple(block.pop() for block in blocks) if all(len(b) == 1 for b in blocks) else None
