"""Reads landmarks from files of other programs: .ljson (menpo), .pts, .csv, .json."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.geometry.mesh import require_finite

_LARGEST_FILE = 2**24
_LONGEST_MESSAGE = 300

_DAMAGE = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, StopIteration),
    csv.Error,
)
"""Exceptions of the readers for damaged files."""


def read_landmarks(path: str | Path) -> npt.NDArray[np.float64]:
    """Reads landmarks [n, 3] float64 in the file's unit and order.

    - .ljson: menpo's, of version 1, 2 or 3; of version 3 the first group.
    - .pts: `version: 1`, `n_points: n`, and the rows of x y z between braces.
    - .csv: rows of x, y, z; of four columns the first is skipped, as is a first row of words.
    - .json: a list of [x, y, z], or an object with one under "landmarks" or "points".

    Raises:
        FaceError: If the ending is another, the file is damaged, or a point is not three finite numbers.
        OSError: If the file cannot be read.
    """
    path = Path(path)
    if path.suffix not in READERS:
        raise FaceError(f"{path}: expected landmarks in one of {', '.join(READERS)}")
    if path.stat().st_size > _LARGEST_FILE:
        raise FaceError(f"{path}: expected landmarks in at most {_LARGEST_FILE:,} bytes")
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        points = np.array(READERS[path.suffix](text), dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3 or not len(points):
            raise FaceError(f"expected landmarks [n, 3] but got shape {list(points.shape)}")
        require_finite("landmarks", points)
    except FaceError as error:
        raise FaceError(f"{path}: {error}") from None
    except _DAMAGE as error:
        told = f"expected three numbers per landmark but {error!r}"
        raise FaceError(f"{path}: {told[:_LONGEST_MESSAGE]}") from None
    return points


def _pts(text: str) -> list[list[float]]:
    if not text.lstrip().startswith("version"):
        raise FaceError("expected a .pts file, which begins with version: 1")
    head, _, rest = text.partition("{")
    body, brace, _ = rest.partition("}")
    if not brace:
        raise FaceError("expected rows of x y z between braces but the braces are not closed")
    rows = [[float(number) for number in line.split()] for line in body.splitlines() if line.strip()]
    promised = [int(line.split(":")[1]) for line in head.splitlines() if line.startswith("n_points")]
    if promised != [len(rows)]:
        raise FaceError(f"expected n_points to be the {len(rows)} rows but got {promised}")
    return rows


def _csv(text: str) -> list[list[float]]:
    rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    if rows and not any(_is_number(cell) for cell in rows[0][-3:]):
        rows = rows[1:]
    for number, row in enumerate(rows, 1):
        if len(row) not in (3, 4):
            raise FaceError(f"expected x, y, z, or a name and x, y, z, but row {number} has {len(row)} columns")
    return [[float(cell) for cell in row[-3:]] for row in rows]


def _json(text: str) -> Any:
    content = json.loads(text)
    if isinstance(content, dict):
        content = content["landmarks"] if "landmarks" in content else content["points"]
    return content["points"] if isinstance(content, dict) else content


def _ljson(text: str) -> Any:
    content = json.loads(text)
    version = content["version"]
    if version == 1:
        return [landmark["point"] for group in content["groups"] for landmark in group["landmarks"]]
    if version == 3:
        content = next(iter([*content["groups"].values(), {}]))
    return content["landmarks"]["points"]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


READERS: dict[str, Callable[[str], Any]] = {".ljson": _ljson, ".pts": _pts, ".csv": _csv, ".json": _json}
"""The file endings, in the order of the search for a mesh's landmarks."""
