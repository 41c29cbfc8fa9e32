"""How rows of components were made from other rows."""

import pytest
import torch

from equivariance._engine.causes.components.row_maps import (
    describe_order,
    explain_norm,
    explain_row_map,
    fit_affine,
    signed_permutations,
)
from tests.equivariance.helpers.specimens import normal

ROWS = [normal(20, 3, seed=s, dtype=torch.float64) for s in (0, 1)]


def named(function):
    found = explain_row_map([(a, function(a)) for a in ROWS], "the result", "the input")
    return found and found.mechanism


@pytest.mark.parametrize(
    ("function", "mechanism"),
    [
        (lambda a: a * torch.tensor([1.0, 2, 3]).double(), "component-mask"),
        (lambda a: a * (torch.arange(60).reshape(20, 3) % 4 > 0), "component-mask"),
        (lambda a: a[:, [2, 0, 1]] * a.norm(dim=1, keepdim=True), "component-order"),
        (lambda a: a * torch.tensor([1.0, 1, -1]).double(), "component-order"),
        (lambda a: a + 1, "component-bias"),
        (lambda a: a - a.mean(1, keepdim=True), "component-normalization"),
        (lambda a: a.cumsum(1), "component-matrix"),
        (lambda a: 2 * a, None),
        (lambda a: a * a.norm(dim=1, keepdim=True), None),
        (torch.relu, None),
        (torch.nn.functional.hardshrink, None),
        (lambda a: torch.linalg.cross(a, a.roll(1, 0)), None),
    ],
)
def test_a_map_that_does_not_commute_with_rotations_is_named(function, mechanism):
    assert named(function) == mechanism


def test_a_matrix_that_differs_from_run_to_run_is_no_matrix_of_the_network():
    """A frame made from the data acts like a matrix in one run."""
    turned = [(a, a @ torch.linalg.qr(a[:3]).Q) for a in ROWS]
    assert explain_row_map(turned, "the result", "the input") is None
    assert fit_affine(*turned[0]) is not None


def test_too_few_rows_show_no_matrix():
    assert fit_affine(ROWS[0][:4], ROWS[1][:4]) is None


@pytest.mark.parametrize(
    ("function", "mechanism"),
    [
        (lambda a: a.abs().sum(1), "non-euclidean-norm"),
        (lambda a: 0.3 * a.abs().amax(1), "non-euclidean-norm"),
        (lambda a: a.abs().pow(3).sum(1), "non-euclidean-norm"),
        (lambda a: (a.square() @ torch.tensor([1.0, 2, 3]).double()).sqrt(), "non-euclidean-norm"),
        (lambda a: a.mean(1), "component-sum"),
        (lambda a: a.amin(1), "component-sum"),
        (lambda a: a.norm(dim=1), None),
        (lambda a: 3 * a.square().sum(1), None),
        (lambda a: (a * a.roll(1, 0)).sum(1), None),
    ],
)
def test_a_number_that_is_no_euclidean_norm_is_named(function, mechanism):
    found = explain_norm([(a, function(a)) for a in ROWS], "the result", "the input")
    assert (found and found.mechanism) == mechanism


def test_signed_permutations_are_all_up_to_a_common_sign():
    for size, count in ((3, 24), (5, 1920)):
        found = signed_permutations(size)
        assert len(found) == len(found.flatten(1).unique(dim=0)) == count
        assert torch.equal(found[0], torch.eye(size, dtype=torch.float64))


def test_an_order_is_described_by_the_components_that_it_takes():
    order = torch.tensor([[0.0, 1, 0], [0, 0, -1], [1, 0, 0]])
    assert describe_order(order) == "y, -z, x"
