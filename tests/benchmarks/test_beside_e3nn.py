"""The costs beside e3nn's assertion: counts of passes, and the lines of the table."""

import pytest
import torch

from benchmarks import beside_e3nn
from benchmarks.beside_e3nn import BUDGETS, Cost, counting, measured, rows_of
from benchmarks.costs import GraphNet, subjects


def test_passes_of_copies_are_counted_and_the_class_is_as_before():
    before = GraphNet.forward
    network, args = subjects()[0].network(False, torch.float32, 1)
    with counting(GraphNet) as found:
        network(*args)
        network(*args)
    assert found == [2]
    assert GraphNet.forward is before


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 2])
def test_a_round_counts_the_passes_of_each_tool(number):
    single, costs = measured(subjects()[number], torch.float64, 2, rounds=1)
    assert single > 0
    # e3nn runs the network twice for each trial with and without inversion, with and without translation.
    assert [costs[f"e3nn, ntrials={trials}"].passes for trials in beside_e3nn.TRIALS] == [8, 64]
    assert all(costs[tool].passes <= budget for tool, budget in BUDGETS.items())


def test_a_line_compares_seconds_with_both_assertions():
    costs = {"e3nn, ntrials=1": Cost(8, 0.1), "e3nn, ntrials=8": Cost(64, 0.8), "check": Cost(40, 0.4)}
    lines = list(rows_of("a network", torch.float64, 0.01, costs))
    assert lines[2] == "| a network | float64 | check | 40 | 56 | 0.40 | 40 | 4.0 | 0.5 |"
    assert lines[0] == "| a network | float64 | e3nn, ntrials=1 | 8 |  | 0.10 | 10 | 1.0 | 0.1 |"
