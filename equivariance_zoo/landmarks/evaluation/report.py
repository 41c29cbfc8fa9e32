"""The figures of the SE(3)-Unet report, for comparison: FaceScape faces, the report's network and training."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

import torch
from torch import Tensor

LABEL = "report (FaceScape, theirs)"


@cache
def report_table_1() -> dict[str, Tensor]:
    """Returns the IoU at 0.2 per landmark, [68] float64 for each of seven conditions (SE(3)-Unet report, Table 1)."""
    text = (files("equivariance_zoo.landmarks.evaluation") / "data" / "report_table1.csv").read_text(encoding="ascii")
    header, *rows = csv.reader(text.splitlines())
    values = torch.tensor([[float(cell) for cell in row[1:]] for row in rows], dtype=torch.float64)
    return dict(zip(header[1:], values.unbind(1), strict=True))
