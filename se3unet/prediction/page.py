"""Shows a prediction as one self-contained page with a rotatable face and the heatmap of each landmark."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from equivariance_zoo.landmarks.ibug import part_of
from equivariance_zoo.landmarks.pictures import drawn_pose, shading
from se3unet.prediction.predictor import Prediction

_POINTS = 5000
"""Number of drawn points of the surface."""

_NEAR = 4
_HALF = 32767
_TURNS = {"ArrowLeft": ("←", "turn left"), "ArrowRight": ("→", "turn right"), "ArrowUp": ("↑", "turn up"),
          "ArrowDown": ("↓", "turn down"), "+": ("+", "larger"), "-": ("-", "smaller")}  # fmt: skip


def to_html(prediction: Prediction, about: Mapping[str, Any], picture: bytes) -> str:
    """Returns the page, which loads no other resource.

    Args:
        prediction: The prediction to show.
        about: Origin of the prediction; listed first.
        picture: A PNG for readers whose browser runs no scripts.
    """
    title = f"Landmarks of {about.get('file', 'a scan')}"
    image = base64.b64encode(picture).decode("ascii")
    still = f'<noscript><img alt="the face with its landmarks" src="data:image/png;base64,{image}"></noscript>'
    facts = {**about, **_facts(prediction)}
    listed = "".join(f"<dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd>" for k, v in facts.items())
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{escape(title)}</title><style>
{_data("page.css")}</style></head>
<body><header><h1>{escape(title)}</h1><dl>{listed}</dl></header>
<main class="view"><section aria-label="face">{still}{_controls(prediction)}</section>
<section aria-label="landmarks"><div class="scroll" tabindex="0">{_table(prediction)}</div></section></main>
<script type="application/json" id="face">{json.dumps(_pack(prediction))}</script><script>
{_data("page.js")}</script></body></html>
"""


def _data(name: str) -> str:
    return files("se3unet.prediction").joinpath("data", name).read_text(encoding="utf-8")


def _facts(prediction: Prediction) -> dict[str, str]:
    guessed = " (guessed from the size)" if prediction.guessed else ""
    return {
        "unit": f"{prediction.unit}{guessed}, {prediction.unit_mm:g} mm",
        "confidence": f"{prediction.confidence:.2f} of 1",
    }


def _controls(prediction: Prediction) -> str:
    names = [f"{number}: {part_of(number)}" for number in range(len(prediction.landmarks))]
    options = "".join(f'<option value="{number}">{name}</option>' for number, name in enumerate(names))
    buttons = "".join(
        f'<button type="button" data-key="{key}" aria-label="{words}">{sign}</button>'
        for key, (sign, words) in _TURNS.items()
    )
    return f"""<div hidden>
<canvas tabindex="0" role="img" aria-label="the face with its landmarks; turn it with the arrow keys"></canvas>
<p class="controls">{buttons}<button type="button" data-key="Home">Reset</button>
<label>Heatmap <select><option value="-1">all</option>{options}</select></label>
<label><input type="checkbox"> numbers</label></p>
<p class="legend">0 <span class="bar"></span> 1, the network's heatmap</p>
<p class="soft">Drag the face, or use the arrow keys. Choose a landmark in the list to see its heatmap.</p></div>"""


def _table(prediction: Prediction) -> str:
    rows = "".join(
        f'<tr><td>{number}</td><td class="part">{part_of(number)}</td>'
        f"{''.join(f'<td>{value:.4g}</td>' for value in place)}<td>{certainty:.2f}</td></tr>"
        for number, (place, certainty) in enumerate(
            zip(prediction.landmarks.tolist(), prediction.certainties.tolist(), strict=True)
        )
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("x", "y", "z", "sure"))
    return (
        f'<table><thead><tr><th scope="col">#</th><th scope="col" class="part">part</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _pack(prediction: Prediction) -> dict[str, Any]:
    """Returns the data of the script: little-endian arrays in base64, the face upright, at most 1 from the centre."""
    pose = drawn_pose(prediction.landmarks.numpy())
    surface, landmarks, positions = (
        pose.apply(each.numpy()) for each in (prediction.surface, prediction.landmarks, prediction.positions)
    )
    surface = surface[np.linspace(0, len(surface) - 1, min(_POINTS, len(surface))).astype(int)]
    middle = (surface.max(0) + surface.min(0)) / 2
    reach = float(np.linalg.norm(surface - middle, axis=1).max())
    gaps, near = cKDTree(positions).query(surface, k=_NEAR)
    weights = 1 / np.maximum(gaps, 1e-9 * reach)
    heat = prediction.heatmaps.double().clamp(0, 1).numpy()
    return {
        "count": len(landmarks),
        "points": _base64((surface - middle) / reach * _HALF, "<i2"),
        "landmarks": _base64(((landmarks - middle) / reach).clip(-1, 1) * _HALF, "<i2"),
        "shade": _base64(255 * shading(surface), "u1"),
        "near": _base64(near, "<u2"),
        "weights": _base64(255 * weights / weights.sum(1, keepdims=True), "u1"),
        "heat": _base64(255 * heat, "u1"),
    }


def _base64(values: npt.NDArray[Any], dtype: str) -> str:
    return base64.b64encode(np.round(values).astype(dtype).tobytes()).decode("ascii")
