"""Errors relative to what they disturb, part by part."""

import math

import pytest
import torch

import equivariance as eq
from equivariance._engine.measurement.relative_error import PartError, compare, part_name, scales_of, worst
from equivariance.contracts.contract import Contract
from equivariance.groups import identity, rotation, translation
from equivariance.representations.cartesian_tensor import CartesianTensor

pytestmark = pytest.mark.numeric


def errors(value, expected, spec, element=None):
    compiled = Contract({"v": spec}, None).inputs["v"]
    return {key: e.relative for key, e in compare(value, expected, compiled, element or identity()).items()}


def test_each_irrep_is_measured_on_its_own_scale():
    expected = torch.tensor([[1e6, 3e-6, 4e-6, 0.0]])
    value = expected + torch.tensor([[0.0, 0, 5e-6, 0]])
    assert errors(value, expected, "1x0e+1x1o") == {("", "1x0e"): 0, ("", "1x1o"): pytest.approx(1, rel=1e-6)}


@pytest.mark.parametrize("spec", ["1x0e+1x1o+1x0e", eq.Grid(irreps="1x0e+1x1o+1x0e", axes=(0, 1, 2), channels=-1)])
@pytest.mark.parametrize("place", [0, 4])
def test_blocks_of_one_irrep_are_told_apart(spec, place):
    """A difference in one block must not be hidden by another block."""
    expected = torch.ones(1, 1, 1, 5)
    value = expected.clone()
    value[..., place] = 3
    found = {"1x0e at 0:1": 0, "1x1o": 0, "1x0e at 4:5": 0} | {f"1x0e at {place}:{place + 1}": 2}
    assert errors(value, expected, spec) == {("", label): error for label, error in found.items()}


def test_a_part_that_should_be_zero_is_measured_on_its_leaf():
    expected = torch.tensor([[3.0, 4.0, 0, 0, 0]])
    value = expected + torch.tensor([[0, 0, 1.0, 0, 0]])
    assert errors(value, expected, "2x0e+1x1o")[("", "1x1o")] == pytest.approx(0.2)


def test_a_difference_from_nothing_at_all_is_infinite():
    assert errors(torch.ones(2, 3), torch.zeros(2, 3), "1x1o") == {("", "1x1o"): math.inf}
    assert errors(torch.zeros(2, 3), torch.zeros(2, 3), "1x1o") == {("", "1x1o"): 0}


def test_points_are_measured_without_the_translation():
    expected = torch.tensor([[1000.0, 0, 1.0]])
    value = expected + torch.tensor([[0, 0, 0.5]])
    found = errors(value, expected, "cartesian_points", translation([1000, 0, 0]))
    assert found == {("", ""): pytest.approx(0.5)}


@pytest.mark.parametrize("spec", ["cartesian_points", "1x1o", "1x0e+2x0e", None, CartesianTensor()])
def test_the_scale_is_what_was_there_before_the_element(spec):
    """A law that keeps lengths needs its scales once, however many elements act."""
    spec = Contract({"v": spec}, None).inputs["v"]
    before, element = torch.randn(5, 3, dtype=torch.float64), rotation([1.0, 2, 3]) @ translation([1000, 0, 0])
    expected = spec.transform(before, element)
    for value in (expected + 1e-3 * torch.randn(5, 3, dtype=torch.float64), expected):
        known = compare(value, expected, spec, element, scales_of(before, spec))
        for key, error in compare(value, expected, spec, element).items():
            assert known[key].relative == pytest.approx(error.relative, rel=1e-9)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_infinitely_wrong(bad):
    assert errors(torch.tensor([1.0, bad]), torch.ones(2), None) == {("", ""): math.inf}
    assert errors(torch.ones(2), torch.tensor([1.0, bad]), None) == {("", ""): math.inf}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_same_entry_that_is_not_finite_on_both_sides_is_no_agreement(bad):
    both = torch.tensor([1.0, bad])
    assert errors(both, both.clone(), None) == {("", ""): math.inf}


def test_integers_and_booleans_are_compared_entry_by_entry():
    left, right = torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2, 0, 0])
    assert errors(left, right, None) == {("", ""): 0.5}
    assert errors(left > 2, right > 2, None) == {("", ""): 0.5}


def test_other_shapes_and_other_numbers_of_leaves_are_infinite_errors():
    assert errors(torch.ones(2), torch.ones(3), None) == {("", "shape"): math.inf}
    assert errors([torch.ones(2)] * 2, [torch.ones(2)], None) == {("", "structure"): math.inf}


def test_other_dtypes_are_compared_in_float64():
    assert errors(torch.ones(3, dtype=torch.float16), torch.ones(3, dtype=torch.float64), None) == {("", ""): 0}
    assert errors(torch.ones(3), torch.ones(3, dtype=torch.int64), None) == {("", ""): 0}


def test_huge_and_tiny_numbers_have_relative_errors_too():
    for scale in (1e200, 1e-200):
        value = torch.tensor([1.0, 1.5], dtype=torch.float64) * scale
        expected = torch.tensor([1.0, 1.0], dtype=torch.float64) * scale
        assert errors(value, expected, None)[("", "")] == pytest.approx(0.5 / math.sqrt(2))


def test_the_worst_part_comes_with_its_name():
    value = {"a": torch.tensor([[1.0, 1, 1, 2]]), "b": [torch.ones(2)]}
    expected = {"a": torch.tensor([[1.0, 1, 1, 1]]), "b": [torch.ones(2)]}
    spec = Contract({"v": {"a": "1x0e+1x1o", "b": [None]}}, None).inputs["v"]
    key, error = worst(compare(value, expected, spec, identity()))
    assert part_name(key) == "['a'] (1x1o)"
    assert error.relative == pytest.approx(1 / math.sqrt(3))
    assert worst({}) == (("", ""), PartError(0.0, 1.0, False))
