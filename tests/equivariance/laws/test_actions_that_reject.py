"""A declared action that rejects the shape of a value is no law of it, and ends no search."""

from dataclasses import dataclass

import pytest
import torch

from equivariance import Representation
from equivariance._engine.laws.declared import DeclaredLaw, fitting
from equivariance.groups import rotation


@dataclass(frozen=True)
class Matrices(Representation):
    """Matrices [..., 3, 3], without a check of the shape."""

    def act(self, values, element):
        turn = torch.as_tensor(element.matrix, dtype=values.dtype)
        return torch.einsum("ab,...bc,dc->...ad", turn, values, turn)


@pytest.mark.parametrize(("shape", "fits"), [((3, 3), True), ((5, 3, 3), True), ((4, 2), False), ((3,), False)])
def test_only_shapes_that_the_action_takes_fit(shape, fits):
    values, law = torch.randn(*shape, dtype=torch.float64), DeclaredLaw(Matrices())
    assert law.fits(values) == fits
    assert [*fitting(values, [Matrices()])] == [law] * fits
    assert law.apply(values, rotation([0.1, 0.2, 0.3])).shape == values.shape
