"""Contact sheets: the first pictures of a set in one PNG, with their labels drawn on them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from equivariance_zoo.landmarks.ibug import LINES
from equivariance_zoo.scenes.datasets.store import Arrays, load, read_settings, shards
from equivariance_zoo.scenes.photograph import Bytes
from equivariance_zoo.training.files import replace_file

SHEET = "contact_sheet.png"

_TILE, _COLUMNS, _ROWS = 192, 8, 3
_GREY = 190
_SHOWN, _HIDDEN, _LINE = (60, 230, 90), (235, 70, 60), (250, 250, 250)


def write_sheet(folder: str | Path) -> Path:
    """Writes `contact_sheet.png` of a set to its folder, and returns its path.

    The sheet of heads has pictures, the first ones with landmarks (green: visible, red: hidden), and dense labels if
    there are any. The sheet of objects has two views of each of some objects.

    Raises:
        ValueError: If the folder holds no set.
    """
    names = shards(folder)
    if not names:
        raise ValueError(f"folder: expected a set of pictures, got {folder} without any")
    if read_settings(folder)["kind"] == "heads":
        tiles = _heads(load(folder, names[:1]))
    else:
        chosen = [names[k] for k in np.unique(np.linspace(0, len(names) - 1, _ROWS * _COLUMNS // 2).astype(int))]
        tiles = [_on_grey(p) for name in chosen for p in load(folder, [name], ["picture"])["picture"][:2]]
    path = Path(folder) / SHEET
    replace_file(path, _png(tiles))
    return path


def _heads(arrays: Arrays) -> list[Bytes]:
    count, size = min(_COLUMNS, len(arrays["picture"])), arrays["picture"].shape[1]
    pictures = list(arrays["picture"][: 2 * _COLUMNS])
    pictures += [_blank(size)] * (-len(pictures) % _COLUMNS)
    marked = [_marked(*(arrays[key][n] for key in ("picture", "landmarks", "visible"))) for n in range(count)]
    tiles = pictures + marked + [_blank(size)] * (_COLUMNS - count)
    if "pncc" in arrays:
        tiles += [(arrays["pncc"][n] >> 8).astype(np.uint8) for n in range(count)]
    return tiles


def _blank(size: int) -> Bytes:
    return np.full((size, size, 3), _GREY, np.uint8)


def _marked(picture: Bytes, points: npt.NDArray[np.float32], visible: npt.NDArray[np.bool_]) -> Bytes:
    """Draws landmarks on an enlarged picture."""
    scale = _TILE / len(picture)
    image = Image.fromarray(picture).resize((_TILE, _TILE), Image.Resampling.BICUBIC)
    draw, places = ImageDraw.Draw(image), points[:, :2] * scale
    for first, second in LINES:
        draw.line([*places[first], *places[second]], fill=_LINE)
    for (x, y), shown in zip(places, visible, strict=True):
        draw.ellipse([x - 1.5, y - 1.5, x + 1.5, y + 1.5], fill=_SHOWN if shown else _HIDDEN)
    return np.asarray(image)


def _on_grey(picture: Bytes) -> Bytes:
    cover = picture[..., 3:] / 255.0
    return np.round(picture[..., :3] * cover + _GREY * (1 - cover)).astype(np.uint8)


def _png(tiles: list[Bytes]) -> bytes:
    """Returns a PNG of tiles, row by row."""
    rows = -(-len(tiles) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _TILE, rows * _TILE), (_GREY, _GREY, _GREY))
    for number, tile in enumerate(tiles):
        image = Image.fromarray(tile).resize((_TILE, _TILE), Image.Resampling.BICUBIC)
        sheet.paste(image, (number % _COLUMNS * _TILE, number // _COLUMNS * _TILE))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()
