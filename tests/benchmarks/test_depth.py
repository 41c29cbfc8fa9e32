"""The cost of a diagnosis over depth: a quick measurement, and the page and picture from made-up figures."""

import pytest

from benchmarks import depth
from benchmarks.charts import Panel, draw
from benchmarks.costs import subjects
from equivariance._engine.measurement import survey

COSTS = depth.Costs(forward=0.01, backward=0.03, both=0.022, introduced=0.011, whole=1.0)


@pytest.mark.slow
def test_every_sample_is_timed_and_the_harness_is_as_before():
    before = survey._TESTED, survey.SymmetrySurvey._measure
    costs = depth.measured(subjects()[0], 2, 4)
    assert 0 < costs.introduced < costs.whole
    assert 0 < costs.both < costs.whole
    assert (survey._TESTED, survey.SymmetrySurvey._measure) == before


def test_the_model_of_the_lie_derivative_is_per_layer():
    assert COSTS.lie(8) == pytest.approx(8 * 102 * 3)
    assert COSTS.lie(64) == pytest.approx(8 * COSTS.lie(8))


@pytest.mark.slow
def test_the_page_and_the_picture(tmp_path):
    found = {"network": {4: COSTS, 8: COSTS}}
    text = depth.text(found, found, {"real": (66, COSTS)}, "Python 3")
    assert "| network | 8 | 10.0 ms | 2.20 | 1.10 | 2.75 | 100 | 2,448 |" in text
    depth.chart(tmp_path / "depth.png", found)
    assert (tmp_path / "depth.png").read_bytes().startswith(b"\x89PNG")


def test_no_line_is_left_out_of_a_picture(tmp_path):
    lines = {f"network {n}": {4: 1.0, 8: 2.0} for n in range(8)}
    with pytest.raises(ValueError, match="panels: expected at most 7 lines in each, got 8"):
        draw(tmp_path / "many.png", "layers", [Panel("time", lines)])
