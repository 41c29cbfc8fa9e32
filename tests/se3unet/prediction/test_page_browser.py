"""The page of a prediction in a real browser. Not part of the default run: see CONTRIBUTING.md."""

import pytest

from se3unet.prediction.page import to_html
from tests.equivariance.helpers.browser import TOO_WIDE, needs_browser
from tests.se3unet.prediction.scans import true_prediction

pytestmark = needs_browser

PIXELS = "document.querySelector('canvas').toDataURL()"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "anna.html"
    picture = b"\x89PNG\r\n\x1a\n"
    path.write_text(to_html(true_prediction(), {"file": "anna.ply", "scan": "a cloud"}, picture), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(browser, url, width, scheme):
    browser.open(url, width=width, scheme=scheme)
    assert browser.run(TOO_WIDE) == []
    assert browser.problems == []


def test_the_face_turns_under_mouse_keys_and_buttons_and_comes_back(browser, url):
    browser.open(url)
    pictures = [browser.drawn(PIXELS)]
    x, y = browser.middle("canvas")
    browser.drag((x, y), (x + 80, y + 30))
    pictures.append(browser.drawn(PIXELS))
    browser.run("document.querySelector('canvas').focus()")
    browser.press("ArrowLeft")
    pictures.append(browser.drawn(PIXELS))
    browser.run("document.querySelector('button[data-key=\"+\"]').click()")
    pictures.append(browser.drawn(PIXELS))
    assert len(set(pictures)) == 4
    browser.press("Home")
    assert browser.drawn(PIXELS) == pictures[0]
    assert browser.problems == []


def test_the_face_turns_under_a_finger(browser, url):
    browser.open(url, width=390, touch=True)
    before = browser.drawn(PIXELS)
    x, y = browser.middle("canvas")
    browser.swipe((x, y), (x + 60, y))
    assert browser.drawn(PIXELS) != before


def test_a_landmark_is_chosen_in_the_table_and_in_the_list(browser, url):
    browser.open(url)
    everything = browser.drawn(PIXELS)
    browser.run("document.querySelectorAll('tbody tr')[30].click()")
    assert browser.run("document.querySelector('select').value") == "30"
    nose = browser.drawn(PIXELS)
    assert nose != everything
    browser.run("(() => { const s = document.querySelector('select'); s.value = '-1';"
                " s.dispatchEvent(new Event('change')); })()")  # fmt: skip
    assert browser.drawn(PIXELS) == everything


def test_without_scripts_there_is_the_picture(browser, url):
    browser.open(url, scripts=False)
    assert "noscript" in browser.send("DOM.getDocument", depth=-1)["root"].__repr__().lower()
