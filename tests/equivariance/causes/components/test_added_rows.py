"""Deviations under rotations that rows without a law, or components in another order, explain."""

import pytest
import torch

from equivariance._engine.causes.components.added_rows import explain_added_rows
from equivariance.groups import rotation
from tests.equivariance.helpers.specimens import normal

TURNS = [rotation(v) for v in ([0.3, -0.7, 1.1], [-1.2, 0.4, 0.5], [0.9, 0.8, -0.3])]
HERE, THERE = normal(12, 3, dtype=torch.float64), normal(12, 3, seed=1, dtype=torch.float64)
CONSTANT = torch.tensor([0.2, -0.4, 0.9], dtype=torch.float64)
SOME = torch.tensor([1.0, 0, 0] * 4, dtype=torch.float64)[:, None]


def deviations(function, x):
    """What `function` makes of turned rows, minus what it should make."""
    matrices = [torch.tensor(turn.matrix, dtype=torch.float64) for turn in TURNS]
    noise = 1e-16 * normal(12, 3, seed=9, dtype=torch.float64)
    return [function(x @ m.T) - function(x) @ m.T + noise for m in matrices]


def named(function):
    found = explain_added_rows(deviations(function, HERE), lambda: deviations(function, THERE), TURNS, 1, "the result")
    return found and (found.mechanism, found.evidence)


@pytest.mark.parametrize(
    ("function", "mechanism", "words"),
    [
        (lambda x: x + CONSTANT, "component-bias", "(0.2, -0.4, 0.9)"),
        (lambda x: x + SOME * CONSTANT, "component-bias", "in 4 of 12 rows"),
        (lambda x: x + SOME * CONSTANT * x.norm(dim=1, keepdim=True), "component-bias", "scaled afterwards"),
        (lambda x: x + (x.norm(dim=1, keepdim=True) * CONSTANT).sin(), "unturned-part", "changes with the input"),
        (lambda x: x + x[:, [1, 2, 0]], "component-order", "y, z, x"),
        (lambda x: 3 * x - x[:, [1, 0, 2]] * x.norm(dim=1, keepdim=True), "component-order", "y, x, z"),
    ],
)
def test_one_row_explains_the_deviations_under_all_rotations(function, mechanism, words):
    found, evidence = named(function)
    assert found == mechanism
    assert words in evidence


@pytest.mark.parametrize("function", [torch.relu, lambda x: x * torch.tensor([1.0, 2, 3]).double(), torch.tanh])
def test_other_deviations_stay_unexplained(function):
    assert named(function) is None


def test_without_other_inputs_nothing_is_said():
    assert explain_added_rows(deviations(lambda x: x + 1, HERE), lambda: None, TURNS, 1, "the result") is None
