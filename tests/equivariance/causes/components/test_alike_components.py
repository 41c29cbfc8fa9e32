"""Layers that respect the rotations of the cube: another norm, or a function of single components."""

import pytest
import torch

import equivariance as eq
from tests.equivariance.helpers.specimens import normal, relative

pytestmark = pytest.mark.numeric


def finding(function):
    (found,) = eq.check(function, normal(9, 3), "cartesian_points", None, group="so3", samples=3).findings
    return found


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.cdist(x, x, p=1).sum(1),
        lambda x: relative(x).abs().amax(-1),
        lambda x: relative(x).pow(4).sum(-1).sqrt(),
    ],
    ids=["cdist", "largest", "fourth power"],
)
def test_a_length_that_grows_with_the_input_is_another_norm(function):
    found = finding(function)
    assert found.mechanism == "non-euclidean-norm"
    assert "power of the size of the input" in found.evidence


@pytest.mark.parametrize(
    "function",
    [lambda x: relative(x).tanh().square().sum(-1), lambda x: relative(x).cos().prod(-1)],
    ids=["tanh", "cosines"],
)
def test_functions_of_components_and_norms_are_both_named_if_nothing_separates_them(function):
    found = finding(function)
    assert found.mechanism == ""
    assert "a norm of absolute values, a maximum, an odd function" in found.evidence
