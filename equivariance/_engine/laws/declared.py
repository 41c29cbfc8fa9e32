"""The laws of representations that users declare, for values inside a layer that transform alike.

`candidates` and `matching` try them beside the standard laws. Fields on grids are in `laws.grid`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equivariance._engine.laws.forms import Law
from equivariance._engine.laws.representation import InferredRepresentation
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import representations_in
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.grid import Grid
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints, Invariant

_STANDARD = (CartesianPoints, CartesianTensor, Grid, InferredRepresentation, Invariant, Irreps)
"""Representations whose laws are found without a declaration."""


@dataclass(frozen=True)
class DeclaredLaw:
    """The law of a representation that is declared somewhere in the network."""

    how: Representation

    def fits(self, tensor: Tensor) -> bool:
        """True if the representation fits the shape and the dtype: its check passes, and its action runs."""
        try:
            self.how.check(tensor, "")
            self.how.act(tensor.double() if tensor.is_floating_point() else tensor, Transform())
        except Exception:  # an action that a user wrote may reject other shapes in any way
            return False
        return True

    def apply(self, tensor: Tensor, element: Transform) -> Tensor:
        """Transforms the tensor; a tensor that the representation does not fit stays as it is."""
        try:
            self.how.check(tensor, "")
            return self.how.transform(tensor, element)
        except Exception:  # as above
            return tensor


def declared_laws(contracts: Mapping[str, Contract]) -> tuple[Representation, ...]:
    """Returns the representations in contracts that are of no standard kind, each once."""
    specs = [spec for c in contracts.values() for spec in (*c.inputs.values(), c.output)]
    found = [how for spec in specs for how in representations_in(spec)]
    return tuple(dict.fromkeys(how for how in found if not isinstance(how, _STANDARD)))


def fitting(tensor: Tensor, known: Sequence[Representation]) -> Iterator[Law]:
    """Yields the laws of declared representations that fit a tensor."""
    yield from (law for law in map(DeclaredLaw, known) if law.fits(tensor))


def follows_vector(reference: Tensor, under: Sequence[tuple[Transform, Tensor]], close: object) -> bool:
    """True if each entry grows in proportion to the translation: one coordinate of a position.

    It takes more elements than the translations have dimensions; otherwise every value would fit.

    Args:
        reference: The value of the reference run.
        under: Pairs of a translation and the value of the run under it.
        close: Compares two tensors up to rounding.
    """
    vectors = torch.tensor([element.vector for element, _ in under], dtype=torch.float64)
    if not reference.numel() or len(under) <= int(torch.linalg.matrix_rank(vectors)):
        return False
    changes = torch.stack([(value - reference).double().flatten() for _, value in under])
    slopes = torch.linalg.pinv(vectors) @ changes.cpu()
    made = reference.double().flatten().cpu() + vectors @ slopes
    values = torch.stack([value.double().flatten() for _, value in under]).cpu()
    return bool(close(values, made))  # type: ignore[operator]
