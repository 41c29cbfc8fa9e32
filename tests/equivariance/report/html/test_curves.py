import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equivariance.findings import Curve
from equivariance.report.html.page import to_html
from tests.equivariance.helpers.html_page import BROKEN, FINDING, Page, assert_drawings_lie_inside

NAMES = {"translation": "|t|", "angle": "angle", "scale": "factor", "precision": "precision", "density": "density"}


def page_of(*curves, **values):
    return Page(to_html([replace(BROKEN, findings=[replace(FINDING, curves=curves, **values)])]))


def drawing(page):
    """The elements of the first curve's drawing."""
    end = next(i for i, e in enumerate(page.elements) if e[0] == "svg" and e[1]["aria-label"].startswith("error over"))
    start = next(i for i in range(end, 0, -1) if page.elements[i][0] == "figcaption")
    return page.elements[start : end + 1]


def of(elements, tag, kind=""):
    return [e for e in elements if e[0] == tag and kind in e[1].get("class", "")]


@pytest.mark.parametrize("over", list(NAMES))
def test_a_curve_is_named_drawn_and_told(over):
    page = page_of(Curve(over, (1e-3, 0.1, 1.0), (1e-6, 2e-5, 3e-4)))
    elements = drawing(page)
    caption, label = elements[0][2], elements[-1][1]["aria-label"]
    assert NAMES[over] in caption
    assert "1.0e-06 at" in caption
    assert "3.0e-04 at" in caption
    assert all(size in label for size in ("1.0e-06", "2.0e-05", "3.0e-04"))
    assert len(of(elements, "circle", "introduced")) == 3
    (line,) = of(elements, "polyline")
    x = [float(point.split(",")[0]) for point in line[1]["points"].split()]
    y = [float(point.split(",")[1]) for point in line[1]["points"].split()]
    assert x == sorted(x)
    assert y == sorted(y, reverse=True), "larger errors are higher"


def test_slopes_can_be_compared():
    """The same power has the same slope everywhere on an axis, and curves of one finding have one vertical axis."""
    page = page_of(Curve("translation", (1e-3, 1e-1, 1e1), (1e-6, 1e-4, 1e-2)), Curve("scale", (1e-3, 1e1), (1.0, 1e8)))
    (line,) = of(drawing(page), "polyline")
    (a, b), (c, d), (e, f) = [tuple(map(float, point.split(","))) for point in line[1]["points"].split()]
    assert (d - b) / (c - a) == pytest.approx((f - d) / (e - c), rel=0.01)
    tops = [e[1]["y"] for e in of(page.elements, "text", "tick") if e[2] == "1e8"]
    assert len(tops) == 2
    assert len(set(tops)) == 1


def test_zero_and_infinity_are_marks_that_no_line_leads_to():
    errors = (0.0, 1e-3, 1e-2, math.inf, math.nan, 1e-2)
    elements = drawing(page_of(Curve("translation", (0.0, 1.0, 2.0, 3.0, 4.0, math.inf), errors)))
    assert len(of(elements, "circle", "zero")) == 1
    assert len(of(elements, "path", "introduced")) == 2
    assert len(of(elements, "circle", "introduced")) == 3
    (line,) = of(elements, "polyline")
    assert len(line[1]["points"].split()) == 2
    ticks = [e[2] for e in of(elements, "text", "tick")]
    assert ticks.count("0") == ticks.count("∞") == 2, "on both axes"
    assert [e[2] for e in of(elements, "title")][-3:] == ["3: ∞", "4: NaN", "∞: 1.0e-02"]


def test_an_axis_without_zero_does_not_show_one():
    ticks = [e[2] for e in of(drawing(page_of(Curve("scale", (0.1, 10.0), (1e-3, 1e-3)))), "text", "tick")]
    assert ticks.count("0") == 1
    assert {"1e-1", "1e1"} <= set(ticks)


def test_precisions_have_names_and_room():
    elements = drawing(page_of(Curve("precision", (2.0**-52, 2.0**-23, 2.0**-10, 2.0**-7), (1e-3,) * 4)))
    labels = [e for e in of(elements, "text", "tick") if "float" in e[2]]
    assert [e[2] for e in labels] == ["float64", "float32", "float16", "bfloat16"]
    places = [float(e[1]["x"]) for e in labels]
    assert min(b - a for a, b in itertools.pairwise(places)) > 8 * 6.6, "wide enough for the longest name"


def test_angles_are_in_degrees():
    elements = drawing(page_of(Curve("angle", (math.pi / 2,), (1e-3,)), noise_floor=0.0))
    assert [e[2] for e in of(elements, "text", "tick")][-5:] == ["0°", "45°", "90°", "135°", "180°"]
    assert "1.0e-03 at 90°" in elements[0][2]
    assert not of(elements, "polyline"), "one point is no line"


def test_the_rounding_floor_is_drawn_where_it_is_one_number():
    assert of(drawing(page_of(Curve("scale", (1.0, 2.0), (1e-3, 1e-3)))), "line", "floor")
    assert not of(drawing(page_of(Curve("scale", (1.0, 2.0), (1e-3, 1e-3)), noise_floor=0.0)), "line", "floor")
    assert not of(drawing(page_of(Curve("precision", (2.0**-52,), (1e-3,)))), "line", "floor")


def test_curves_without_points_are_not_there():
    assert "Curves" not in page_of(Curve("scale", (), ())).texts("article")[0]
    assert "Curves" not in page_of().texts("article")[0]


SIZES = st.floats(min_value=0, allow_nan=False)


@pytest.mark.slow
@given(
    st.sampled_from(list(NAMES)),
    st.lists(st.tuples(SIZES, st.floats(min_value=0)), min_size=1, max_size=12, unique_by=lambda pair: pair[0]),
)
def test_every_curve_stays_in_its_frame(over, pairs):
    values, errors = zip(*sorted(pairs, key=lambda pair: pair[0]), strict=True)
    page = page_of(Curve(over, values, errors))
    assert_drawings_lie_inside(page)
    elements = drawing(page)
    assert len(of(elements, "title")) == len(pairs)
