"""Draws the error along the layers as SVG on a logarithmic axis, one drawing for each symmetry.

`page` calls `charts`.
"""

from __future__ import annotations

from collections.abc import Sequence

from equivariance._words import counted
from equivariance.findings import LayerRow, Outcome
from equivariance.report.html.parts import BROKEN, Html, call_name, join, number, precisions, scroll_box, tag
from equivariance.report.html.scale import LogAxis, exponents

_LEFT, _RIGHT, _TOP, _HEIGHT = 96, 16, 14, 230
_WIDTH, _NARROWEST, _WIDEST = 1080, 13.0, 88.0
_LONGEST = 26
_PER_LETTER = 5.9
"""Height of one letter of a rotated name, in pixels."""


def charts(report: Outcome) -> Html:
    """Draws one chart per symmetry. Charts of broken symmetries are open; if there are none, the first one is."""
    symmetries = list(dict.fromkeys(r.symmetry for r in report.layers))
    broken = {symmetry for f in report.findings for symmetry in f.symmetries} or set(symmetries[:1])
    return join((_figure(report, symmetry, symmetry in broken) for symmetry in symmetries), "\n")


def in_order_of_outputs(rows: Sequence[LayerRow]) -> list[LayerRow]:
    """Returns rows in the order in which layers return: a layer after the layers that it calls, the network last."""
    done: list[LayerRow] = []
    running: list[LayerRow] = []
    for row in rows:
        while running and not _is_below(row.layer, running[-1].layer):
            done.append(running.pop())
        running.append(row)
    return [*done, *reversed(running)]


def _is_below(layer: str, path: str) -> bool:
    return layer != path and (not path or layer.startswith(path + "."))


def _figure(report: Outcome, symmetry: str, is_open: bool) -> Html:
    rows = in_order_of_outputs([r for r in report.layers if r.symmetry == symmetry])
    culprits = [r for r in rows if r.verdict in BROKEN]
    words = f"{symmetry}: {len(culprits) or 'none'} of {counted(len(rows), 'layer call')} beyond rounding"
    key = [
        tag("span", "● introduced (✕ where broken)", class_="introduced"),
        tag("span", "○ accumulated", class_="accumulated"),
        tag("span", "◆ contributed to the network's output, where it is not 0", class_="contributed"),
        tag("span", f"┄ rounding floor of the accumulated error, {precisions(report)[1]}", class_="floor"),
    ]
    drawing = scroll_box(f"error along the layers, {symmetry}", _drawing(rows, words))
    caption = tag("figcaption", "Relative error; layers in the order in which they return. ", join(key, " "))
    return tag("details", tag("summary", words), tag("figure", caption, drawing), class_="chart", open=is_open)


def _drawing(rows: Sequence[LayerRow], words: str) -> Html:
    step = min(max(_WIDTH / len(rows), _NARROWEST), _WIDEST)
    width, bottom = round(_LEFT + step * len(rows) + _RIGHT), _TOP + _HEIGHT
    values = [v for r in rows for v in (r.accumulated, r.introduced, r.contributed, r.reached_floor)]
    axis = LogAxis(*exponents(values), start=bottom, end=_TOP)
    places = [round(_LEFT + step * (i + 0.5), 1) for i in range(len(rows))]
    pieces = [
        *_grid(axis, width - _RIGHT),
        _line([axis.at(r.reached_floor) for r in rows], places, "floor"),
        _line([axis.at(r.accumulated) for r in rows], places, "accumulated"),
        *(_column(r, x, step, axis) for r, x in zip(rows, places, strict=True)),
    ]
    height = bottom + 30 + round(_PER_LETTER * max(len(_shorten(call_name(r))) for r in rows))
    box = f"0 0 {width} {height}"
    return tag("svg", join(pieces, "\n"), viewBox=box, width=width, height=height, role="img", aria_label=words)


def _grid(axis: LogAxis, right: float) -> list[Html]:
    pieces = []
    for y, label in ((round(y, 1), label) for y, label in axis.ticks(8)):
        pieces.append(tag("line", x1=_LEFT, y1=y, x2=right, y2=y, class_="grid"))
        pieces.append(tag("text", label, x=_LEFT - 8, y=y + 4, text_anchor="end", class_="tick"))
    return pieces


def _line(heights: Sequence[float], places: Sequence[float], name: str) -> Html:
    points = " ".join(f"{x},{round(y, 1)}" for x, y in zip(places, heights, strict=True))
    return tag("polyline", points=points, class_=name)


def _column(row: LayerRow, x: float, step: float, axis: LogAxis) -> Html:
    """Draws the values of one layer call, its name, and a strip with a tooltip that lists all values."""
    broken = row.verdict in BROKEN
    low, own, reached = (round(v, 1) for v in (axis.start, axis.at(row.introduced), axis.at(row.accumulated)))
    named = (("introduced", row.introduced), ("accumulated", row.accumulated), ("contributed", row.contributed))
    sizes = ", ".join(f"{name} {number(value)}" for name, value in named)
    return tag(
        "g",
        tag("title", f"{call_name(row)}: {sizes}, {row.verdict}"),
        tag("rect", x=round(x - step / 2, 1), y=_TOP, width=round(step, 1), height=_HEIGHT, class_="strip"),
        tag("line", x1=x, y1=low, x2=x, y2=own, class_="introduced"),
        tag("circle", cx=x, cy=reached, r=3.5, class_="accumulated"),
        _cross(x, own) if broken else tag("circle", cx=x, cy=own, r=3.5, class_="introduced"),
        # Beside the other marks: a violation often has the same size at the layer's output and at the network's.
        _diamond(x + 7, axis.at(row.contributed)) if row.contributed else "",
        _label(row, round(x + 3, 1), low + 14),
        class_="broken" if broken else False,
    )


def _cross(x: float, y: float) -> Html:
    return tag("path", d=f"M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10", class_="introduced")


def _diamond(x: float, y: float) -> Html:
    return tag("path", d=f"M{x - 5:.1f} {y:.1f}l5 -5l5 5l-5 5z", class_="contributed")


def _label(row: LayerRow, x: float, y: float) -> Html:
    turned = f"rotate(-60 {x} {y})"
    return tag("text", _shorten(call_name(row)), x=x, y=y, text_anchor="end", transform=turned, class_="layer")


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST else "…" + name[1 - _LONGEST :]
