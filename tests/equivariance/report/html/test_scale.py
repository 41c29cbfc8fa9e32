import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equivariance.report.html.chart import in_order_of_outputs
from equivariance.report.html.page import to_html
from equivariance.report.html.parts import MARKS, number
from equivariance.report.html.scale import LEVELS, LogAxis, exponents, heat
from equivariance.report.report import Report
from tests.equivariance.helpers.html_page import BROKEN, FINDING, Page, assert_drawings_lie_inside, row
from tests.equivariance.helpers.verdicts import verdicts


def test_one_drawing_for_each_symmetry_names_every_layer():
    page = Page(to_html([BROKEN]))
    drawings = page.texts("figure")
    assert len(drawings) == 2
    for drawing in drawings:
        assert all(name in drawing for name in ("head.mix", "pool (call 2)", "(the whole)"))
    assert [e[1].get("open", "closed") for e in page.all("details", class_="chart")] == ["closed", None]


@pytest.mark.parametrize(("value", "shown"), [(math.inf, "∞"), (math.nan, "NaN")])
def test_what_is_not_finite_is_shown_and_drawn(value, shown):
    broken = row(
        "act", verdict="structural", introduced=value, accumulated=value, reached_floor=value, contributed=value
    )
    finding = replace(FINDING, layer="act", layers=("act",), error=value, noise_floor=0.0, contributed=value)
    page = Page(to_html([Report("net", verdicts("rotation"), [finding], layers=[row(), broken])]))
    assert f"{shown} at output (1x1o)" in page.texts("article")[0]
    assert shown in page.texts(class_="tree")[0]
    assert_drawings_lie_inside(page)


@pytest.mark.parametrize("size", [0.0, 1e-300, 1e-17, 1e-9, 1.0, 1e30])
def test_drawings_stay_inside_their_frame(size):
    layers = [row(), row("a", introduced=size, accumulated=size, reached_floor=size, verdict="structural")]
    finding = replace(FINDING, layer="a", layers=("a",), error=size, contributed=size)
    assert_drawings_lie_inside(Page(to_html([Report("net", verdicts("rotation"), [finding], layers=layers)])))


def test_many_layers_fit():
    layers = [row(), *(row(f"block.{i}.some.very.long.path.to.a.layer") for i in range(200))]
    assert_drawings_lie_inside(Page(to_html([Report("net", verdicts("rotation"), [FINDING], layers=layers)])))


def test_layers_are_drawn_in_the_order_in_which_they_return():
    names = [("", 0), ("up", 0), ("up.a", 0), ("up", 1), ("up.a", 1), ("upper", 0), ("head", 0)]
    ordered = in_order_of_outputs([row(layer, call=call) for layer, call in names])
    assert [(r.layer, r.call) for r in ordered] == [
        *(("up.a", 0), ("up", 0), ("up.a", 1), ("up", 1)), *(("upper", 0), ("head", 0), ("", 0)),
    ]  # fmt: skip


def test_colours_rise_from_the_rounding_floor():
    errors = [0.0, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.5, 10.0, math.inf]
    levels = [heat(row(introduced=e, noise_floor=1e-7, verdict="structural")) for e in errors]
    assert levels == sorted(levels)
    assert (levels[0], levels[-1]) == (1, LEVELS)
    assert set(levels) == set(range(1, LEVELS + 1))
    assert heat(row(introduced=1e-6, noise_floor=1e-7, verdict="rounding")) == 0
    assert heat(row(introduced=1e-12, noise_floor=1e-7, verdict="ill-conditioned")) == 0


@given(st.lists(st.floats(min_value=0, allow_nan=False), min_size=2))
def test_the_axis_keeps_the_order(values):
    axis = LogAxis(*exponents(values), start=240.0, end=10.0)
    places = [axis.at(v) for v in sorted(values)]
    assert places == sorted(places, reverse=True)
    assert all(10 <= p <= 240 for p in places)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_its_colour(scheme):
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", style(), re.S)
    )
    colours = {**light, **(dark if scheme == "dark" else {})}
    pairs = [(ink, back) for ink in ("ink", "soft", "link") for back in ("paper", "panel")]
    pairs += [(ink, "mark-back") for ink in ("ink", "soft", "bad")]
    pairs += [(kind, f"{kind}-back") for kind in ("good", "warn", "bad")] + [("heat5-ink", "heat5")]
    pairs += [("ink", f"heat{level}") for level in range(1, LEVELS)]
    pairs += [(f"series-{name}", back) for name in ("own", "all", "floor", "out") for back in ("paper", "panel")]
    assert not too_pale(pairs, colours, 4.5)
    dots = [(f"dot{level}", "panel") for level in range(1, 6)]
    assert not too_pale(dots, colours, 3.0), "what is no text needs 3 : 1"


def too_pale(pairs, colours, least):
    """WCAG 2 asks for 4.5 : 1 where there is text."""
    return {pair: ratio for pair in pairs if (ratio := contrast(*(colours[c] for c in pair))) < least}


def style():
    return Page(to_html([])).texts("style")[0]


def contrast(first, second):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


def test_numbers():
    assert [number(v) for v in (0.0, 1.26e-7, -math.inf, math.inf, math.nan)] == ["0", "1.3e-07", "-∞", "∞", "NaN"]
    assert len(set(MARKS.values())) == len(MARKS)
