"""Writes a prediction as files: all files or none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from scipy.spatial.transform import Rotation

from equivariance_zoo.landmarks.pictures import draw_face, drawn_pose, spread_heat, to_png
from equivariance_zoo.training.extras import import_extra
from equivariance_zoo.training.files import make_folder, replacing
from se3unet.prediction.formats import to_json, to_ljson, to_pts
from se3unet.prediction.page import to_html
from se3unet.prediction.predictor import Prediction

_SIDEWAYS = Rotation.from_euler("y", 50, degrees=True)
_SIZE = 44.0


def write(prediction: Prediction, folder: Path, stem: str, about: Mapping[str, Any]) -> dict[str, Path]:
    """Writes `stem.json`, `.ljson`, `.pts`, `.png` and `.html`.

    All contents are made before the first file is opened. All files are written before the first replaces an old one.

    Args:
        prediction: The prediction to write.
        folder: The folder, which is created.
        stem: Stem of the file names.
        about: Origin of the prediction, for the JSON file and the page.

    Returns:
        The files by their endings.

    Raises:
        OSError: If a file cannot be written.
        ValueError: If the folder cannot be created.
        ImportError: If matplotlib is not installed.
    """
    image = picture(prediction)
    contents = {
        ".json": to_json(prediction, about).encode(),
        ".ljson": to_ljson(prediction).encode(),
        ".pts": to_pts(prediction).encode(),
        ".png": image,
        ".html": to_html(prediction, about, image).encode(),
    }
    make_folder(folder)
    paths = {ending: folder / f"{stem}{ending}" for ending in contents}
    with ExitStack() as stack:
        files = {ending: stack.enter_context(replacing(path)) for ending, path in paths.items()}
        for ending, file in files.items():
            file.write(contents[ending])
            # A full disk raises here, before any file has been replaced.
            file.flush()
            os.fsync(file.fileno())
    return paths


def picture(prediction: Prediction) -> bytes:
    """Returns a PNG of the face with its landmarks from the front and the side, and with all heatmaps."""
    figure = import_extra("matplotlib.figure", "pictures", "predict").Figure(
        figsize=(9.6, 4.0), layout="constrained", facecolor="white"
    )
    surface, landmarks, positions = (
        tensor.numpy() for tensor in (prediction.surface, prediction.landmarks, prediction.positions)
    )
    heat = spread_heat(prediction.heatmaps.amax(1).double().numpy(), positions, surface)
    front = drawn_pose(landmarks)
    panels = figure.subplots(1, 3)
    draw_face(panels[0], surface, front, landmarks=landmarks, size=_SIZE)
    draw_face(panels[1], surface, _SIDEWAYS * front, landmarks=landmarks, size=_SIZE)
    draw_face(panels[2], surface, front, heat=heat, size=_SIZE)
    for axes, title in zip(panels, ("68 landmarks", "from the side", "all heatmaps"), strict=True):
        axes.set_title(title, fontsize=9)
    return to_png(figure)
