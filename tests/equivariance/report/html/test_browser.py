"""The page in a real browser. Not part of the default run, which needs nothing installed: see CONTRIBUTING.md."""

import pytest

from equivariance.report.html.page import to_html
from tests.equivariance.helpers.browser import TOO_WIDE, needs_browser
from tests.equivariance.helpers.html_demo import demonstration, large

pytestmark = needs_browser

OPEN_ALL = "document.querySelectorAll('details').forEach(d => { d.open = true; })"
CLOUD = "document.querySelector('svg.cloud')"
DOTS = f"[...{CLOUD}.querySelectorAll('path')].map((path) => path.getAttribute('d')).join('|')"
AXES = f"[...{CLOUD}.querySelectorAll('line')].map((line) => line.getAttribute('x2')).join(' ')"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    path = folder / "report.html"
    path.write_text(to_html([demonstration(folder)]), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_and_nothing_complains(browser, url, width, scheme):
    browser.open(url, width=width, scheme=scheme)
    browser.run(OPEN_ALL)
    assert browser.run(TOO_WIDE) == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("performance.getEntriesByType('resource').length") == 0
    assert browser.problems == []


def test_many_layers_fit_on_a_phone(browser, tmp_path):
    path = tmp_path / "large.html"
    path.write_text(to_html([large(tmp_path)]), encoding="utf-8")
    browser.open(path.as_uri(), width=390)
    browser.run(OPEN_ALL)
    assert browser.run(TOO_WIDE) == []
    assert browser.problems == []


def test_its_colours_follow_the_system(browser, url):
    paper = "getComputedStyle(document.body).backgroundColor"
    browser.open(url, scheme="light")
    assert browser.run(paper) == "rgb(255, 255, 255)"
    browser.open(url, scheme="dark")
    assert browser.run(paper) == "rgb(20, 23, 29)"


def test_the_mouse_turns_the_cloud_and_a_button_turns_it_back(browser, url):
    browser.open(url)
    before, axes = browser.run(DOTS), browser.run(AXES)
    x, y = browser.middle("svg.cloud")
    browser.drag((x, y), (x + 80, y + 30))
    assert browser.drawn(DOTS) != before
    assert browser.run(AXES) != axes
    others = "[...document.querySelectorAll('svg.cloud')].slice(1).map((svg) => svg.innerHTML).join('')"
    still = browser.run(others)
    browser.run("document.querySelector('button[data-turn=Home]').click()")
    assert browser.drawn(DOTS) == before, "the script draws what the page shows without it"
    assert browser.run(others) == still
    assert browser.problems == []


def test_a_released_mouse_turns_nothing(browser, url):
    browser.open(url)
    x, y = browser.middle("svg.cloud")
    browser.drag((x, y), (x + 40, y))
    turned = browser.drawn(DOTS)
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x - 60, y=y)
    assert browser.drawn(DOTS) == turned


def test_a_turned_cloud_loses_no_point(browser, url):
    browser.open(url)
    x, y = browser.middle("svg.cloud")
    browser.drag((x, y), (x + 123, y - 77))
    assert browser.drawn(DOTS).count("M") == 1024


@pytest.mark.parametrize("key", ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"])
def test_the_keyboard_turns_the_cloud(browser, url, key):
    browser.open(url)
    before = browser.run(DOTS)
    browser.run(f"{CLOUD}.focus({{preventScroll: true}})")
    assert browser.run(f"document.activeElement === {CLOUD}")
    browser.run("addEventListener('keydown', (event) => { window.kept = event.defaultPrevented; })")
    browser.press(key)
    assert browser.drawn(DOTS) != before
    assert browser.run("window.kept"), "the key does not scroll the page too"
    browser.press("Home")
    assert browser.drawn(DOTS) == before


def test_other_keys_stay_the_browsers(browser, url):
    browser.open(url)
    browser.run(f"{CLOUD}.focus()")
    browser.press("Tab")
    assert browser.run("document.activeElement.dataset.turn") == "ArrowLeft"


def test_a_finger_turns_the_cloud(browser, url):
    browser.open(url, width=390, touch=True)
    assert browser.run(f"getComputedStyle({CLOUD}).touchAction") == "pan-y", "a finger still scrolls the page"
    before = browser.run(DOTS)
    x, y = browser.middle("svg.cloud")
    browser.swipe((x, y), (x + 90, y + 5))
    assert browser.drawn(DOTS) != before
    assert browser.problems == []


def test_what_can_be_turned_says_how(browser, url):
    browser.open(url)
    assert browser.run(f"{CLOUD}.getAttribute('role')") == "application"
    assert "Arrow keys turn it" in browser.run(f"{CLOUD}.getAttribute('aria-label')")
    assert browser.run("document.querySelectorAll('.buttons [hidden]').length") == 0


def test_without_scripts_there_is_a_picture_and_nothing_to_press(browser, url):
    browser.open(url, scripts=False)
    assert browser.run(DOTS).count("M") == 1024
    assert browser.run(f"{CLOUD}.getAttribute('role')") == "img"
    shown = "[...document.querySelectorAll('button, .hint')].filter((element) => element.checkVisibility()).length"
    assert browser.run(shown) == 0


def test_it_prints(browser, url):
    browser.open(url, scheme="dark")
    assert browser.printed().startswith(b"%PDF")
    assert browser.problems == []


def test_the_browser_sees_errors(browser, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text("<!DOCTYPE html><p style='width: 900px'>wide</p><script>console.error('x'); nobody()</script>")
    browser.open(path.as_uri(), width=390)
    assert len(browser.problems) == 2
    assert browser.run(TOO_WIDE)
