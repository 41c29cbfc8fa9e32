"""Verdicts from measurements, at the borders of the policy."""

import math

import pytest

from equivariance._engine.measurement.verdict import AMPLIFIED, CLEAN, CONFIDENCE, SINGLE, Measurement, Verdict

pytestmark = pytest.mark.numeric

DOUBLE, FLOAT = 2.0**-52, 2.0**-23


def measured(error=0.0, floor=DOUBLE, tested_error=0.0, tested_floor=FLOAT, **more):
    given = {"epsilon": DOUBLE, "tested_epsilon": FLOAT, **more}
    return Measurement(error=error, rounding_floor=floor, tested_error=tested_error, tested_floor=tested_floor, **given)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({}, Verdict.CLEAN),
        ({"error": CONFIDENCE * 4 * DOUBLE}, Verdict.CLEAN),
        ({"error": 1.01 * SINGLE}, Verdict.BROKEN),
        ({"error": 6e-6}, Verdict.BROKEN),
        ({"error": 1.0}, Verdict.BROKEN),
        ({"error": math.inf}, Verdict.BROKEN),
        ({"error": 3e-8}, Verdict.CLEAN),
        ({"error": 3e-8, "tested_epsilon": DOUBLE}, Verdict.PRECISION),
        ({"error": 3e-8, "floor": 1e-9}, Verdict.ILL_CONDITIONED),
        ({"floor": 1.01 * AMPLIFIED * DOUBLE}, Verdict.ILL_CONDITIONED),
        ({"floor": 0.99 * AMPLIFIED * DOUBLE}, Verdict.CLEAN),
        ({"tested_error": CLEAN * FLOAT}, Verdict.CLEAN),
        ({"tested_error": 1.01 * CLEAN * FLOAT}, Verdict.ROUNDING),
        ({"error": 1e-12, "floor": 1e-13}, Verdict.CLEAN),
        ({"error": 6e-6, "epsilon": FLOAT, "floor": FLOAT}, Verdict.CLEAN),
        ({"error": 6e-4, "epsilon": FLOAT, "floor": FLOAT}, Verdict.BROKEN),
        ({"error": 1e-11, "reach": 1000.0}, Verdict.CLEAN),
        ({"error": 1e-5, "reach": 1000.0}, Verdict.BROKEN),
        ({"error": 0.1, "discrete": True, "floor": 0.0}, Verdict.BROKEN),
        ({"error": 0.1, "discrete": True, "floor": 0.01}, Verdict.CLEAN),
        ({"error": math.inf, "discrete": True, "floor": math.inf}, Verdict.CLEAN),
    ],
)
def test_verdicts(values, verdict):
    assert measured(**values).verdict == verdict


def test_a_float32_constant_is_told_when_float32_is_judged():
    assert measured(error=3e-8).plateaus
    assert not measured(error=1e-14).plateaus
    assert not measured(error=1e-2).plateaus


@pytest.mark.parametrize(
    ("values", "is_tie"),
    [
        ({}, False),
        ({"tested_floor": 0.5}, True),
        ({"tested_floor": 0.5, "floor": 1e6 * DOUBLE}, False),
        ({"tested_floor": 1e-4}, False),
        ({"tested_floor": 0.5, "error": 0.5}, False),
        ({"discrete": True, "tested_error": 0.1, "floor": 0.0}, True),
        ({"discrete": True, "floor": 0.0}, False),
        ({"discrete": True, "error": 0.1, "floor": 0.0, "tested_error": 0.1}, False),
    ],
)
def test_flips_are_jumps_that_conditioning_does_not_explain(values, is_tie):
    assert measured(**values).is_tie == is_tie


def test_severity_is_the_verdict_first_and_then_the_error_over_its_limit():
    ordered = [
        measured(),
        measured(error=1e-14),
        measured(error=1e-3, grid=1e-2),
        measured(floor=1e-9),
        measured(error=1e-3),
        measured(error=1.0),
    ]
    assert [r.severity for r in ordered] == sorted(r.severity for r in ordered)


def test_verdicts_print_as_the_words_of_the_reports():
    assert [str(v) for v in Verdict] == ["clean", "rounding", "grid", "ill-conditioned", "precision", "structural"]


class TestWhatIsLeftWhenTheCauseIsGone:
    def test_in_float64_nothing_but_rounding(self):
        found = measured(error=0.3, stored_epsilon=DOUBLE, tested_epsilon=DOUBLE)
        assert found.residual == found.tolerance

    @pytest.mark.parametrize(
        ("error", "left"), [(0.3, SINGLE), (1e-4, 1e-6), (1e-5, 1e-7), (SINGLE, SINGLE), (3e-8, SINGLE)]
    )
    def test_in_float32_what_rounded_constants_cost(self, error, left):
        assert measured(error=error, stored_epsilon=FLOAT).residual == pytest.approx(left)

    def test_of_choices_nothing(self):
        found = measured(error=0.3, stored_epsilon=FLOAT, discrete=True)
        assert found.residual == found.tolerance
