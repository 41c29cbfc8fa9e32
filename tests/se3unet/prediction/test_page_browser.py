"""The page of a prediction in a real browser. Not part of the default run: see CONTRIBUTING.md."""

import pytest

from se3unet.prediction.page import to_html
from tests.equivariance.helpers.browser import AFTER_DRAWING, executable
from tests.se3unet.prediction.scans import true_prediction

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(executable() is None, reason="needs Chromium on the path (apt-get install chromium)"),
]

PIXELS = "document.querySelector('canvas').toDataURL()"
TOO_WIDE = """
[...document.querySelectorAll("body *")].filter((element) => {
  const box = element.getBoundingClientRect();
  return box.width > 1 && box.right > innerWidth + 1 && !element.parentElement.closest(".scroll");
}).map((element) => element.tagName)
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "anna.html"
    picture = b"\x89PNG\r\n\x1a\n"
    path.write_text(to_html(true_prediction(), {"file": "anna.ply", "scan": "a cloud"}, picture), encoding="utf-8")
    return path.as_uri()


def drawn(browser):
    browser.run(AFTER_DRAWING)
    return browser.run(PIXELS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(browser, url, width, scheme):
    browser.open(url, width=width, scheme=scheme)
    assert browser.run(TOO_WIDE) == []
    assert browser.problems == []


def test_the_face_turns_under_mouse_keys_and_buttons_and_comes_back(browser, url):
    browser.open(url)
    pictures = [drawn(browser)]
    x, y = browser.middle("canvas")
    browser.drag((x, y), (x + 80, y + 30))
    pictures.append(drawn(browser))
    browser.run("document.querySelector('canvas').focus()")
    browser.press("ArrowLeft")
    pictures.append(drawn(browser))
    browser.run("document.querySelector('button[data-key=\"+\"]').click()")
    pictures.append(drawn(browser))
    assert len(set(pictures)) == 4
    browser.press("Home")
    assert drawn(browser) == pictures[0]
    assert browser.problems == []


def test_the_face_turns_under_a_finger(browser, url):
    browser.open(url, width=390, touch=True)
    before = drawn(browser)
    x, y = browser.middle("canvas")
    browser.swipe((x, y), (x + 60, y))
    assert drawn(browser) != before


def test_a_landmark_is_chosen_in_the_table_and_in_the_list(browser, url):
    browser.open(url)
    everything = drawn(browser)
    browser.run("document.querySelectorAll('tbody tr')[30].click()")
    assert browser.run("document.querySelector('select').value") == "30"
    nose = drawn(browser)
    assert nose != everything
    browser.run("(() => { const s = document.querySelector('select'); s.value = '-1';"
                " s.dispatchEvent(new Event('change')); })()")  # fmt: skip
    assert drawn(browser) == everything


def test_without_scripts_there_is_the_picture(browser, url):
    browser.open(url, scripts=False)
    assert "noscript" in browser.send("DOM.getDocument", depth=-1)["root"].__repr__().lower()
