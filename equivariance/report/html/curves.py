"""Draws a finding's error over the size of the transformation, the scale of the input and the precision, as SVG.

`findings` calls `curves`. The errors are measured in `_engine.causes.error_curves`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from equivariance.findings import Curve, Finding
from equivariance.report.html.parts import Html, number, tag
from equivariance.report.html.scale import LogAxis, exponents, powers_around

_LEFT, _RIGHT, _TOP, _HEIGHT, _BELOW = 46, 8, 8, 140, 24
_WIDTH = 330

_NAMES = {
    "translation": "length of the translation |t|",
    "angle": "angle of the rotation",
    "scale": "factor on the input positions",
    "precision": "precision of the arithmetic",
}

_DTYPES = {2.0**-52: "float64", 2.0**-23: "float32", 2.0**-10: "float16", 2.0**-7: "bfloat16"}

_Abscissa = tuple[list[float], list[tuple[float, str]]]


def curves(finding: Finding) -> Html:
    """Draws one figure for each curve that has points. All figures have the same vertical axis."""
    drawn = [curve for curve in finding.curves if curve.values]
    axis = LogAxis(
        *exponents([finding.noise_floor, *(e for curve in drawn for e in curve.errors)]),
        start=_TOP + _HEIGHT, end=_TOP,
    )  # fmt: skip
    figures = [_figure(curve, axis, finding.noise_floor) for curve in drawn]
    return tag("div", *figures, class_="curves") if figures else Html()


def _figure(curve: Curve, axis: LogAxis, floor: float) -> Html:
    name = _NAMES.get(curve.over, curve.over)
    labels = [(_label(curve, v), number(e)) for v, e in zip(curve.values, curve.errors, strict=True)]
    (first, low), (last, high) = labels[0], labels[-1]
    ends = f"{low} at {first}" + (f", {high} at {last}" if len(labels) > 1 else "")
    words = f"error over the {name}: " + "; ".join(f"{v}: {e}" for v, e in labels)
    caption = tag("figcaption", tag("b", f"Error over the {name}"), f": {ends}")
    # The rounding floor depends on the precision, so one line for all precisions would be wrong.
    level = 0.0 if curve.over == "precision" else floor
    return tag("figure", caption, _drawing(curve, axis, level, words))


def _drawing(curve: Curve, axis: LogAxis, floor: float, words: str) -> Html:
    places, ticks = _abscissa(curve)
    bottom, right = _TOP + _HEIGHT, _WIDTH - _RIGHT
    pieces = []
    for y, label in ((round(y, 1), label) for y, label in axis.ticks(5)):
        pieces.append(tag("line", x1=_LEFT, y1=y, x2=right, y2=y, class_="grid"))
        pieces.append(tag("text", label, x=_LEFT - 6, y=y + 4, text_anchor="end", class_="tick"))
    pieces += [tag("text", t, x=round(x, 1), y=bottom + 16, text_anchor="middle", class_="tick") for x, t in ticks]
    if floor:
        y = round(axis.at(floor), 1)
        pieces.append(tag("line", x1=_LEFT, y1=y, x2=right, y2=y, class_="floor"))
        pieces.append(tag("text", "rounding", x=right, y=max(y - 4, _TOP + 10), text_anchor="end", class_="tick"))
    points = [(round(x, 1), round(axis.at(e), 1), e) for x, e in zip(places, curve.errors, strict=True)]
    pieces += [tag("polyline", points=run, class_="introduced") for run in _runs(points)]
    pieces += [
        _point(x, y, e, f"{_label(curve, v)}: {number(e)}")
        for (x, y, e), v in zip(points, curve.values, strict=True)
    ]  # fmt: skip
    box = f"0 0 {_WIDTH} {bottom + _BELOW}"
    return tag("svg", *pieces, viewBox=box, width=_WIDTH, role="img", aria_label=words)


def _runs(points: Sequence[tuple[float, float, float]]) -> list[str]:
    """Returns the points of each line: runs of neighbours with a finite positive error.

    No line leads to zero or infinity, which do not lie on the logarithmic axis.
    """
    runs: list[list[str]] = [[]]
    for x, y, error in points:
        if math.isfinite(error) and error > 0:
            runs[-1].append(f"{x},{y}")
        elif runs[-1]:
            runs.append([])
    return [" ".join(run) for run in runs if len(run) > 1]


def _point(x: float, y: float, error: float, words: str) -> Html:
    title = tag("title", words)
    if not math.isfinite(error):
        return tag("path", title, d=f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8", class_="introduced")
    return tag("circle", title, cx=x, cy=y, r=3.5, class_="introduced" if error > 0 else "zero")


def _label(curve: Curve, value: float) -> str:
    """Formats a value of the abscissa."""
    if curve.over == "precision":
        return _DTYPES.get(value, f"{value:.1e}")
    return f"{math.degrees(value):.3g}°" if curve.over == "angle" else f"{value:.4g}".replace("inf", "∞")


def _abscissa(curve: Curve) -> _Abscissa:
    """Returns the horizontal position of each point, and the ticks: position and label."""
    start, end = _LEFT + 12.0, _WIDTH - _RIGHT - 12.0
    if curve.over == "precision":
        # Two of the four precisions are so close that their names would overlap on a logarithmic axis.
        step = (end - start) / len(curve.values)
        at = [start + step * (i + 0.5) for i in range(len(curve.values))]
        return at, [(x, _label(curve, v)) for x, v in zip(at, curve.values, strict=True)]
    if curve.over == "angle":
        whole = max([math.pi, *filter(math.isfinite, curve.values)])
        marks = [whole * i / 4 for i in range(5)]
        return [_linear(min(v / whole, 1.0), start, end) for v in curve.values], [
            (_linear(i / 4, start, end), f"{math.degrees(mark):.0f}°") for i, mark in enumerate(marks)
        ]
    zero, infinite = min(curve.values) <= 0, math.isinf(max(curve.values))
    axis = LogAxis(*powers_around(curve.values), start=start, end=end, gap=34.0 if zero or infinite else 0.0)
    ends = [(axis.start, "0")] * zero + [(axis.end, "∞")] * infinite
    return [axis.at(v) for v in curve.values], [*axis.powers(5), *ends]


def _linear(share: float, start: float, end: float) -> float:
    return start + (end - start) * share
