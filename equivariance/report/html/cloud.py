"""Draws the input cloud with the error at each node as colour. The script `cloud.js` rotates the picture.

`findings` and `page` call it. It draws with the initial view, so that the picture also shows without the script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from equivariance._ranking import ordered
from equivariance._words import counted
from equivariance.findings import Finding, Outcome
from equivariance.report.html.parts import Html, join, number, tag

MOST = 2000
"""Largest number of points that are drawn evenly; the worst points of each finding are drawn in addition."""

_WORST = 16
_NAMED = 3
_LEVELS = 5
"""Number of colours above the rounding floor. Level 0 is at or below the floor; level `_LEVELS + 1` is not finite."""

_DECADES = 5.0
_SIZE, _REACH = 640, 290
_FAR = _REACH / 3
_YAW, _PITCH = np.radians(-30.0), np.radians(20.0)
_CORNER, _ARROW = (56.0, 584.0), 40.0
_BANDS = ("far", "middle", "near")
_TURNS = {"ArrowLeft": ("←", "left"), "ArrowRight": ("→", "right"), "ArrowUp": ("↑", "up"), "ArrowDown": ("↓", "down")}


@dataclass(frozen=True)
class Cloud:
    """The drawn points of the input cloud.

    Attributes:
        anchor: Id of the HTML element that holds the coordinates.
        total: Number of points of the input.
        finite: Number of points with a finite position.
        kept: Node numbers of the drawn points, shape [K].
        points: Their positions, shape [K, 3], float64, centred, in the units of the drawing, within its radius.
    """

    anchor: str
    total: int
    finite: int
    kept: np.ndarray
    points: np.ndarray


def cloud_of(report: Outcome, anchor: str) -> Cloud | None:
    """Chooses the points to draw: all of them, or an even choice and the worst points of each finding.

    Returns:
        The cloud; None if no finding has an error for each point, or if no position is finite.
    """
    with_errors = [f for f in report.findings if len(f.node_errors) == len(report.cloud)]
    positions = np.array(report.cloud, dtype=np.float64).reshape(-1, 3)
    finite = np.flatnonzero(np.isfinite(positions).all(axis=1))
    if not with_errors or not finite.size:
        return None
    kept = finite
    if finite.size > MOST:
        even = finite[np.linspace(0, finite.size - 1, MOST).round().astype(int)]
        worst = [finite[np.argsort(_errors(f)[finite])[-_WORST:]] for f in with_errors]
        kept = np.unique(np.concatenate([even, *worst]))
    return Cloud(anchor, len(positions), finite.size, kept, _fit_to_drawing(positions[kept]))


def coordinates(cloud: Cloud) -> Html:
    """Returns an element with the coordinates for the script, shared by all findings."""
    text = " ".join(f"{v:g}" for v in cloud.points.ravel())
    return tag("div", hidden=True, id=cloud.anchor, data_points=text)


def nodes(finding: Finding, cloud: Cloud | None) -> Html:
    """Returns the picture of a finding, and a sentence that lists the worst nodes.

    Returns:
        An empty string if the finding has no error for each node; only the sentence if the cloud has another size.
    """
    if not finding.node_errors:
        return Html()
    if cloud is None or len(finding.node_errors) != cloud.total:
        listed = f"The broken value lists {counted(len(finding.node_errors), 'node')}"
        return tag("p", f"{listed}; the input has no cloud of as many points. ", _worst(finding))
    levels, scale = _levels(_errors(finding), finding.noise_floor)
    caption = tag("figcaption", tag("p", _describe_points(cloud)), tag("p", _worst(finding)))
    picture = _picture(cloud, levels[cloud.kept], f"input cloud, coloured by the error at each node. {_worst(finding)}")
    return tag("figure", picture, caption, _legend(finding, scale), _buttons(), class_="nodes")


def _errors(finding: Finding) -> np.ndarray:
    """Returns the error at each node, shape [N], float64; NaN becomes infinity."""
    errors = np.array(finding.node_errors, dtype=np.float64)
    return np.where(np.isnan(errors), np.inf, errors)


def _fit_to_drawing(points: np.ndarray) -> np.ndarray:
    """Returns points of shape [K, 3], centred and scaled to the radius of the drawing."""
    # Scaled first: the distance between the largest floats overflows.
    points = points / (np.abs(points).max() or 1.0)
    points = points - (points.max(axis=0) + points.min(axis=0)) / 2
    return np.round(points * _REACH / (np.linalg.norm(points, axis=1).max() or 1.0), 1) + 0.0


def _levels(errors: np.ndarray, floor: float) -> tuple[np.ndarray, tuple[float, float] | None]:
    """Returns the colour level of each node, shape [N], and the smallest and largest coloured error.

    Levels are even on a logarithmic scale. If no error is above the floor, there are no two errors: None.
    """
    levels = np.where(np.isinf(errors), _LEVELS + 1, 0)
    shown = np.isfinite(errors) & (errors > max(floor, 0.0))
    if not shown.any():
        return levels, None
    logs = np.log10(errors[shown])
    top = float(logs.max())
    low = min(max(float(logs.min()), top - _DECADES), top - 1)
    levels[shown] = np.clip(np.ceil(_LEVELS * (logs - low) / (top - low)), 1, _LEVELS)
    return levels, (10.0**low, float(errors[shown].max()))


def _describe_points(cloud: Cloud) -> str:
    words = f"Input cloud of {cloud.total:,} points."
    if cloud.finite < cloud.total:
        words += f" {cloud.total - cloud.finite:,} without a finite position cannot be drawn."
    if len(cloud.kept) < cloud.finite:
        words += f" {len(cloud.kept):,} are drawn: an even choice, and the {_WORST} worst of each finding."
    return words


def _worst(finding: Finding) -> str:
    errors = _errors(finding)
    above = int((errors > finding.noise_floor).sum())
    order = ordered(range(len(errors)), lambda i: errors[i], descending=True)[: min(_NAMED, above)]
    named = ", ".join(f"node {i} ({number(finding.node_errors[i])})" for i in order)
    beyond = f"The error is above rounding at {above:,} of {len(errors):,} nodes"
    return f"{beyond}, the largest at {named}." if named else f"{beyond}."


def _picture(cloud: Cloud, levels: np.ndarray, words: str) -> Html:
    view = _view()
    turned = cloud.points @ view.T
    band = 1 + (turned[:, 2] > _FAR).astype(int) - (turned[:, 2] < -_FAR)
    x, y = (np.floor(v + 0.5).astype(int) for v in (_SIZE / 2 + turned[:, 0], _SIZE / 2 - turned[:, 1]))
    paths = []
    for b, name in enumerate(_BANDS):
        for level in range(_LEVELS + 2):
            here = (band == b) & (levels == level)
            # A line of length zero with round ends is a dot; an error that is not finite is a cross.
            end = "m-6 -6l12 12m0 -12l-12 12" if level > _LEVELS else "h0"
            marks = "".join(f"M{u} {v}{end}" for u, v in zip(x[here], y[here], strict=True))
            paths.append(tag("path", d=marks, class_=f"{name} level{level}"))
    data = {"data_cloud": cloud.anchor, "data_levels": "".join(map(str, levels))}
    data["data_view"] = " ".join(f"{v:.6f}" for v in view.flat)
    box = f"0 0 {_SIZE} {_SIZE}"
    return tag("svg", *paths, *_axes(view), viewBox=box, role="img", aria_label=words, class_="cloud", **data)


def _view() -> np.ndarray:
    """Returns the initial view, shape [3, 3]: its columns are the drawn directions of the axes x, y and z.

    The drawing's axes are right, up and towards the reader. The viewpoint is a little above and to the left.
    """
    (c, s), (d, t) = (np.cos(_YAW), np.sin(_YAW)), (np.cos(_PITCH), np.sin(_PITCH))
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    about_x = np.array([[1, 0, 0], [0, d, -t], [0, t, d]])
    return np.round(about_x @ about_y, 6)


def _axes(view: np.ndarray) -> Sequence[Html]:
    x, y = _CORNER
    pieces = []
    for name, (u, v, _) in zip("xyz", view.T, strict=True):
        at = {"x2": round(x + _ARROW * u, 1), "y2": round(y - _ARROW * v, 1)}
        label = {"x": round(x + 1.4 * _ARROW * u, 1), "y": round(y - 1.4 * _ARROW * v, 1)}
        pieces.append(tag("line", x1=x, y1=y, **at, class_="axis"))
        pieces.append(tag("text", name, **label, text_anchor="middle", dominant_baseline="central", class_="layer"))
    return pieces


def _legend(finding: Finding, scale: tuple[float, float] | None) -> Html:
    dots = [tag("span", class_=f"dot level{level}") for level in range(_LEVELS + 1)]
    floor = f" at most {number(finding.noise_floor)} (rounding)" if finding.noise_floor else " 0"
    pieces: list[str] = [tag("span", dots[0], floor)]
    if scale:
        pieces.append(tag("span", f"{number(scale[0])} ", *dots[1:], f" {number(scale[1])} (logarithmic)"))
    if np.isinf(_errors(finding)).any():
        pieces.append(tag("span", tag("b", "✕", class_=f"level{_LEVELS + 1}"), " not finite"))
    return tag("p", join(pieces, " "), class_="legend")


def _buttons() -> Html:
    """Returns the buttons; they are hidden until the script runs."""
    buttons = [
        tag("button", sign, type="button", data_turn=key, aria_label=f"turn {word}", hidden=True)
        for key, (sign, word) in _TURNS.items()
    ]
    reset = tag("button", "Reset", type="button", data_turn="Home", hidden=True)
    hint = tag("span", "Drag it, or use the arrow keys.", class_="soft hint", hidden=True)
    return tag("p", *buttons, reset, hint, class_="buttons")
