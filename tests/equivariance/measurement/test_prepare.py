"""`BoundCall`: a call, what its values stand for, and what is tested, bound once for all stages."""

import dataclasses

import pytest
import torch

from equivariance._engine.measurement.prepare import bind_call, declared_as, prepare_rounded, prepare_undeclared
from equivariance.contracts.callables import as_module
from equivariance.contracts.contract import Contract
from equivariance.errors import UndeclaredTensorError
from equivariance.groups.named import groups_of
from equivariance.representations import CartesianPoints, Invariant
from equivariance.settings import Settings

X = torch.tensor([[0.1, 0.2, 0.3], [2.1, 0.2, 0.3]])
MODULE = as_module(lambda x: x.norm(dim=-1))


def call(spec="cartesian_points", group=("se3", "permutation", "batch")):
    contract = Contract({"x": spec}, None)
    return bind_call(MODULE, {"x": X}, contract, {}, groups_of(list(group), None), Settings())


def test_sizes_and_groups_are_read_off_the_arguments():
    bound = call()
    assert (bound.sizes.nodes, bound.sizes.samples, bound.sizes.extent) == (2, 2, pytest.approx(1.0))
    assert [g.symmetry for g in bound.groups] == ["translation", "rotation", "permutation", "batch"]
    assert bound.dtype == torch.float32
    assert not bound.declares_axes


def test_it_is_a_value_and_another_declaration_is_another_value():
    bound = call(CartesianPoints(nodes=0, batch=None))
    assert bound.declares_axes
    with pytest.raises(dataclasses.FrozenInstanceError):
        bound.arguments = {}
    other = bound.declaring({"x": Invariant(nodes=0, batch=None)}, None)
    assert (bound.sizes.extent, other.sizes.extent) == (pytest.approx(1.0), 1.0)
    assert isinstance(bound.inputs[0][2], CartesianPoints)
    assert isinstance(other.inputs[0][2], Invariant)
    assert [g.symmetry for g in bound.under(groups_of("so3")).groups] == ["rotation"]
    with pytest.raises(UndeclaredTensorError):
        bound.declaring({}, None)


def test_other_declarations_are_run_on_the_same_copies():
    points = prepare_undeclared(call())
    unchanged = prepare_rounded(points, points.call.declaring({"x": None}, None))
    final = declared_as(unchanged, points.call)
    assert points.runner.variants is unchanged.runner.variants is final.runner.variants
    assert not torch.equal(points.runner.arguments["x"], X)  # positions are rounded to a dyadic grid
    assert torch.equal(unchanged.runner.arguments["x"], X)
    assert torch.equal(final.runner.arguments["x"], points.runner.arguments["x"])
    assert final.log is None
