"""Floors of rounding: near the machine epsilon for a plain product, large if a layer amplifies rounding."""

from dataclasses import replace

import pytest
import torch

from equivariance import Irreps
from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.instrumentation.testbed import ModelState
from equivariance._engine.measurement.rounding_floors import RoundingFloors
from equivariance._engine.measurement.survey_results import ComparedPart, Trial
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance.groups import rotation
from tests.equivariance.helpers.specimens import Applied, Scale, Stack, normal
from tests.equivariance.helpers.surveys import survey_of

VECTORS, OUTPUT, KEY = normal(6, 4, 3), Site(ROOT), ("", "1x1o")
EPSILON = torch.finfo(torch.float64).eps


def floors_of(*layers, x=VECTORS, irreps_out="1x1o"):
    return survey_of(Stack(*layers), x, irreps_out=irreps_out).floors


def oscillates(x):
    """Equivariant, with a condition number of about a million."""
    return x * torch.sin(1e6 * x.square().sum(-1, keepdim=True))


def test_the_floor_of_a_sound_layer_is_near_the_machine_epsilon():
    assert EPSILON / 10 < floors_of(Scale()).at_output(KEY) < 10 * EPSILON


def test_amplified_rounding_raises_the_floor_of_its_layer_and_of_what_follows():
    floors = floors_of(Applied(oscillates), Scale())
    own, accumulated = floors.floors(patched=True), floors.floors(patched=False)
    (first,), (second,) = ([s for s in own if s.call.layer == f"layers.{i}" and s.slot == ""] for i in range(2))
    assert own[first][KEY] > 1e5 * EPSILON > 1e4 * own[second][KEY]
    assert accumulated[second][KEY] > 1e5 * EPSILON


def test_each_perturbation_is_run_once():
    floors = floors_of(Scale())
    state = floors.runner.states[0]
    response = floors.response(state, None, 2)
    assert 0.1 * floors.at_output(KEY) <= response[OUTPUT][KEY] <= 10 * floors.at_output(KEY)
    assert floors.response(state, None, 2) is response
    assert floors.response(state, None, 0) is not response


def test_perturbations_end_once_one_of_them_explains_the_error(monkeypatch):
    floors, asked = floors_of(Scale()), []
    response = floors.response
    monkeypatch.setattr(floors, "response", lambda *args: asked.append(args[2]) or response(*args))
    trained = ModelState("given", "train")  # in which no run in float32 explains an error
    part = ComparedPart(Trial(rotation([0.3, -0.7, 1.1]), trained), None, OUTPUT, KEY)
    for error, draws in ((5 * EPSILON, 1), (1e-3, 16)):
        asked.clear()
        floors.remeasure(Measurement(error, 0.0, EPSILON, 0.0, 0.0, EPSILON, discrete=True), part)
        assert asked == list(range(draws))


def test_what_is_larger_in_float32_by_nine_digits_is_rounding():
    """The error that float64 leaves, 1e-13, and that of float32, 1e-4, are of one kind: lost digits."""
    floors = floors_of(Applied(lambda x: (x + 3e3) - 3e3))
    trial = Trial(rotation([0.3, -0.7, 1.1]), floors.runner.states[0])
    found = Measurement(1e-13, EPSILON, EPSILON, 0.0, 0.0, EPSILON)
    remeasured = floors.remeasure(found, ComparedPart(trial, None, OUTPUT, KEY))
    assert found.verdict == Verdict.PRECISION
    assert remeasured == replace(found, rounding_floor=remeasured.rounding_floor)
    assert remeasured.verdict < Verdict.PRECISION


@pytest.mark.parametrize("seed", [0, 7])
def test_floors_do_not_depend_on_the_order_of_the_questions(seed):
    runs = survey_of(Scale(), VECTORS, irreps_out=Irreps("1x1o")).runs
    one, other = RoundingFloors(runs, seed), RoundingFloors(runs, seed)
    state = runs.runner.states[0]
    assert one.floors(True)
    assert one.response(state, None, 3) == other.response(state, None, 3)
    assert one.response(state, None, 0) == other.response(state, None, 0)
    assert one.floors(True) == other.floors(True)
