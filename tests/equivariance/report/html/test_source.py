from dataclasses import replace

import pytest

from equivariance.findings import Location
from equivariance.report.html.page import to_html
from tests.equivariance.helpers.html_page import BROKEN, FINDING, Page

CODE = '''"""A module."""
import torch


class Layer(torch.nn.Module):
    def forward(self, x):
        first = x + 1
        second = first + 2

        third = second + 3
        fourth = third + 4
        fifth = fourth + 5
        return torch.relu(
            fifth,
        )

    def other(self):
        pass
'''


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "layer.py"
    path.write_text(CODE, encoding="utf-8")
    return path


def page_of(path, line, source=None, located="confirmed"):
    source = CODE.splitlines()[line - 1].strip() if source is None else source
    finding = replace(FINDING, location=Location(str(path), line, source), located=located)
    return Page(to_html([replace(BROKEN, findings=[finding])]))


def numbers(page):
    return [int(e[1]["data-line"]) for e in page.elements if "data-line" in e[1]]


def marked(page):
    return [(int(e[1]["data-line"]), e[2]) for e in page.all("mark")]


def test_the_line_is_marked_among_its_neighbours(module):
    page = page_of(module, 10)
    assert marked(page) == [(10, "    third = second + 3\n")]
    assert numbers(page) == list(range(6, 15))
    assert page.texts("pre", class_="excerpt")[0] == "".join(f"{line[4:]}\n" for line in CODE.splitlines()[5:14]), (
        "what is copied is the code, without numbers"
    )


def test_what_is_far_above_is_left_out_but_for_the_function(module):
    page = page_of(module, 13)
    assert numbers(page) == [6, 9, 10, 11, 12, 13, 14, 15]
    assert [e[1]["data-line"] for e in page.all(class_="after-gap")] == ["9"]


def test_what_is_below_the_function_is_left_out(module):
    assert max(numbers(page_of(module, 13))) == 15


def test_a_forward_is_shown_with_its_code(module):
    page = page_of(module, 6, located="layer")
    assert marked(page) == [(6, "def forward(self, x):\n")]
    assert numbers(page) == list(range(6, 16))


def test_a_line_outside_of_functions_has_its_neighbours(module):
    assert numbers(page_of(module, 2)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("located", "words"),
    [
        ("layer", "the layer's forward"),
        ("suspect", "suspect statement"),
        ("confirmed", "confirmed statement"),
    ],
)
def test_it_says_how_sure_the_place_is(module, located, words):
    (card,) = page_of(module, 10, located=located).texts("article")
    assert words in card
    others = {"the layer's forward", "suspect statement", "confirmed statement"} - {words}
    assert not any(other in card for other in others)


def test_a_file_that_has_changed_is_not_shown(module):
    page = page_of(module, 10, source="third = something(else)")
    assert marked(page) == [(10, "third = something(else)\n")]
    assert numbers(page) == [10]
    assert "has changed since" in page.texts("article")[0]


@pytest.mark.parametrize("line", [0, 9, 400])
def test_a_line_that_is_not_there_is_a_change(module, line):
    page = page_of(module, line, source="x = 1")
    assert marked(page) == [(line, "x = 1\n")]
    assert "has changed since" in page.texts("article")[0]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"# coding: nonsense\nx = 1\n"])
def test_a_file_that_cannot_be_read_is_not_at_hand(tmp_path, content):
    path = tmp_path / "layer.py"
    if content is not None:
        path.write_bytes(content)
    page = page_of(path, 3, source="x = 1")
    assert marked(page) == [(3, "x = 1\n")]
    assert "not at hand" in page.texts("article")[0]


@pytest.mark.parametrize("name", ["", ".", "\0", "<stdin>"])
def test_what_is_no_file_is_not_at_hand(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert "not at hand" in page_of(name, 1, source="x = 1").texts("article")[0]


def test_a_file_of_another_python_is_shown_without_its_functions(module):
    module.write_text(CODE + "\nprint 'an older Python'\n")
    assert numbers(page_of(module, 13)) == list(range(9, 18))


def test_markup_in_a_source_stays_text(module):
    line = 'text = "<script>alert(1)</script></code></pre>"'
    module.write_text(f"{line}\n")
    page = page_of(module, 1, source=line)
    assert marked(page) == [(1, f"{line}\n")]
    assert len(page.all("script")) == 1


def test_a_line_without_end_is_cut(module):
    module.write_text(f"x = {'1 + ' * 1000}1\ny = 2\n")
    longest = max(page_of(module, 2, source="y = 2").texts(class_="row"), key=len)
    assert longest.endswith("…\n")
    assert len(longest) < 300


def test_the_remedy_is_on_the_card_and_in_the_notes():
    finding = replace(FINDING, fix="Drop the bias.")
    page = Page(to_html([replace(BROKEN, findings=[finding], notes=[finding])]))
    assert "RemedyDrop the bias." in page.texts("article")[0]
    assert "Remedy: Drop the bias." in page.texts("details", class_="notes")[0]
    assert "Remedy" not in Page(to_html([BROKEN])).body


def expressions(path, columns, source="second = first + 2", line=8):
    finding = replace(FINDING, location=Location(str(path), line, source, columns))
    return Page(to_html([replace(BROKEN, findings=[finding])])).texts("strong", class_="expression")


def test_the_expression_is_marked_within_the_line(module):
    assert expressions(module, (18, 22)) == ["first"]
    assert expressions(module, None) == []
    assert expressions(module, (18, 26)) == [], "the whole line is marked already"
    assert expressions(module, (18, 22), source="second = first + 3") == [], "the file has changed"


def test_an_expression_that_is_cut_off_or_moved_by_tabs_is_not_marked(tmp_path):
    path = tmp_path / "layer.py"
    long = f"y = [{', '.join(['x'] * 100)}] + f(x)"
    path.write_text(f"def f(x):\n    {long}\n\ty =\tf(x) + 1\n", encoding="utf-8")
    assert expressions(path, (len(long) - 3, len(long)), long, 2) == []
    assert expressions(path, (6, 9), "y =\tf(x) + 1", 3) == []


def test_the_chain_and_other_explanations_stand_below_the_lines(module):
    other = Location("other.py", 3, "y = f(x)")
    finding = replace(FINDING, chain="head.mix.inner at net.py:9", located="suspect", alternatives=(other,))
    text = Page(to_html([replace(BROKEN, findings=[finding])])).texts("article")[0]
    assert "Through head.mix.inner at net.py:9." in text
    assert "Either this or other.py:3: y = f(x)" in text
