"""Ties: what is reported of equal numbers does not depend on their last bits, on whatever processor."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance._engine.causes.components.component_mixing import _format_numbers
from equivariance._engine.causes.translation import _describe_growth, _format_share
from equivariance._engine.inference.inputs_by_trial import _best, _worst
from equivariance._engine.inference.irreps_from_values import _cut_into_blocks
from equivariance._engine.inference.output_runs import Leaf
from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import ModelState
from equivariance._engine.localization.suspects import suspect_layers
from equivariance._engine.measurement.relative_error import PartError, worst
from equivariance._engine.measurement.survey_results import SurveyResult, Trial, WorstMeasurements
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance._ranking import SAME, exceeds, largest, ordered, smallest
from equivariance.findings import Finding
from equivariance.groups.elements import rotation
from equivariance.report.html import cloud as html_cloud
from equivariance.representations.irreps import Irreps
from tests.equivariance.helpers.specimens import Applied, normal, relative

pytestmark = pytest.mark.numeric

EPSILON = 2.0**-52
NUDGES = [0.0, EPSILON, -EPSILON, 1e-12, -1e-12]
nudged = pytest.mark.parametrize("nudge", NUDGES)

POINTS = normal(8, 3)
TRIALS = [Trial(rotation([0.1, 0.2, angle]), ModelState()) for angle in (0.3, 0.4, 0.5)]


def reading(error, floor=1e-17):
    return Measurement(error, floor, EPSILON, 0.0, 0.0, EPSILON)


def suspects(layers):
    """Suspect layers of a survey that measured the given values of the parts of each layer's output."""
    survey = SurveyResult("rotation")
    for layer, parts in layers.items():
        site = Site(LayerCall(layer))
        survey.owners[site], survey.introduced[site] = site.call, WorstMeasurements()
        for number, each in enumerate(parts):
            survey.introduced[site].add((f"[{number}]", ""), each, TRIALS[0])
    return suspect_layers(survey, Verdict.ILL_CONDITIONED)


@nudged
def test_ties_keep_their_order(nudge):
    numbers = {"a": 1.0, "b": 1.0 + nudge, "c": 1.0 - nudge}
    assert smallest(numbers, numbers.get) == largest(numbers, numbers.get) == "a"
    assert ordered(numbers, numbers.get) == ordered(numbers, numbers.get, descending=True) == ["a", "b", "c"]


def test_numbers_that_differ_are_sorted():
    numbers = [2.0, -1.0, 1.0, 0.0, 1.0 + 2 * SAME, 1.0]
    assert ordered(numbers, lambda n: n) == sorted(numbers)
    assert ordered(numbers, lambda n: n, descending=True) == sorted(numbers, reverse=True)


@nudged
def test_a_later_number_counts_where_the_earlier_ones_tie(nudge):
    ranks = {"a": (False, 1.0 + nudge, 2), "b": (False, 1.0, 1), "c": (True, 0.0, 0)}
    assert ordered(ranks, ranks.get) == ["b", "a", "c"]
    assert largest(ranks, ranks.get) == "c"


def test_nan_counts_as_infinity():
    numbers = {"a": math.nan, "b": 1.0, "c": math.inf}
    assert ordered(numbers, numbers.get) == ["b", "a", "c"]
    assert largest(numbers, numbers.get) == "a"


@nudged
def test_a_number_exceeds_another_by_more_than_rounding(nudge):
    assert not exceeds(1.0 + nudge, 1.0)
    assert exceeds(1.0 + 2 * SAME, 1.0)
    assert not exceeds(1.0, 1.0 + 2 * SAME)
    assert exceeds(1e-300, 0.0)
    assert not exceeds(math.inf, math.inf)


HALVES = {
    "relu": lambda pos: relative(pos).relu(),
    "square": lambda pos: relative(pos).relu() ** 2,
    "root": lambda pos: relative(pos).relu().sqrt(),
    "step": lambda pos: (relative(pos) > 0).to(pos),
}
"""f(v) and f(-v) are nowhere both nonzero: under inversion 1x1o and 1x1e leave errors of one size."""


@pytest.mark.parametrize("nudge", [0.0, 1e-13, -1e-13])
@pytest.mark.parametrize("name", HALVES)
def test_halves_of_vectors_are_told_as_vectors(name, nudge, monkeypatch):
    measured = Leaf.fits

    def fits(leaf, law):
        factor = 1 + nudge * (law == Irreps("1x1e"))
        return {s: replace(fit, error=fit.error * factor) for s, fit in measured(leaf, law).items()}

    monkeypatch.setattr(Leaf, "fits", fits)
    report = eq.check(HALVES[name], (POINTS,), group=["e3", "permutation"], samples=3)
    (line,) = [line for line in report.assumptions if line.startswith("output")]
    assert line.partition(": ")[2].startswith("1x1o, nodes on axis 0 (closest: "), line


@nudged
def test_of_declarations_that_leave_equal_errors_the_first_is_taken(nudge):
    tried = [([], {"rotation": 2.0}, False), ([], {"rotation": 0.5}, False), ([], {"rotation": 0.5 + nudge}, False)]
    assert _best(iter(tried))[1] is tried[1][1]
    assert _best(iter([tried[2], tried[1]]))[1] is tried[2][1]


@nudged
def test_of_symmetries_with_equal_errors_the_first_is_named(nudge):
    assert _worst({"translation": 1e-16, "rotation": 2.0, "inversion": 2.0 + nudge}) == "rotation"


@nudged
def test_of_equal_cuts_into_irreps_the_one_with_scalars_last_is_taken(nudge):
    """Turns about the diagonal commute with x -> y -> z -> x: (x, y, z) and (y, z, x) both are vectors."""
    pairs = []
    for angle in (0.7, 1.9):
        element = rotation(angle * torch.full((3,), 3**-0.5).double().numpy())
        vectors = normal(6, 3, dtype=torch.float64)
        turned = vectors @ torch.tensor(element.matrix, dtype=torch.float64).T
        before, after = (t[:, [0, 1, 2, 0]] for t in (vectors, turned))
        after[:, 0] *= 1 + nudge
        pairs.append((element, before, after))
    assert _cut_into_blocks(pairs) == [(0, 1), (3, 0)]


@nudged
def test_of_equal_trials_the_first_is_the_counterexample(nudge):
    place = WorstMeasurements()
    for trial, error in zip(TRIALS, (0.5, 0.5 + nudge, 0.5 - nudge), strict=True):
        place.add(("", "1x1o"), reading(error), trial)
    assert place.top[2] == TRIALS[0]
    place.add(("", "1x1o"), reading(0.6), TRIALS[2])
    assert place.top[2] == TRIALS[2]


@pytest.mark.parametrize("floors", [(1e-17, 1e-17), (1.2e-15, 1.5e-15), (1.5e-15, 1.2e-15)])
@nudged
def test_of_equally_broken_parts_the_first_is_told_whatever_floor_each_has(nudge, floors):
    parts = [reading(0.5, floors[0]), reading(0.5 + nudge, floors[1]), reading(0.4, floors[0])]
    (suspect,) = suspects({"": parts})
    assert suspect.key == ("[0]", "")
    assert len(suspect.sites) == 1


def test_a_part_that_exceeds_its_limit_by_much_more_is_the_worst():
    (suspect,) = suspects({"": [reading(0.9, 1e-4), reading(0.1)]})
    assert suspect.key == ("[1]", "")


@nudged
def test_layers_with_equal_errors_stay_in_the_order_of_their_calls(nudge):
    layers = {"a": 0.5, "b": 0.5 + nudge, "c": 0.5 - nudge, "d": 0.7}
    assert [s.layer for s in suspects({n: [reading(e)] for n, e in layers.items()})] == ["d", "a", "b", "c"]


@nudged
def test_of_equal_parts_the_first_is_the_worst(nudge):
    parts = {("", "1x0e"): 0.1, ("", "1x1o"): 1.0, ("", "1x1e"): 1.0 + nudge}
    assert worst({key: PartError(error, 1.0, False) for key, error in parts.items()})[0] == ("", "1x1o")


class Twins(nn.Module):
    """Two layers that add the same constant, but for rounding."""

    def __init__(self, nudge):
        super().__init__()
        self.one = Applied(lambda x: x + 0.1)
        self.two = Applied(lambda x: x + 0.1 * (1 + nudge))

    def forward(self, x):
        return self.one(x) + self.two(x)


@nudged
def test_layers_that_contribute_equally_are_told_in_the_order_of_their_calls(nudge):
    report = eq.diagnose(Twins(nudge), POINTS.double(), "1x1o", "1x1o", group="so3", samples=2)
    assert [f.layer for f in report.findings] == ["one", "two"], report


@nudged
def test_of_outputs_that_break_equally_the_first_is_told(nudge):
    def two(x):
        left = x + 0.1
        right = x + 0.1 * (1 + nudge)
        return left, right

    report = eq.check(two, POINTS.double(), "1x1o", ["1x1o", "1x1o"], group="so3", samples=2)
    assert report.findings[0].part == "output[0] (1x1o)", report


@nudged
def test_nodes_with_equal_errors_are_named_in_their_order(nudge):
    errors = (0.1, 0.5, 0.5 + nudge, 0.5 - nudge, 0.5, 0.7)
    finding = Finding("", "rotation", "component-mixing", "", node_errors=errors)
    assert html_cloud._worst(finding).endswith("the largest at node 5 (7.0e-01), node 1 (5.0e-01), node 2 (5.0e-01).")


@nudged
def test_zeros_are_told_as_zeros(nudge):
    assert _format_numbers(torch.tensor([0.1, nudge * 0.1, -nudge * 0.1], dtype=torch.float64)) == "(0.1, 0, 0)"
    assert _describe_growth(nudge) == "does not grow with |t| (as |t|^0.00)"
    assert _format_share(nudge) == "0.000"
    assert _format_numbers(torch.zeros(2) * -1) == "(0, 0)"
