"""Packs a clone of the public ICT-FaceKit, github.com/ICT-VGL/ICT-FaceKit (MIT licence), into one small file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.readers.obj import read_obj, read_vertices

MODES = 50
"""Kept modes of identity, of the clone's 100. They hold 98 % of the variance on the face."""

VERTICES = 11_248
"""The parts "Face" and "Head and Neck" of the README's table of the topology, which come first."""

# The README's "Multi-PIE 68 point facial landmarks indices".
LANDMARKS = (
    *(1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443),
    *(268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360),
    *(1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732),
    *(5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841),
    *(5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966),
)

_TEMPLATE = "generic_neutral_mesh.obj"
_NAMES = "vertex_indices.json"
_NO_VERTEX = 65_535
_LARGEST = np.iinfo(np.int16).max


def pack_ict(folder: str | Path, modes: int = MODES) -> dict[str, npt.NDArray[Any]]:
    """Computes the arrays of the packed model, which `faces.load_ict` reads from an .npz file.

    Each mode is the offset of its mesh from the template, rounded to 1/32767 of its largest coordinate.

    Args:
        folder: The clone's `FaceXModel` (or the clone itself).
        modes: Number of modes of identity to keep.

    Returns:
        mean [V, 3] float32 in centimetres; id_q [modes, V, 3] int16, id_scale [modes] float32; ex_q [E, V, 3] int16,
        ex_scale [E] float32, ex_names [E]; quads [F, 4] uint16; lm68 [68] int64.

    Raises:
        FaceError: If the folder is no clone, a mesh or the list of expressions is damaged, or there are fewer modes.
        OSError: If a file is missing or cannot be read.
    """
    folder = Path(folder)
    if (folder / "FaceXModel").is_dir():
        folder = folder / "FaceXModel"
    if not (folder / _TEMPLATE).is_file():
        raise FaceError(f"{folder}: expected the folder FaceXModel of a clone of ICT-FaceKit but it has no {_TEMPLATE}")
    there = len(list(folder.glob("identity[0-9][0-9][0-9].obj")))
    if not 0 < modes <= there:
        raise FaceError(f"modes={modes}: expected from 1 to the {there} of {folder}/identity*.obj")
    template, faces = read_obj(folder / _TEMPLATE)
    if len(template) < VERTICES:
        raise FaceError(f"{folder / _TEMPLATE}: expected at least {VERTICES} vertices but got {len(template)}")
    names = _expressions(folder / _NAMES)
    identities = [_offsets(folder / f"identity{number:03}.obj", template) for number in range(modes)]
    expressions = [_offsets(folder / f"{name}.obj", template) for name in names]
    id_q, id_scale = _quantize(identities)
    ex_q, ex_scale = _quantize(expressions)
    kept = faces[(faces < VERTICES).all(axis=1)]
    return {
        "mean": template[:VERTICES].astype(np.float32),
        **{"id_q": id_q, "id_scale": id_scale, "ex_q": ex_q, "ex_scale": ex_scale, "ex_names": np.array(names)},
        "quads": np.where(kept < 0, _NO_VERTEX, kept).astype(np.uint16),
        "lm68": np.array(LANDMARKS),
    }


def _expressions(path: Path) -> list[str]:
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["expressions"]
    except (ValueError, KeyError, TypeError) as error:
        raise FaceError(f'{path}: expected a list of names under "expressions" but {error!r}') from None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise FaceError(f'{path}: expected a list of names under "expressions" but got {str(names)[:80]}')
    return names


def _offsets(path: Path, template: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    vertices = read_vertices(path)
    if len(vertices) != len(template):
        raise FaceError(f"{path}: expected the template's {len(template)} vertices but got {len(vertices)}")
    if not np.isfinite(vertices).all():
        raise FaceError(f"{path}: expected finite coordinates but got NaN or infinity")
    return (vertices - template)[:VERTICES]


def _quantize(offsets: list[npt.NDArray[np.float64]]) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    largest = np.array([np.abs(offset).max() for offset in offsets])
    # If a mode does not move the face, its scale is one step: zero over zero is NaN.
    scales = (np.where(largest > 0, largest, _LARGEST) / _LARGEST).astype(np.float32)
    steps = [
        np.rint(offset / np.float64(scale)).clip(-_LARGEST, _LARGEST).astype(np.int16)
        for offset, scale in zip(offsets, scales, strict=True)
    ]
    return np.stack(steps), scales
