"""Renders the network as a tree that opens and closes, and the table of all numbers.

`page` calls `tree` and `numbers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from equivariance.findings import LayerRow, Outcome
from equivariance.report.html.parts import (
    BROKEN,
    MARKS,
    NOTHING,
    Html,
    badge,
    call_name,
    for_screen_readers,
    join,
    number,
    precisions,
    scroll_box,
    table,
    tag,
)
from equivariance.report.html.scale import LEVELS, heat

_OPEN_DEPTH = 1
"""Number of levels that are open even if nothing in them is broken."""


@dataclass
class Node:
    """A dotted path of the network.

    Attributes:
        path: The dotted path; "" for the network.
        calls: Number of the call -> symmetry -> row.
        below: Name -> node, in the order of the report.
    """

    path: str
    calls: dict[int, dict[str, LayerRow]] = field(default_factory=dict)
    below: dict[str, Node] = field(default_factory=dict)

    @property
    def broken(self) -> bool:
        """True if this layer or a layer below it introduces an error that rounding does not explain."""
        own = any(r.verdict in BROKEN for rows in self.calls.values() for r in rows.values())
        return own or any(node.broken for node in self.below.values())


def build_tree(rows: Sequence[LayerRow]) -> Node:
    """Returns the tree of all layers; a path without a row becomes a node without calls."""
    root = Node("")
    for row in rows:
        node, names = root, row.layer.split(".") if row.layer else []
        for name in names:
            path = f"{node.path}.{name}" if node.path else name
            node = node.below.setdefault(name, Node(path))
        node.calls.setdefault(row.call, {})[row.symmetry] = row
    return root


def tree(report: Outcome, prefix: str) -> Html:
    """Renders name and class of each layer call, and a coloured cell for each symmetry."""
    symmetries = list(dict.fromkeys(r.symmetry for r in report.layers))
    anchors: dict[str, list[tuple[int, str]]] = {}
    for index, finding in enumerate(report.findings, 1):
        for layer in finding.layers:
            anchors.setdefault(layer, []).append((index, f"{prefix}-finding-{index}"))
    names = [tag("span", s, class_="cell") for s in symmetries]
    head = tag("div", tag("span", "layer", class_="name"), *names, class_="line head", aria_hidden="true")
    whole = tag("ul", _item(build_tree(report.layers), 0, symmetries, anchors))
    box = tag("div", head, whole, class_="tree", id=f"{prefix}-tree", style=f"--columns: {len(symmetries)}")
    return join((_legend(), _buttons(f"{prefix}-tree"), scroll_box("the network as a tree", box)), "\n")


def numbers(report: Outcome) -> Html:
    """Renders a table of all numbers, one row per layer call and symmetry."""
    main, working = precisions(report)
    sizes = [f"{word}, {precision}" for word in ("introduced", "accumulated") for precision in (main, working, "floor")]
    head = ("layer", "class", "symmetry", *sizes, "contributed", "verdict", "worst part")
    rows = [_row(r) for r in report.layers]
    whole = table("Every layer call", head, rows, (0, 1, 2, 10, 11))
    return tag("details", tag("summary", "Every number as a table"), whole, class_="numbers")


def _row(row: LayerRow) -> tuple[str, ...]:
    sizes = (
        row.introduced, row.working, row.noise_floor,
        row.accumulated, row.reached_working, row.reached_floor, row.contributed,
    )  # fmt: skip
    name = tag("code", call_name(row))
    return (name, row.kind, row.symmetry, *map(number, sizes), badge(row.verdict, row.verdict), row.part)


def _item(node: Node, depth: int, symmetries: Sequence[str], anchors: Mapping[str, Sequence[tuple[int, str]]]) -> Html:
    calls = sorted(node.calls) or [0]
    lines = [
        join((_name(node, call, anchors), *(_cell(node.calls.get(call, {}).get(s), s) for s in symmetries)))
        for call in calls
    ]
    style = f"--depth: {depth}"
    if not node.below:
        return tag("li", *(tag("div", line, class_="line", style=style) for line in lines))
    again = [tag("div", line, class_="line", style=style) for line in lines[1:]]
    below = tag("ul", *(_item(n, depth + 1, symmetries, anchors) for n in node.below.values()))
    summary = tag("summary", lines[0], class_="line", style=style)
    found = any(path.startswith(f"{node.path}.") for path in anchors)
    return tag("li", tag("details", summary, *again, below, open=node.broken or found or depth < _OPEN_DEPTH))


def _name(node: Node, call: int, anchors: Mapping[str, Sequence[tuple[int, str]]]) -> Html:
    rows = node.calls.get(call, {})
    kind = next(iter(rows.values())).kind if rows else ""
    short = node.path.rpartition(".")[2] or "(the whole)"
    words: list[str] = [tag("code", short, title=node.path or False), " ", tag("span", kind, class_="kind")]
    if len(node.calls) > 1:
        words.append(tag("span", f" call {call + 1}", class_="kind"))
    for index, anchor in anchors.get(node.path, ()) if call == min(node.calls, default=0) else ():
        words += [" ", tag("a", f"finding {index}", href=f"#{anchor}")]
    return tag("span", *words, class_="name")


def _cell(row: LayerRow | None, symmetry: str) -> Html:
    if row is None:
        return tag("span", for_screen_readers(f"{symmetry}: "), NOTHING, class_="cell none")
    mark = tag("span", MARKS[row.verdict], class_="mark", aria_hidden="true")
    words = for_screen_readers(f"{symmetry}: {row.verdict}, introduced ")
    others = [
        *(for_screen_readers(", accumulated "), tag("span", "Σ ", aria_hidden="true"), number(row.accumulated)),
        *(for_screen_readers(", contributed"), tag("span", " → ", aria_hidden="true"), number(row.contributed)),
    ]
    first = tag("span", mark, words, number(row.introduced), class_="introduced")
    return tag("span", first, tag("span", *others, class_="others"), class_=f"cell {row.verdict} heat{heat(row)}")


def _legend() -> Html:
    marks = [badge(verdict, verdict) for verdict in MARKS]
    steps = [tag("span", class_=f"swatch heat{level}") for level in range(1, LEVELS + 1)]
    scale = tag("span", "colour: rounding floor ", *steps, " 1 (logarithmic)", class_="scale")
    words = ("cell: ", tag("b", "introduced"), ", below it Σ accumulated → contributed to the output")
    return tag("p", join((*marks, scale, tag("span", *words, class_="scale")), " "), class_="legend")


def _buttons(anchor: str) -> Html:
    """Returns the buttons; they are hidden until the script runs."""
    pairs = (("Open all", "open"), ("Close all", "close"))
    buttons = [tag("button", t, type="button", data_tree=anchor, data_do=d, hidden=True) for t, d in pairs]
    return tag("p", *buttons, class_="buttons")
