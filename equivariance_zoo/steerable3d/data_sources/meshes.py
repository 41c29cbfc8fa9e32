"""Voxelizes meshes, and reads folders of meshes with the label files of SHREC17."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from equivariance_zoo.steerable3d.data_sources.densities import of_points
from equivariance_zoo.training.extras import import_extra, without_log

SPLITS = ("train", "val", "test")
_POINTS_PER_VOXEL = 6
_FILL = 0.8
"""Distance of the farthest vertex, in half sides: every rotation then fits, with a margin."""


@dataclass(frozen=True)
class Labelled:
    """One mesh file and its class, a WordNet synset number as text."""

    path: Path
    synset: str


def voxelize(path: Path, size: int, width: float = 0.7) -> Tensor:
    """Samples the surface of a mesh on a grid, antialiased, centred and scaled to fit under every rotation.

    Points are drawn from the faces in proportion to area, the same ones for the same file. A saturation maps their
    density to a value between 0 and 1.

    Args:
        path: A mesh file of a format that trimesh reads (.obj, .off, .ply, .stl, ...).
        size: Voxels along each axis.
        width: Sigma of the filter, in voxels.

    Returns:
        [1, size, size, size] float32.

    Raises:
        ImportError: If trimesh is not installed.
        ValueError: If the file does not exist or has no surface.
    """
    trimesh = import_extra("trimesh", "meshes", "voxels")
    if not path.is_file():
        raise ValueError(f"path: expected a mesh file, got {path}")
    try:
        with without_log("trimesh"):
            mesh = trimesh.load(path, force="mesh", process=False)
    except Exception as error:  # readers of many formats raise exceptions of any class for a damaged file
        raise ValueError(f"path: expected a mesh file that trimesh reads, got {path} ({error})") from error
    vertices = np.asarray(getattr(mesh, "vertices", ()), dtype=np.float64)
    if len(vertices) == 0 or not np.isfinite(vertices).all() or not mesh.area > 0:
        raise ValueError(f"path: expected a mesh with faces of finite area, got {path}")
    count = _POINTS_PER_VOXEL * size * size
    points, _ = trimesh.sample.sample_surface(mesh, count, seed=0)
    points = np.asarray(points) - np.asarray(points).mean(0)
    scale = _FILL * size / 2 / np.linalg.norm(points, axis=1).max()
    area = float(mesh.area) * scale**2
    density = of_points(points * scale, np.full(count, area / count), size, width)
    return 1 - torch.exp(-density)


def read_table(table: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Reads the columns and the rows of a .csv file; a cell that a short row lacks is empty.

    Raises:
        ValueError: If the file is no table in text form; the message names it.
    """
    try:
        with table.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restkey="", restval="")
            return list(reader.fieldnames or ()), [{k: str(v) for k, v in row.items()} for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"folder: expected a table in text form, got {table} ({error})") from error


def read_split(folder: Path, split: str) -> list[Labelled]:
    """Reads the meshes of a split of a SHREC17 folder.

    The list is `{split}.csv` (or all.csv, with a column "split") with the columns "id" and "synsetId". The files are
    `{split}_perturbed/{id}.obj`, `{split}_normal/{id}.obj` or `{split}/{id}.obj`.

    Raises:
        ValueError: If files or columns are missing; the message names them.
    """
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
    own, common = folder / f"{split}.csv", folder / "all.csv"
    table = own if own.is_file() else common
    if not table.is_file():
        raise ValueError(f"folder: expected {own.name} or {common.name} in it, got {folder}")
    columns, every = read_table(table)
    missing = {"id", "synsetId", *(["split"] if table == common else [])} - set(columns)
    if missing:
        raise ValueError(f"folder: expected the columns {', '.join(sorted(missing))} in {table}, got "
                         f"{', '.join(columns) or 'none'}")  # fmt: skip
    rows = [row for row in every if row.get("split", split) == split]
    places = [folder / f"{split}_perturbed", folder / f"{split}_normal", folder / split]
    place = next((p for p in places if p.is_dir()), None)
    if place is None:
        raise ValueError(f"folder: expected one of {', '.join(p.name for p in places)} in it, got {folder}")
    found = [Labelled(place / f"{row['id']}.obj", row["synsetId"]) for row in rows]
    absent = [item.path.name for item in found if not item.path.is_file()]
    if absent or not found:
        raise ValueError(f"folder: expected the {len(rows)} meshes that {table.name} lists for {split} in {place}, "
                         f"got none of {', '.join(absent[:3]) or 'them'}")  # fmt: skip
    return found
