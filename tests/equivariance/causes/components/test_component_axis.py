"""Where the components of irreps lie in a tensor."""

import pytest
import torch

import equivariance as eq
from equivariance._engine.causes.components.component_axis import axis_of_components, degree_of, only_component, rows_of
from equivariance._engine.laws.forms import InvariantLaw, IrrepLaw
from equivariance._engine.laws.representation import InferredRepresentation
from tests.equivariance.helpers.specimens import normal

INFERRED = InferredRepresentation(laws=(("rotation", IrrepLaw(((1, (1,)),))),))


@pytest.mark.parametrize(
    ("how", "label", "shape", "axis", "degree"),
    [
        (eq.Irreps("2x1o"), "2x1o", (5, 6), -1, 1),
        (eq.Irreps("3x0e+1x2e"), "1x2e", (5, 8), -1, 2),
        (eq.CartesianPoints(axis=1), "", (2, 3, 7), 1, 1),
        (eq.CartesianTensor((1,)), "", (5, 3, 4), 1, 1),
        (INFERRED, "", (5, 3, 4), 1, 1),
    ],
)
def test_the_rows_of_components_turn(how, label, shape, axis, degree):
    tensor, turn = normal(*shape, dtype=torch.float64), eq.groups.rotation([0.3, -0.7, 1.1])
    assert axis_of_components(how)[0] == axis
    assert degree_of(how, label) == degree
    rows, turned = rows_of(tensor, how, label), rows_of(how.act(tensor, turn), how, label)
    assert rows.shape[1] == 2 * degree + 1
    assert torch.allclose(turned.norm(dim=1), rows.norm(dim=1))
    assert how.turns


@pytest.mark.parametrize(
    "how",
    [eq.Invariant(), eq.CartesianTensor((1, 2)), InferredRepresentation(laws=(("rotation", InvariantLaw()),))],
)
def test_other_tensors_have_no_rows(how):
    assert axis_of_components(how) is None
    assert degree_of(how, "") is None


def test_one_component_of_every_irrep_is_marked():
    marked = only_component(normal(2, 7), eq.Irreps("1x0e+2x1o"), 3, 1)
    assert marked.tolist() == [[0, 0, 1, 0, 0, 1, 0]]
    assert only_component(normal(2, 3, 4), eq.CartesianTensor((1,)), 3, 2).flatten().tolist() == [0, 0, 1]
