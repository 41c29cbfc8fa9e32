import math
import re
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import equivariance as eq
from equivariance import groups
from equivariance._printable import printable
from equivariance.cause_catalogue import CAUSES
from equivariance.findings import Finding, Location
from equivariance.report.html.page import to_html
from equivariance.report.html.parts import tag
from equivariance.report.html.scale import LEVELS
from equivariance.report.report import Report
from tests.equivariance.helpers.html_page import BROKEN, FINDING, SOUND, Page, assert_drawings_lie_inside, row, rows_of
from tests.equivariance.helpers.verdicts import verdicts

REFERENCES = ("aria-labelledby", "data-copy", "data-tree", "for")


def test_it_is_a_complete_document():
    text = to_html([BROKEN, SOUND])
    page = Page(text)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert page.all("meta", charset="utf-8")
    assert page.all("meta", name="viewport", content="width=device-width")
    assert page.texts("title")[0] == "Equivariance: net (1 finding), sound (ok)"
    assert [len(page.all(name)) for name in ("head", "body", "main", "h1")] == [1, 1, 1, 1]


def test_it_loads_nothing():
    text = to_html([BROKEN])
    page = Page(text)
    assert not re.search(
        r"https?:|//[a-z]|url\(|@import|fetch\(|XMLHttpRequest|\bimport\(", text.replace("// The page", "")
    )
    assert not [e for e in page.elements if e[0] in ("link", "img", "iframe", "object", "base")]
    assert all(e[1]["href"].startswith("#") for e in page.elements if "href" in e[1])
    assert not [e for e in page.elements if "src" in e[1]]


def test_ids_are_unique_and_what_refers_to_them_finds_them():
    page = Page(to_html([BROKEN, BROKEN]))
    ids = [e[1]["id"] for e in page.elements if "id" in e[1]]
    assert len(ids) == len(set(ids))
    wanted = [e[1]["href"][1:] for e in page.elements if "href" in e[1]]
    wanted += [e[1][name] for e in page.elements for name in REFERENCES if name in e[1]]
    assert len(wanted) > 8
    assert set(wanted) <= set(ids)


def test_the_headline_says_how_many_findings():
    page = Page(to_html([BROKEN, SOUND]))
    assert page.texts("h2") == ["net ✕ 1 finding", "sound ✓ ok"]


def test_the_output_under_each_symmetry():
    cells = [re.split(r"\s*\|\s*", line) for line in rows_of(Page(to_html([BROKEN])), "The network's output")]
    assert cells == [
        ["rotation", "✓ holds", "0", "0", "0", "declared"],
        ["translation", "✕ broken", "1.0e+00", "0", "0", "declared"],
        ["inversion", "○ not claimed", "7.5e-01", "0", "0", "declared"],
    ]


def test_a_symmetry_that_was_not_tested_says_why():
    report = Report(
        "net",
        verdicts(untested={"rotation": "the output is not finite"}),
        [Finding("act", "none", "not-finite", "3 NaN", error=math.inf)],
    )
    page = Page(to_html([report]))
    assert rows_of(page, "The network's output") == ["rotation | ○ not tested | — | — | — | the output is not finite"]
    assert "no transformation needed: not-finite in act" in page.texts("h4")[0]


def test_every_layer_of_a_finding_leads_to_its_card():
    finding = Finding("a", "rotation", "component-mixing", "a bias", layers=("a", "b"))
    rows = [row(), row("a"), row("b"), row("c")]
    page = Page(to_html([Report("net", verdicts("rotation"), [finding], layers=rows)]))
    assert [e[1]["href"] for e in page.elements if "href" in e[1]].count("#subject-1-finding-1") == 2


def test_a_card_tells_all_of_a_finding():
    (card,) = Page(to_html([BROKEN])).texts("article")
    for part in (
        *(
            "rotation",
            "component-mixing",
            "head.mix",
            "models/head.py:42",
            "def forward(self, x): return x + self.bias",
        ),
        *("a bias is added to the components of 1x1o", "3.0e-03 at output (1x1o)", "rounding explains 4.0e-07"),
        *("moves the network's output by 1.0e-03", "perturbed weights, eval mode"),
    ):
        assert part in card


@pytest.mark.parametrize(
    "element",
    [
        groups.translation([0, 0, 1]) @ groups.rotation([0, 0, 1]),
        groups.inversion(),
        groups.permutation(cycles=[(0, 3)], size=32),
        groups.permutation(range(40, -1, -1)),
        groups.samples([2, 0], of=3),
        groups.identity(),
    ],
)
def test_the_replay_text_rebuilds_the_element(element):
    page = Page(to_html([replace(BROKEN, findings=[replace(FINDING, counterexample=element)])]))
    names = {}
    exec(page.texts("code", id="subject-1-finding-1-replay")[0], names)
    assert names["group"] == element


def test_without_source_or_counterexample_a_card_says_so():
    bare = Finding("act", "none", "vanishing", "zero everywhere")
    (card,) = Page(to_html([replace(BROKEN, findings=[bare])])).texts("article")
    assert "no Python source" in card
    assert "Replay" not in card
    assert "0 at" not in card


def test_notes_are_gathered_by_cause():
    others = [Finding(f"layer{i}", "rotation", "ill-conditioned", f"amplified {i}", error=1e-3) for i in range(6)]
    page = Page(to_html([replace(BROKEN, notes=[*BROKEN.notes, *others])]))
    first, second = page.texts("details", class_="notes")
    assert first.startswith("discrete-tie: 1 note")
    assert second.startswith("ill-conditioned: 6 notes")
    assert all(f"layer{i}" in second and f"amplified {i}" in second for i in range(6))


def test_the_tree_has_every_call_with_three_values_a_mark_and_a_colour():
    page = Page(to_html([BROKEN]))
    lines = [e[2] for e in page.all(class_="line") if e[0] in ("div", "summary") and "head" not in e[1]["class"]]
    assert len(lines) == len({(r.layer, r.call) for r in BROKEN.layers}) + 1, "one line for the bare path head"
    culprit = next(line for line in lines if line.startswith("mix"))
    assert "rotation: structural, introduced 3.0e-03, accumulated Σ 1.5e-15, contributed → 1.0e-03" in culprit
    assert "✕" in culprit
    assert "finding 1" in culprit
    assert sum("call 2" in line for line in lines) == 1
    assert page.all("span", class_=f"cell structural heat{LEVELS - 1}")


def test_what_is_broken_is_open_and_what_is_sound_is_closed():
    layers = [row(layer) for layer in ("", "a", "a.b", "c")] + [row("c.d", verdict="structural")]
    page = Page(to_html([Report("net", verdicts("rotation"), layers=layers)]))
    tree = {e[2].split(" ")[0]: "open" in e[1] for e in page.all("details") if "introduced" in e[2] and "Σ" in e[2]}
    assert tree == {"(the": True, "a": False, "c": True}


def test_what_has_a_finding_below_is_open():
    finding = Finding("c.d", "none", "not-finite", "3 NaN")
    page = Page(to_html([Report("net", verdicts("rotation"), [finding], layers=[row(n) for n in ("", "a.b", "c.d")])]))
    tree = {e[2].split(" ")[0]: "open" in e[1] for e in page.all("details") if "introduced" in e[2] and "Σ" in e[2]}
    assert tree == {"(the": True, "a": False, "c": True}


def test_every_number_is_in_the_table():
    lines = rows_of(Page(to_html([BROKEN])), "Every layer call")
    assert len(lines) == len(BROKEN.layers)
    assert lines[-1] == (
        "head.mix | Linear | rotation | 3.0e-03 | 3.0e-07 | 4.0e-07 | 1.5e-15 | 6.0e-07 | 7.0e-07 | 1.0e-03 | "
        "✕ structural | output (1x1o)"
    )


def test_a_single_callable_has_neither_tree_nor_drawing():
    page = Page(to_html([Report("function", verdicts("rotation"), layers=[row()])]))
    assert not page.all("figure")
    assert not page.all(class_="tree")


TEXT = st.text(min_size=1).filter(str.strip)


@pytest.mark.slow
@given(subject=TEXT, layer=TEXT, evidence=TEXT, part=TEXT, source=TEXT, key=TEXT, state=TEXT)
def test_any_text_comes_out_and_control_characters_are_shown(subject, layer, evidence, part, source, key, state):
    finding = replace(
        FINDING,
        layer=layer,
        layers=(layer,),
        evidence=evidence,
        part=part,
        state=state,
        location=Location(source, 1, source),
    )
    report = Report(
        subject, verdicts("rotation"), [finding], [finding], [row(), row(layer)], [evidence], {key: state}
    )  # fmt: skip
    page = Page(to_html([report]))
    given = (subject, layer, evidence, part, source, key, state)
    assert all(printable(text) in page.body or printable(text, "\t\n") in page.body for text in given)


def test_markup_in_names_stays_text():
    attack = "<script>alert('&amp;')</script>"
    page = Page(
        to_html(
            [
                replace(
                    BROKEN, subject=attack, findings=[replace(FINDING, layer=attack, layers=(attack,), evidence=attack)]
                )
            ]
        )
    )
    assert len(page.all("script")) == 1
    assert attack in page.texts("article")[0]
    assert tag("p", "<b>", title='"<') == '<p title="&quot;&lt;">&lt;b&gt;</p>'


def test_a_card_names_all_symmetries_and_layers():
    more = {"symmetries": ("rotation", "inversion"), "layers": (FINDING.layer, "other"), "mechanism": "component-order"}
    page = Page(to_html([replace(BROKEN, findings=[replace(FINDING, **more)])]))
    heading = next(text for text in page.texts("h4") if "component-order" in text)
    assert heading.endswith(f"rotation, inversion: component-mixing (component-order) in {FINDING.layer}, other")


def test_nothing_examined():
    page = Page(to_html([]))
    assert page.body == "Nothing was examined."


def test_an_empty_report():
    page = Page(to_html([Report("net", ())]))
    assert "No finding under nothing." in page.body
    assert "everything was declared" in page.body


def test_settings_and_assumptions():
    body = Page(to_html([BROKEN])).body
    assert "working precisionfloat32" in body
    assert BROKEN.assumptions[0] in body


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_can_be_shown(cause):
    assert cause in Page(to_html([replace(BROKEN, findings=[replace(FINDING, cause=cause)])])).texts("h4")[0]


class Bias(torch.nn.Module):
    def forward(self, x):
        return x + torch.tensor([1.0, 0.0, 0.0], dtype=x.dtype)


def test_a_real_diagnosis(tmp_path):
    network = torch.nn.Sequential(torch.nn.Identity(), Bias())
    contracts = {"0": eq.Contract({"input": "1x1o"}, "1x1o"), "1": eq.Contract({"x": "1x1o"}, "1x1o")}
    inputs = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    report = eq.diagnose(network, (inputs,), ("1x1o",), "1x1o", group="so3", contracts=contracts, samples=2)
    assert report.findings
    report.to_html(tmp_path / "report.html")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert len(page.texts("article")) == len(report.findings)
    assert str(report.findings[0].location) in page.texts("article")[0]
    assert_drawings_lie_inside(page)
