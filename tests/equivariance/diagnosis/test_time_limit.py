"""A time limit cuts a diagnosis short. In these tests each pass of the network takes one second of a false clock."""

import itertools
import math

import pytest
import torch

import equivariance as eq
from equivariance import _deadline
from equivariance._deadline import Deadline, TimeLimitReached
from equivariance.errors import ArgumentError
from tests.equivariance.helpers.specimens import Mix, Scale, Stack, normal

VECTORS = normal(6, 4, 3)
GROUP = ["so3", "permutation"]
TRUTH = {"rotation": "broken", "permutation": "holds"}


class Pull(torch.nn.Module):
    """Moves positions along their differences."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Linear(1, 1)

    def forward(self, x):
        steps = self.weight((x[:, None] - x).square().sum(-1, keepdim=True)) * (x[:, None] - x)
        return x + steps.mean(1)


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by one second whenever it is read, which the engine does before each pass."""
    ticks = itertools.count()
    monkeypatch.setattr(_deadline.time, "monotonic", lambda: float(next(ticks)))


def diagnosed(seconds, broken=True):
    torch.manual_seed(0)
    return eq.diagnose(
        Stack(Scale(), Mix() if broken else Scale()), VECTORS, "1x1o", "1x1o", group=GROUP, time_limit=seconds
    )


def test_a_deadline_passes(clock):
    deadline = Deadline.after(3)
    deadline.check()
    deadline.check()
    with pytest.raises(TimeLimitReached):
        deadline.check()
    assert str(deadline) == "the time limit of 3 s"


def test_a_share_ends_before_the_whole(clock):
    deadline = Deadline.after(100)  # at 0, ends at 100
    assert deadline.share(0.5).end == 100 - 0.5 * 99
    assert math.isinf(Deadline.after(None).share(0.5).end)


def test_a_limit_that_is_not_reached_changes_nothing_but_the_settings():
    one, other = diagnosed(None), diagnosed(1e6)
    assert (one.verdicts, one.findings, one.layers) == (other.verdicts, other.findings, other.layers)
    assert "time limit" not in one.settings
    assert other.settings["time limit"] == "1e+06 s"


def test_a_limit_before_the_first_symmetry_is_an_error_that_names_it(clock):
    with pytest.raises(ArgumentError, match=r"time_limit=1: expected more seconds"):
        diagnosed(1)


@pytest.mark.parametrize("broken", [True, False])
@pytest.mark.parametrize("seconds", [8, 20, 26, 32, 38, 44, 56, 80])
def test_what_was_not_reached_is_not_tested_and_nothing_wrong_is_said(clock, seconds, broken):
    report = diagnosed(seconds, broken)
    truth = TRUTH if broken else dict.fromkeys(TRUTH, "holds")
    for verdict in report.verdicts:
        assert verdict.verdict in ("not tested", truth[verdict.symmetry])
        if verdict.verdict == "not tested":
            assert f"the time limit of {seconds} s was reached" in verdict.reason
    assert {s for f in report.findings for s in f.symmetries} == {
        v.symmetry for v in report.verdicts if v.verdict == "broken"
    }
    assert bool(report.failures()) == (broken or any(v.verdict == "not tested" for v in report.verdicts))


def test_a_finding_says_which_stage_was_cut_short(clock):
    told = set()
    for seconds in range(20, 90, 5):
        report = diagnosed(seconds)
        cut = report.settings["time limit"]
        for finding in report.findings:
            for stage in ("the search for the statement", "the search for the cause"):
                if f"{stage} in" in cut:
                    told.add(stage)
                    assert finding.located == "layer" or "cause" in stage
                    assert finding.cause == "unknown"
                    assert f"the time limit of {seconds} s ended" in finding.evidence
                    assert stage in finding.evidence
                    assert stage in str(report)
    assert told == {"the search for the statement", "the search for the cause"}


def test_the_inference_of_inner_layers_leaves_time_for_the_output(clock):
    points, cut = normal(6, 3), "left too little for it"
    verdicts = set()
    for seconds in range(20, 70):
        torch.manual_seed(0)
        net = torch.nn.Sequential(Pull(), Pull())
        report = eq.diagnose(
            net, points, "cartesian_points", "cartesian_points", group="translation", time_limit=seconds
        )
        verdicts |= {v.verdict for v in report.verdicts if any(cut in line for line in report.assumptions)}
    assert "holds" in verdicts


@pytest.mark.parametrize("value", [0, -1.0, math.inf, math.nan, "5", True])
def test_a_limit_is_a_positive_number(value):
    with pytest.raises(ArgumentError, match="time_limit"):
        diagnosed(value)
