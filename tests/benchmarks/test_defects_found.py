"""Defects that were once not found where they are, among innocent parts that look broken or are, a little."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

import equivariance as eq
from benchmarks.defects.page import page
from benchmarks.defects.score import Task, outcome
from tests.equivariance.helpers.planted import case_of


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dtype", "seed"),
    [
        # Frames of the edges depend on the pose, and are turned back only where nothing is broken.
        ("unet-bias-on-vectors@0", "float64", 0),
        # Couplings rounded to float32 leave 1e-8 when the break of 0.3 is put right.
        ("tfn-self-edges@2", "float32", 0),
        # The first layer has one direction only, so that some matrix explains what the inversion does to norms.
        ("gvp-epsilon-on-components@0", "float32", 2),
        # Few nodes break anything as the first, and the orders that are drawn bring none of them there.
        ("unet-first-node-as-centre@0", "float32", 18),
        # With a layer left out, units are dead: the output keeps its law because it feels nothing.
        ("unet-relu-on-vectors@0", "float64", 4),
        # Invariant numbers whose direction hardly changes with the input are no bias.
        ("frames-not-turned-back@0", "float64", 12),
        # Frames are singular for points on a line, which says nothing of the axes.
        ("frames-transposed@0", "float64", 1),
    ],
)
def test_the_statement_is_found_and_confirmed(name, dtype, seed):
    case = case_of(name)
    found = outcome(case, Task(name, dtype, seed, "bare"))
    assert (found.layer, found.statement, found.cause, found.confirmed) == (True, True, True, True), found.said
    assert not found.alarms


@pytest.mark.slow
def test_what_is_zero_with_some_weights_tells_no_law():
    """A layer whose scalars are zero where laws are inferred, and of one node alone with the weights as given."""
    case = case_of("se3unet-sound")
    found = outcome(case, Task(case.name, "float64", 6, "bare"))
    assert found.alarms == 0, found.said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dtype", "seed"),
    [("unet-relu-on-vectors@0", "float32", 12), ("painn-component-mask@2", "float32", 13)],
)
def test_a_defect_without_effect_is_inert_and_counts_nowhere(name, dtype, seed):
    case = case_of(name)
    found = outcome(case, Task(name, dtype, seed, "bare"))
    assert (found.inert, found.detected, found.alarms) == (True, False, 0), found.said
    text = page([case], [found, replace(found, inert=False, detected=True)], "command", 1.0)
    assert "1 more were of networks in which the planted statement has no effect" in text
    assert f"| {case.style} | {dtype} | 1 | 100 % |" in text


def test_a_defect_that_is_missed_is_not_inert(monkeypatch):
    case = case_of("egnn-running-sum@2")
    monkeypatch.setattr(eq, "diagnose", lambda *_, **__: SimpleNamespace(findings=[]))
    found = outcome(case, Task(case.name, "float32", 0, "bare"))
    assert (found.inert, found.detected) == (False, False)
