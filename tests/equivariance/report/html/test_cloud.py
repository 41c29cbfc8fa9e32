import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equivariance.report.html.cloud import MOST
from equivariance.report.html.page import to_html
from tests.equivariance.helpers.html_demo import demonstration, knot, large
from tests.equivariance.helpers.html_page import BROKEN, FINDING, Page

CROSS = "6"
CORNERS = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, 4.0))


def page_of(cloud, *node_errors, floor=1e-7):
    findings = [replace(FINDING, node_errors=errors, noise_floor=floor) for errors in node_errors]
    return Page(to_html([replace(BROKEN, findings=findings, cloud=cloud)]))


def dots(page):
    """Counts the points of the first picture in each colour."""
    counts = {}
    first = next(i for i, e in enumerate(page.elements) if e[0] == "svg" and e[1].get("class") == "cloud")
    shapes = [e for e in page.elements[first - 30 : first] if e[0] == "path" and "level" in e[1]["class"]]
    for shape in shapes:
        level = shape[1]["class"][-1]
        counts[level] = counts.get(level, 0) + shape[1]["d"].count("M")
    return {level: count for level, count in counts.items() if count}


def picture(page):
    return page.all("svg", class_="cloud")[0][1]


def words(page):
    return page.texts("article")[0]


def test_every_node_is_a_dot_in_the_colour_of_its_error():
    page = page_of(CORNERS, (1e-9, 1e-4, 1e-2, 1.0))
    assert picture(page)["data-levels"] == "0135"
    assert dots(page) == {"0": 1, "1": 1, "3": 1, "5": 1}
    assert "above rounding at 3 of 4 nodes, the largest at node 3 (1.0e+00), node 2 (1.0e-02)" in words(page)


def test_the_picture_has_an_alternative_in_words():
    label = picture(page_of(CORNERS, (0.0, 0.0, 0.25, 0.0)))["aria-label"]
    assert "input cloud" in label
    assert "node 2 (2.5e-01)" in label


def test_errors_of_one_size_have_one_colour():
    assert set(picture(page_of(CORNERS, (0.5, 0.5, 0.5, 0.5)))["data-levels"]) == {"5"}
    assert set(picture(page_of(CORNERS, (0.0, 0.0, 0.0, 0.0)))["data-levels"]) == {"0"}


def test_what_is_not_finite_is_crossed():
    page = page_of(CORNERS, (math.nan, math.inf, 0.0, 0.5))
    assert picture(page)["data-levels"] == f"{CROSS}{CROSS}05"
    assert "✕ not finite" in words(page)
    assert "node 0 (NaN), node 1 (∞), node 3 (5.0e-01)" in words(page)


def test_the_script_finds_the_points_once_for_all_findings():
    page = page_of(CORNERS, (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0))
    pictures = page.all("svg", class_="cloud")
    assert len(pictures) == 2
    (holder,) = [e for e in page.elements if "data-points" in e[1]]
    assert {e[1]["data-cloud"] for e in pictures} == {holder[1]["id"]}
    points = np.array(holder[1]["data-points"].split(), dtype=float).reshape(-1, 3)
    assert len(points) == len(pictures[0][1]["data-levels"]) == 4
    edges = np.linalg.norm(points[1:] - points[0], axis=1)
    assert edges / edges[0] == pytest.approx([1, 2, 4], rel=1e-2)


def test_without_the_script_there_are_no_buttons():
    buttons = [e for e in page_of(CORNERS, (1.0, 0.0, 0.0, 0.0)).elements if "data-turn" in e[1]]
    assert len(buttons) == 5
    assert all("hidden" in e[1] for e in buttons)


@pytest.mark.slow
def test_a_large_cloud_is_thinned_and_says_so():
    cloud, worst = tuple(map(tuple, knot(100_000))), np.full(100_000, 1e-9)
    worst[[17, 99_998]] = 0.5, 0.25
    text = to_html([replace(BROKEN, findings=[replace(FINDING, node_errors=tuple(worst))], cloud=cloud)])
    page = Page(text)
    levels = picture(page)["data-levels"]
    assert MOST <= len(levels) <= MOST + 16
    assert levels.count("5") == 1, "the worst are drawn"
    assert len(levels) - levels.count("0") == 2
    assert f"Input cloud of 100,000 points. {len(levels):,} are drawn" in words(page)
    assert len(text) < 150_000


def test_a_small_cloud_is_whole():
    assert len(picture(page_of(tuple(map(tuple, knot(MOST))), (0.1,) * MOST))["data-levels"]) == MOST


def test_points_without_a_place_are_counted():
    cloud = (*CORNERS[:2], (math.nan, 0.0, 0.0), (0.0, math.inf, 0.0))
    page = page_of(cloud, (0.1, 0.2, 0.3, 0.4))
    assert "2 without a finite position cannot be drawn" in words(page)
    assert len(picture(page)["data-levels"]) == 2
    assert "node 3 (4.0e-01)" in words(page)


@pytest.mark.parametrize("cloud", [(), CORNERS[:3], ((math.nan,) * 3,) * 4])
def test_errors_of_other_nodes_are_told_in_words(cloud):
    page = page_of(cloud, (0.1, 0.2, 0.3, 0.4))
    assert not page.all("svg", class_="cloud")
    assert "no cloud of as many points" in words(page)
    assert "node 3 (4.0e-01)" in words(page)


def test_without_errors_there_is_nothing_of_it():
    page = page_of(CORNERS, ())
    assert "Nodes" not in words(page)
    assert not [e for e in page.elements if "data-points" in e[1]]


NUMBER = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(st.tuples(NUMBER, NUMBER, NUMBER), st.floats(min_value=0)), min_size=1), st.floats(0, 1))
def test_every_cloud_fits_from_every_side(nodes, floor):
    cloud, errors = zip(*nodes, strict=True)
    page = page_of(cloud, errors, floor=floor)
    (holder,) = [e[1]["data-points"] for e in page.elements if "data-points" in e[1]]
    points = np.array(holder.split(), dtype=float).reshape(-1, 3)
    assert np.linalg.norm(points, axis=1).max() <= 291, "the picture's centre is 320 from its sides"
    assert sum(dots(page).values()) == len(nodes)
    places = [int(v) for e in page.all("path", class_="level") for v in re.findall(r"\d+(?= |h0|m-6)", e[1]["d"])]
    assert len(places) >= 2 * len(nodes)
    assert all(0 <= v <= 640 for v in places)


def test_a_large_report_is_small(tmp_path):
    report = large(tmp_path)
    assert (len(report.findings), len(report.cloud)) == (8, 1024)
    assert len({r.layer for r in report.layers}) == 100
    assert len(report.layers) == 500
    assert len(to_html([report]).encode()) < 1_000_000


def test_the_demonstration_shows_all_kinds(tmp_path):
    page = Page(to_html([demonstration(tmp_path)]))
    for words in ("confirmed statement", "suspect statement", "the layer's forward", "Remedy", "Curves", "Nodes"):
        assert words in page.body
