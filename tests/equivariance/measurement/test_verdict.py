"""Verdicts from readings, at the borders of the policy."""

import math

import pytest

from equivariance._engine.measurement.verdict import AMPLIFIED, CLEAN, CONFIDENCE, SINGLE, Reading, Verdict

DOUBLE, FLOAT = 2.0**-52, 2.0**-23


def reading(error=0.0, floor=DOUBLE, working_error=0.0, working_floor=FLOAT, **more):
    given = {"epsilon": DOUBLE, "working_epsilon": FLOAT, **more}
    return Reading(error=error, floor=floor, working_error=working_error, working_floor=working_floor, **given)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({}, Verdict.CLEAN),
        ({"error": CONFIDENCE * 4 * DOUBLE}, Verdict.CLEAN),
        ({"error": 1.01 * SINGLE}, Verdict.STRUCTURAL),
        ({"error": 6e-6}, Verdict.STRUCTURAL),
        ({"error": 1.0}, Verdict.STRUCTURAL),
        ({"error": math.inf}, Verdict.STRUCTURAL),
        ({"error": 3e-8}, Verdict.CLEAN),
        ({"error": 3e-8, "working_epsilon": DOUBLE}, Verdict.PRECISION),
        ({"error": 3e-8, "floor": 1e-9}, Verdict.ILL_CONDITIONED),
        ({"floor": 1.01 * AMPLIFIED * DOUBLE}, Verdict.ILL_CONDITIONED),
        ({"floor": 0.99 * AMPLIFIED * DOUBLE}, Verdict.CLEAN),
        ({"working_error": CLEAN * FLOAT}, Verdict.CLEAN),
        ({"working_error": 1.01 * CLEAN * FLOAT}, Verdict.ROUNDING),
        ({"error": 1e-12, "floor": 1e-13}, Verdict.CLEAN),
        ({"error": 6e-6, "epsilon": FLOAT, "floor": FLOAT}, Verdict.CLEAN),
        ({"error": 6e-4, "epsilon": FLOAT, "floor": FLOAT}, Verdict.STRUCTURAL),
        ({"error": 1e-11, "reach": 1000.0}, Verdict.CLEAN),
        ({"error": 1e-5, "reach": 1000.0}, Verdict.STRUCTURAL),
        ({"error": 0.1, "discrete": True, "floor": 0.0}, Verdict.STRUCTURAL),
        ({"error": 0.1, "discrete": True, "floor": 0.01}, Verdict.CLEAN),
        ({"error": math.inf, "discrete": True, "floor": math.inf}, Verdict.CLEAN),
    ],
)
def test_verdicts(values, verdict):
    assert reading(**values).verdict == verdict


def test_a_float32_constant_is_told_when_float32_is_judged():
    assert reading(error=3e-8).stalls
    assert not reading(error=1e-14).stalls
    assert not reading(error=1e-2).stalls


@pytest.mark.parametrize(
    ("values", "flips"),
    [
        ({}, False),
        ({"working_floor": 0.5}, True),
        ({"working_floor": 0.5, "floor": 1e6 * DOUBLE}, False),
        ({"working_floor": 1e-4}, False),
        ({"working_floor": 0.5, "error": 0.5}, False),
        ({"discrete": True, "working_error": 0.1, "floor": 0.0}, True),
        ({"discrete": True, "floor": 0.0}, False),
        ({"discrete": True, "error": 0.1, "floor": 0.0, "working_error": 0.1}, False),
    ],
)
def test_flips_are_jumps_that_conditioning_does_not_explain(values, flips):
    assert reading(**values).flips == flips


def test_severity_is_the_verdict_first_and_then_the_error_over_its_limit():
    ordered = [
        reading(),
        reading(error=1e-14),
        reading(error=1e-3, grid=1e-2),
        reading(floor=1e-9),
        reading(error=1e-3),
        reading(error=1.0),
    ]
    assert [r.severity for r in ordered] == sorted(r.severity for r in ordered)


def test_verdicts_print_as_the_words_of_the_reports():
    assert [str(v) for v in Verdict] == ["clean", "rounding", "grid", "ill-conditioned", "precision", "structural"]


class TestWhatIsLeftWhenTheCauseIsGone:
    def test_in_float64_nothing_but_rounding(self):
        found = reading(error=0.3, stored_epsilon=DOUBLE, working_epsilon=DOUBLE)
        assert found.remainder == found.limit

    @pytest.mark.parametrize(
        ("error", "left"), [(0.3, SINGLE), (1e-4, 1e-6), (1e-5, 1e-7), (SINGLE, SINGLE), (3e-8, SINGLE)]
    )
    def test_in_float32_what_rounded_constants_cost(self, error, left):
        assert reading(error=error, stored_epsilon=FLOAT).remainder == pytest.approx(left)

    def test_of_choices_nothing(self):
        found = reading(error=0.3, stored_epsilon=FLOAT, discrete=True)
        assert found.remainder == found.limit
