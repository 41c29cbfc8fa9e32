"""Reads meshes from files: whatever trimesh reads (glTF 2.0, GLB, OBJ, PLY, ...), and the packed airliners.

Textures become colours of vertices. Colours of files are encoded for screens; meshes have linear ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equivariance_zoo.scenes.meshes.mesh import Mesh, creased, join, plain
from equivariance_zoo.training.extras import import_extra

_GAMMA = 2.2
_GREY = 0.6
_CREASE = 40.0
_SCALE = 32767


def read_mesh(path: str | Path, gloss: float = 0.1, crease: float = _CREASE) -> Mesh:
    """Reads a mesh, in the units and the frame of its file.

    Args:
        path: A file that trimesh reads.
        gloss: Strength of the highlights.
        crease: Angle in degrees between normals from which an edge is sharp.

    Raises:
        ImportError: If trimesh is not installed.
        ValueError: If the file is missing, cannot be read, or has no triangles.
    """
    trimesh = import_extra("trimesh", "meshes", "scenes")
    if not Path(path).is_file():
        raise ValueError(f"mesh: expected a file, got {path}")
    try:
        scene = trimesh.load_scene(path)
        parts = [part for part in scene.dump() if isinstance(part, trimesh.Trimesh) and len(part.faces)]
        meshes = [plain(part.vertices, part.faces, _colours(part), gloss) for part in parts]
    except Exception as error:  # trimesh raises errors of many kinds for damaged files
        raise ValueError(f"mesh: expected a file that trimesh reads, got {path} ({error})") from error
    if not meshes:
        raise ValueError(f"mesh: expected triangles, got none in {path}")
    return creased(join(meshes), crease)


def _colours(part: Any) -> npt.NDArray[np.float32]:
    """Returns the linear colours [V, 3] of a trimesh: from its texture, its vertices or its faces; grey without any."""
    visual = part.visual.to_color() if part.visual.kind == "texture" else part.visual
    if visual.kind is None:
        return np.full((len(part.vertices), 3), _GREY, np.float32)
    encoded = np.asarray(visual.vertex_colors)[:, :3] / 255.0
    return (encoded**_GAMMA).astype(np.float32)


class Airliners:
    """The packed models of `planes.npz`: for each NAME the arrays `NAME_v`, `NAME_f` and `NAME_c`.

    `NAME_v` [V, 3] int16 are vertices times 32767, centred, with a largest extent of 2 (x span, y up, z to the rear);
    `NAME_f` [F, 3] triangles, `NAME_c` [V, 3] uint8 colours. The models of the public file are under the GPL: pictures
    of them are not for distribution with this package.

    Attributes:
        names: Names of the models, sorted.
    """

    def __init__(self, path: str | Path) -> None:
        """Opens the file.

        Args:
            path: The .npz file.

        Raises:
            ValueError: If the file is missing or has no models.
        """
        if not Path(path).is_file():
            raise ValueError(f"models: expected a file of packed models (.npz), got {path}")
        try:
            self._arrays = np.load(path, allow_pickle=False)
            keys = set(self._arrays)
        except (ValueError, OSError, EOFError) as error:
            raise ValueError(f"models: expected a file of packed models (.npz), got {path} ({error})") from error
        self.names = sorted(key[:-2] for key in keys if key.endswith("_v") and {key[:-1] + k for k in "fc"} <= keys)
        if not self.names:
            raise ValueError(
                f"models: expected arrays NAME_v, NAME_f and NAME_c, got {', '.join(sorted(keys)) or 'none'}"
            )

    def read(self, name: str, gloss: float = 0.25, crease: float = _CREASE) -> Mesh:
        """Returns a model with its largest extent of 2 around the origin.

        Raises:
            ValueError: If there is no such model.
        """
        if name not in self.names:
            raise ValueError(f"name: expected one of {', '.join(self.names)}, got {name!r}")
        vertices = self._arrays[f"{name}_v"].astype(np.float64) / _SCALE
        colours = (self._arrays[f"{name}_c"] / 255.0) ** _GAMMA
        return creased(plain(vertices, self._arrays[f"{name}_f"], colours, gloss), crease)
