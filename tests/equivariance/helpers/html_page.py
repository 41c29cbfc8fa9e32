"""A strict reader of HTML pages, and reports to put on them."""

from html.parser import HTMLParser

from equivariance import groups
from equivariance.findings import Finding, LayerRow, Location
from equivariance.report.report import Report
from tests.equivariance.helpers.verdicts import verdicts

VOID = {"br", "col", "meta"}


class Page(HTMLParser):
    """Elements as (tag, attributes, text), in the order in which they close; fails on what is not well-formed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"attribute twice in {tag}: {names}"
        element = [tag, dict(attrs), ""]
        (self.elements if tag in VOID else self.open).append(element)

    def handle_endtag(self, tag):
        element = self.open.pop()
        assert element[0] == tag, f"{element[0]} closed by {tag}"
        if self.open:
            self.open[-1][2] += element[2]
        self.elements.append(element)

    def handle_data(self, data):
        if self.open:
            self.open[-1][2] += data

    def all(self, tag=None, **parts):
        wanted = {name.rstrip("_"): part for name, part in parts.items()}
        return [
            element
            for element in self.elements
            if tag in (None, element[0]) and all(part in element[1].get(name, "") for name, part in wanted.items())
        ]

    def texts(self, *arguments, **attributes):
        return [element[2] for element in self.all(*arguments, **attributes)]

    @property
    def body(self):
        return self.texts("main")[0]


def rows_of(page, caption):
    """The body rows of the table with this caption, cells joined by bars."""
    index = next(i for i, e in enumerate(page.elements) if e[0] == "caption" and e[2].startswith(caption))
    lines, cells = [], []
    for name, _, text in page.elements[index:]:
        if name in ("th", "td"):
            cells.append(text)
        if name == "tr":
            lines.append(" | ".join(cells))
            cells = []
        if name == "table":
            return lines[1:]
    raise AssertionError("the table does not end")


def assert_drawings_lie_inside(page):
    box, count = None, 0
    for name, attributes, _ in reversed(page.elements):
        if name == "svg":
            box = [float(v) for v in attributes["viewbox"].split()]
        for key in ("x", "x1", "x2", "cx", "y", "y1", "y2", "cy", "width", "height"):
            if key in attributes and name not in ("svg", "meta"):
                extent = box[2] if key in ("x", "x1", "x2", "cx", "width") else box[3]
                assert 0 <= float(attributes[key]) <= extent, (name, attributes)
                count += 1
    assert count > 20


def row(layer="", symmetry="rotation", call=0, verdict="clean", **values):
    sizes = {
        "accumulated": 1.5e-15, "introduced": 2.5e-16, "contributed": 0.0, "noise_floor": 4e-7, "working": 3e-7,
        "reached_working": 6e-7, "reached_floor": 7e-7,
    }  # fmt: skip
    return LayerRow(layer, call, "Linear", symmetry, **{**sizes, **values}, verdict=verdict, part="output (1x1o)")


FINDING = Finding(
    layer="head.mix",
    symmetry="rotation",
    cause="component-mixing",
    evidence="a bias is added to the components of 1x1o",
    part="output (1x1o)",
    location=Location("models/head.py", 42, "def forward(self, x): return x + self.bias"),
    error=3e-3,
    noise_floor=4e-7,
    contributed=1e-3,
    counterexample=groups.translation([0, 0, 1]) @ groups.rotation([0, 0, 1]),
    state="perturbed weights, eval mode",
)
BROKEN = Report(
    subject="net",
    verdicts=verdicts("rotation", broken=["translation"], unclaimed={"inversion": 0.75}),
    findings=[FINDING],
    notes=[Finding("pool", "rotation", "discrete-tie", "a selection flips")],
    layers=[
        *(row(layer, "translation", call) for layer, call in (("", 0), ("pool", 0), ("pool", 1), ("head.mix", 0))),
        row("", accumulated=1e-3),
        row("pool", verdict="ill-conditioned"),
        row("pool", call=1, accumulated=8.5e-14),
        row("head.mix", verdict="structural", introduced=3e-3, contributed=1e-3),
    ],
    assumptions=["permutation: the first axis of x is assumed to list the nodes"],
    settings={"samples": "8", "working precision": "float32", "main precision": "float64"},
)
SOUND = Report("sound", verdicts("rotation"), layers=[row(), row("pool")])
