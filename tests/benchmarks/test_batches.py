"""The saving by batches of transforms: the parts are parts of the whole, and nothing stays patched."""

import time

import pytest

from benchmarks import batches
from equivariance._engine.causes import experiment
from equivariance._engine.measurement import isolation, rounding_floors, transformed_runs


def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_time_is_counted_within_another_function_alone():
    outer = batches.Stopwatch()
    inner = batches.Stopwatch(outer)
    work = inner.around(lambda: busy(0.02))
    work()
    assert inner.total == 0
    outer.around(work)()
    assert outer.total >= inner.total >= 0.02


@pytest.mark.slow
def test_own_statements_are_a_part_of_what_runs_alone():
    def watched():
        runners = [module.run_isolated for module in (transformed_runs, rounding_floors, experiment)]
        return [*runners, isolation.call_with, isolation._answer]

    before = watched()
    runs, own = batches.shares(4, 4)
    assert 0 < own < runs < 1
    assert watched() == before


def test_a_line_has_a_cell_for_every_heading(monkeypatch):
    monkeypatch.setattr(batches, "shares", lambda nodes, channels: (0.1, 0.02))
    monkeypatch.setattr(batches, "gain", lambda nodes, channels: 2.0)
    assert batches.line(8, 16) == "| 8 | 16 | 10% | 2.0% | 2 | 1.0% |"
    monkeypatch.setattr(batches, "gain", lambda nodes, channels: 0.5)
    assert batches.line(8, 16).endswith("| 0.5 | 0.0% |")
