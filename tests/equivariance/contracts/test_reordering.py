"""Tensors without an axis that is reordered are named, with a declaration that fits."""

import pytest
import torch

import equivariance as eq
from equivariance.contracts.axes_by_length import check_reorderings, known_axes
from equivariance.errors import ContractError
from equivariance.groups import permutation, samples
from tests.equivariance.helpers.specimens import normal

ORDER, SELECTION = permutation(range(6)), samples(range(2), of=2)


@pytest.mark.parametrize(
    ("shape", "law", "declaration"),
    [
        ((1,), eq.Irreps("1x0e"), 'eq.Irreps("1x0e", nodes=None)'),
        ((3, 6), eq.Invariant(), "eq.Invariant(nodes=1)"),
        ((3, 3), eq.Irreps("1x1o"), 'eq.Irreps("1x1o", nodes=None)'),
        ((4,), eq.Invariant(nodes=0), "eq.Invariant(nodes=None)"),
    ],
)
def test_the_error_proposes_the_axis_that_fits(shape, law, declaration):
    with pytest.raises(ContractError) as caught:
        check_reorderings(torch.ones(shape), law, [ORDER], "output")
    assert str(caught.value).startswith(f"output='tensor of shape {shape}': expected an axis of 6 nodes")
    assert str(caught.value).endswith(declaration)


def test_axes_by_length_name_the_tensor():
    known = known_axes([("x", normal(2, 6, 3), eq.CartesianPoints(nodes=1, batch=0))])
    law = eq.Invariant().with_axes_by_length(known)
    with pytest.raises(
        ContractError, match=r"output\[1\]='tensor of shape \(2, 3, 3, 6\)'.*eq.Invariant\(nodes=3, batch=0\)"
    ):
        check_reorderings(
            [normal(2), normal(2, 3, 3, 6)], [eq.Invariant(nodes=None, batch=0), law], [ORDER, SELECTION], "output"
        )


def test_what_can_be_reordered_passes():
    check_reorderings({"x": normal(6, 3)}, {"x": eq.CartesianPoints()}, [ORDER], "args")
    check_reorderings(normal(2, 6, 3), eq.CartesianPoints(nodes=1, batch=0), [ORDER, SELECTION], "x")


def energy(pos):
    return (pos - pos.mean(0)).norm(dim=-1).sum()[None]


def test_an_energy_of_the_sample_names_its_declaration_and_keeps_the_other_symmetries():
    report = eq.diagnose(energy, normal(6, 3), "cartesian_points", "1x0e", group=["se3", "permutation"], samples=2)
    assert report.symmetries == ("translation", "rotation")
    ((symmetry, reason),) = report.untested
    assert symmetry == "permutation"
    assert 'eq.Irreps("1x0e", nodes=None)' in reason
    sound = eq.Irreps("1x0e", nodes=None)
    assert eq.diagnose(energy, normal(6, 3), "cartesian_points", sound, group="permutation", samples=2).ok
